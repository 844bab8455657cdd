"""An SRAM macro as a transistor netlist, from its spec and not from its layout."""

__all__ = ["bit", "column_foot", "control_devices", "drivers", "sense", "sram_spice"]

from collections.abc import Iterator

from base_chip.arrays import gates
from base_chip.arrays.spice import Devices
from base_chip.arrays.sram import cell, control, driver, latch
from base_chip.arrays.sram.column import PRECHARGE_FINGERS
from base_chip.arrays.sram.pins import port_names
from base_chip.arrays.sram.spec import BYTE, GROUP_ROWS, SramSpec

_WP, _WN = gates.WIDTHS


def sram_spice(spec: SramSpec) -> str:
    """A `.subckt` with every transistor of the macro."""
    ports = port_names(spec)
    lines = [f"* {spec.name}", f".subckt {spec.name}"]
    lines += ["+ " + " ".join(ports[i : i + 16]) for i in range(0, len(ports), 16)]
    devices = Devices(spec)
    for word in range(spec.words):
        for column in range(spec.bits):
            lines += bit(
                devices, f"l{word}_{column}", f"r{word}_{column}", f"rwl{word}", f"wwl{word}", column
            )
    for row in range(spec.words // driver.ROWS):
        lines += drivers(devices, row)
    for column in range(spec.bits):
        lines += column_foot(devices, column)
    for byte in range(spec.bytes):
        lines.append(devices.n("w_n", f"write[{byte}]", "VGND", _WN))
    lines += [*control_devices(devices), f".ends {spec.name}"]
    return "\n".join(lines) + "\n"


def bit(devices: Devices, left: str, right: str, rwl: str, wwl: str, column: int | str) -> Iterator[str]:
    """A cell: `left` is high where q reads low, as it pulls the read bit line down."""
    w, read = cell.WIDTHS, f"m{left}"
    for node, other, line in ((left, right, f"wbl{column}"), (right, left, f"wblb{column}")):
        yield devices.n(node, other, "VGND", w["down"])
        yield devices.p(node, other, "VPWR", w["up"])
        yield devices.n(node, wwl, line, w["access"])
    yield devices.n(read, left, "VGND", w["read"])
    yield devices.n(f"rbl{column}", rwl, read, w["read"])


def drivers(devices: Devices, row: int) -> Iterator[str]:
    """A row of gates beside four rows of the array."""
    b_n = f"b_n[{row // driver.IN_GROUP}]"
    for clock, line in (("ev_n", "rwl"), ("wp_n", "wwl")):
        b = f"b_{line}{row}"
        yield from devices.nor(clock, b_n, b, _WP, _WN)
        for word in range(row * driver.ROWS, (row + 1) * driver.ROWS):
            yield from devices.nand(f"A{word % GROUP_ROWS}", b, f"{line}_n{word}", _WP, _WN)
            yield from devices.inverter(f"{line}_n{word}", f"{line}{word}", _WP, _WN, driver.FINGERS)


def sense(devices: Devices, line: str, m: str, inner: str, q: str) -> Iterator[str]:
    """The latch of a bit line, with its output and keeper; open while `ev` is high."""
    size = latch.SIZES
    yield devices.p(m, line, "VPWR", size.p)
    yield devices.n(inner, line, "VGND", size.n)
    yield devices.n(m, "ev", inner, size.n)
    yield devices.n(m, q, inner, size.n)
    yield devices.p(m, q, "VPWR", size.p_weak, size.weak_length)
    yield from devices.inverter(m, q, size.p, size.n)
    yield devices.p(line, m, "VPWR", size.keeper, size.keeper_length)


def column_foot(devices: Devices, column: int) -> Iterator[str]:
    """Latch, precharge and write drivers of a column."""
    write, d = f"write[{column // BYTE}]", f"d[{column}]"
    yield from sense(devices, f"rbl{column}", f"m{column}", f"e{column}", f"q[{column}]")
    for _ in range(PRECHARGE_FINGERS):
        yield devices.p(f"rbl{column}", "pre_n", "VPWR", _WP)
    yield from devices.inverter(d, f"d_n{column}", _WP, _WN)
    yield from devices.nand(f"d_n{column}", write, f"wblb{column}", _WP, _WN)
    yield from devices.nand(d, write, f"wbl{column}", _WP, _WN)


def control_devices(devices: Devices) -> Iterator[str]:
    """From clk, enable and w_n to the clocks of reads and writes; the buffers of the A lines."""
    fingers = control.FINGERS
    width, length = control.KEEPER
    yield devices.p("w_n", "VGND", "VPWR", width, length)
    yield from devices.nand("w", "clk_n", "wp_i", _WP, _WN)
    yield from devices.nand("enable", "clk_n", "ev_0", _WP, _WN)
    chain = (
        ("w_n", "w"),
        ("wp_i", "wp"),
        ("wp", "wp_n"),
        ("clk", "clk_n"),
        ("ev_0", "ev_i"),
        ("ev_i", "ev_n"),
    )
    for a, y in (*chain, ("ev_n", "ev"), ("ev", "p1"), ("p1", "pre_n")):
        yield from devices.inverter(a, y, _WP, _WN, fingers[y])
    for row in range(GROUP_ROWS):
        yield from devices.inverter(f"a[{row}]", f"a_n{row}", _WP, _WN, fingers["a_n"])
        yield from devices.inverter(f"a_n{row}", f"A{row}", _WP, _WN, fingers["a"])
