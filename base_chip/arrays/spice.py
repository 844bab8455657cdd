"""A ROM macro as a transistor netlist, from its contents and not from its layout."""

__all__ = ["Devices", "control_devices", "rom_spice"]

from collections.abc import Iterator

import numpy as np

from base_chip.arrays import control, driver, gates, latch, rom_latch, rom_mux
from base_chip.arrays.pins import port_names
from base_chip.arrays.spec import MacroSpec, RomSpec
from base_chip.bank.dims import BankDims
from rtl_gen.errors import FlowError

_HALF = 0.145  # um of diffusion that a gate has to itself on either side
_STRESS = 0.43  # um of diffusion beside a gate, for the models' stress


def rom_spice(spec: RomSpec, bits: np.ndarray | None = None) -> str:
    """A `.subckt` with every transistor of the macro.

    Args:
        spec: The macro.
        bits: bool [words, bits]; a set bit is a via. None is the base without vias.

    Raises:
        FlowError: If `bits` has another shape.
    """
    shape = spec.words, spec.bits
    if bits is None:
        bits = np.zeros(shape, bool)
    if bits.shape != shape:
        raise FlowError(f"bits are {bits.shape}, macro {spec.name} has {shape}")
    ports = port_names(spec)
    lines = [f"* {spec.name}: low at q where a bit is set", f".subckt {spec.name}"]
    lines += ["+ " + " ".join(ports[i : i + 16]) for i in range(0, len(ports), 16)]
    devices = Devices(spec)
    lines += [*_array(devices, spec, bits), *_drivers(devices, spec), *_latches(devices, spec)]
    lines += [*control_devices(devices), f".ends {spec.name}"]
    return "\n".join(lines) + "\n"


class Devices:
    """Writes transistors; sizes in nm.

    Args:
        spec: The macro.
        simulated: Whether to state diffusion, as simulation needs it.
        count: Transistors in parallel that each line stands for.
    """

    def __init__(self, spec: MacroSpec, *, simulated: bool = False, count: int = 1) -> None:
        self.dims: BankDims = spec.array.dims
        self._simulated, self._multiple = simulated, count
        self._names = spec.array.process.devices
        self._count = 0

    def n(self, drain: str, gate: str, source: str, width: int, length: int = 150) -> str:
        """An n transistor, its bulk at VGND."""
        return self._line(drain, gate, source, "VGND", "nfet", width, length)

    def p(self, drain: str, gate: str, source: str, width: int, length: int = 150) -> str:
        """A p transistor, its bulk at VPWR."""
        return self._line(drain, gate, source, "VPWR", "pfet", width, length)

    def inverter(self, a: str, y: str, wp: int, wn: int, fingers: int = 1) -> Iterator[str]:
        """Fingers in parallel."""
        for _ in range(fingers):
            yield self.p(y, a, "VPWR", wp)
            yield self.n(y, a, "VGND", wn)

    def nand(self, a: str, b: str, y: str, wp: int, wn: int) -> Iterator[str]:
        """Input b is next to the output."""
        self._count += 1
        inner = f"nand{self._count}"
        yield self.p(y, a, "VPWR", wp)
        yield self.p(y, b, "VPWR", wp)
        yield self.n(inner, a, "VGND", wn)
        yield self.n(y, b, inner, wn)

    def nor(self, a: str, b: str, y: str, wp: int, wn: int) -> Iterator[str]:
        """Input b is next to the output."""
        self._count += 1
        inner = f"nor{self._count}"
        yield self.p(inner, a, "VPWR", wp)
        yield self.p(y, b, inner, wp)
        yield self.n(y, a, "VGND", wn)
        yield self.n(y, b, "VGND", wn)

    def driver(self, a: str, b: str, x: str, word: str) -> Iterator[str]:
        """What a word line has to itself: a NOR but for the p transistor of `b`."""
        wp, wn = driver.WIDTHS
        yield self.p(word, a, x, wp)
        yield self.n(word, a, "VGND", wn)
        yield self.n(word, b, "VGND", wn)

    def rom_latch(self, line: str, m: str, inner: str, q: str) -> Iterator[str]:
        """Sense, storage, output and keeper of a bit line; open while `ev` is high."""
        size = rom_latch.SIZES
        yield self.n(inner, line, "VGND", size.n_out)
        yield self.n(m, "ev", inner, size.n)
        yield self.n(m, q, inner, size.n)
        yield self.p(m, q, "VPWR", size.p_weak, size.weak_length)
        yield self.p(m, "load_n", "VPWR", size.load, size.load_length)
        yield from self.inverter(m, q, size.p_out, size.n_out)
        yield self.keeper(line, m)

    def keeper(self, line: str, m: str, mux: int = 1) -> str:
        """What keeps a bit line up while m is low."""
        size = rom_latch.SIZES if mux == 1 else rom_mux.SIZES
        return self.p(line, m, "VPWR", size.keeper, size.keeper_length)

    def mux_column(self, line: str, select: str, inner: str, m: str, f: str) -> Iterator[str]:
        """A bit line of a multiplexed latch: sense, select and keeper."""
        size = rom_mux.SIZES
        yield self.n(inner, line, "VGND", size.n)
        yield self.n(f, select, inner, size.n)
        yield self.keeper(line, m, latch.LEVELS)

    def mux_latch(self, m: str, f: str, inner: str, q: str) -> Iterator[str]:
        """What columns share: evaluate, load, storage and output."""
        size = rom_mux.SIZES
        yield self.n(m, "ev", f, size.n)
        yield self.n(m, q, f, size.n)
        yield self.n(m, q, inner, size.n)
        yield self.n(inner, "load_n", "VGND", size.n)
        yield self.p(m, q, "VPWR", size.p_weak, size.weak_length)
        yield self.p(m, "load_n", "VPWR", size.load, size.load_length)
        yield from self.inverter(m, q, size.p_out, size.n)

    def _line(self, d: str, g: str, s: str, b: str, role: str, width: int, length: int) -> str:
        self._count += 1
        line = f"X{self._count} {d} {g} {s} {b} {self._names[role]} w={width * 1000}u l={length * 1000}u"
        if not self._simulated:
            return line
        w = width / 1000
        area, around = w * _HALF, w + 2 * _HALF  # half of a node between two gates on either side
        shape = f"ad={area:.4g} as={area:.4g} pd={around:.4g} ps={around:.4g} sa={_STRESS} sb={_STRESS}"
        return f"{line} {shape} m={self._multiple}"


def _array(devices: Devices, spec: RomSpec, bits: np.ndarray) -> Iterator[str]:
    width = devices.dims.channel
    for word in range(0, spec.words, 2):
        for bit in range(spec.bits):
            low, high = (f"bl{bit}" if bits[w, bit] else f"d{w}_{bit}" for w in (word, word + 1))
            yield devices.n("VGND", f"wl{word}", low, width)
            yield devices.n(low, "VGND", high, width)
            yield devices.n(high, f"wl{word + 1}", "VGND", width)
    for bit in range(spec.bits):
        for _ in range(spec.array.precharge_fingers):
            yield devices.p(f"bl{bit}", "pre_n", "VPWR", width)


def _drivers(devices: Devices, spec: RomSpec) -> Iterator[str]:
    """A NOR a word line; its upper p transistor is shared by the even or the odd rows of a group."""
    for group in range(spec.groups):
        b = f"b_n[{group}]"
        for parity in (0, 1):
            yield devices.p(f"x{group}_{parity}", b, "VPWR", driver.HEADER)
        for row in range(driver.GROUP_ROWS):
            word = f"wl{group * driver.GROUP_ROWS + row}"
            yield from devices.driver(f"a_n{row}", b, f"x{group}_{row % 2}", word)


def _latches(devices: Devices, spec: RomSpec) -> Iterator[str]:
    for n in range(spec.outputs):
        m, q = f"m{n}", f"q[{n}]"
        if spec.mux == 1:
            yield from devices.rom_latch(f"bl{n}", m, f"e{n}", q)
            continue
        for i in range(spec.mux):
            bit = n * spec.mux + i
            yield from devices.mux_column(f"bl{bit}", f"select[{i}]", f"e{bit}", m, f"f{n}")
        yield from devices.mux_latch(m, f"f{n}", f"h{n}", q)


def control_devices(devices: Devices) -> Iterator[str]:
    """Clock, enable, EV, EV_A, LOAD_N, PRE_N and the gates of the A lines."""
    wp, wn = gates.WIDTHS
    fingers = control.FINGERS
    yield from devices.inverter("clk", "clk_n", wp, wn)
    for _ in range(control.NAND_FINGERS):
        yield from devices.nand("clk_n", "enable", "ev_n", wp, wn)
    yield from devices.inverter("ev_n", "ev", wp, wn, fingers["ev"])
    yield from devices.inverter("ev_n", "ev_a", wp, wn, fingers["ev_a"])
    yield from devices.inverter("ev", "p1", wp, wn, fingers["p1"])
    yield from devices.inverter("p1", "pre_n", wp, wn, fingers["pre"])
    yield from devices.inverter("pre_n", "load_n", wp, wn, fingers["load"])
    for row in range(driver.GROUP_ROWS):
        for _ in range(control.NAND_FINGERS):
            yield from devices.nand("ev_a", f"a[{row}]", f"a_n{row}", wp, wn)
