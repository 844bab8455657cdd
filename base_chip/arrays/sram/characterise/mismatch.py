"""Monte Carlo of device mismatch where an SRAM is weakest: how far it is from losing or refusing a bit.

Every sample has transistors of its own. Loops are cut open and swept, which takes a hundredth of the time
that a simulator takes to find where they turn over:

    hold   write line low: noise at both gates, against the state (static noise margin), V
    half   write line high, both bit lines high, as in a byte that is not written: the same
    write  one bit line falls, write line high: what is left of it when the cell turns over, V
    read   from the level to which a cell pulls its bit line against the keeper that is fully on, to the level
           at which the latch turns over, V
"""

__all__ = ["KINDS", "CellMargin", "cell_margin"]

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base_chip.arrays.characterise.mismatch import sigmas
from base_chip.arrays.spice import Devices
from base_chip.arrays.sram import cell, latch
from base_chip.arrays.sram.characterise.deck import sizes, tagged
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.spice import sense
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import curves
from rtl_gen.errors import ExitCode, FlowError

_BATCH = 20  # samples of a simulation
_WORD = 0.95  # of the supply, on the word line that reads
_HALVINGS = 16


@dataclass(frozen=True)
class CellMargin:
    """Margins of a kind, V, [samples]."""

    kind: str
    volts: np.ndarray

    @property
    def sigmas(self) -> float:
        """Mean by standard deviation."""
        return sigmas(self.volts)


def cell_margin(
    spec: SramSpec, kind: str, library: Path, process: str, volts: float, celsius: float,
    samples: int = 1000, seed: int = 1,
) -> CellMargin:  # fmt: skip
    """Simulate samples of one kind.

    Args:
        spec: The macro.
        kind: One of `KINDS`.
        library: Folder of the kit's device library.
        process: Transistor models: also "sf" and "fs", which are the worst for some margins.
        volts, celsius: Supply and temperature.
        samples: How many.
        seed: Of the random numbers.

    Raises:
        FlowError: If ngspice or a model is missing, or a sample has no margin at all.
    """
    models = model_text(spec.array, library, process, sizes(), mismatch=True)
    own = KINDS[kind]
    sweep = np.linspace(own.begin * volts, volts, own.points)
    dc = f".dc Vin {sweep[0]} {volts} {sweep[1] - sweep[0]}"
    if own.levels:
        first, second, last = (volts * own.levels[n] for n in (0, 1, -1))
        dc += f" Vwbl {first} {last} {second - first}"
    head = [
        f"* {spec.name}, {kind}, {process} {volts} V {celsius} C",
        *(f".param vdd={volts}", models, ".option scale=1.0u", f".temp {celsius}", ".global VPWR VGND"),
        *("Vpwr VPWR 0 {vdd}", "Vgnd VGND 0 0", "Vin in 0 0", "Vev ev 0 {vdd}"),
        *("Vwblb wblb 0 {vdd}", "Vwbl wbl 0 {vdd}", f"Vrwl rwl 0 {{{_WORD}*vdd}}"),
        *(f"Vwwl wwl 0 {'0' if kind == 'hold' else '{vdd}'}", dc),
    ]
    found: list[float] = []
    for done in range(0, samples, _BATCH):
        count = min(_BATCH, samples - done)
        text = "\n".join([*head, f".option seed={seed + done}"])
        for n in range(count):
            text += "\n" + "\n".join(tagged(f"s{n}", own.lines(Devices(spec, simulated=True), n)))
        nodes = [f"{node}{n}" for node in ("x", "y") for n in range(count)]
        x, y = curves(text, nodes).reshape(2, count, -1, own.points)
        found += list(own.margins(sweep, x, y))
    if not np.all(np.isfinite(found)):
        raise FlowError("a sample has no margin", where=head[0].lstrip("* "), code=ExitCode.TOOL_FAILED)
    return CellMargin(kind, np.array(found))


def _halves(devices: Devices, n: int) -> Iterator[str]:
    """Both inverters of a cell with their access transistors, one gate for both: x is node l, y is node r."""
    w = cell.WIDTHS
    for node, line in ((f"x{n}", "wbl"), (f"y{n}", "wblb")):
        yield devices.n(node, "in", "VGND", w["down"])
        yield devices.p(node, "in", "VPWR", w["up"])
        yield devices.n(node, "wwl", line, w["access"])


def _loop(devices: Devices, n: int) -> Iterator[str]:
    """A cell whose node l is held where `in` is. x: the current that this takes, A as V; y is node r."""
    w = cell.WIDTHS
    for node, gate, line in ((f"l{n}", f"y{n}", "wbl"), (f"y{n}", "in", "wblb")):
        yield devices.n(node, gate, "VGND", w["down"])
        yield devices.p(node, gate, "VPWR", w["up"])
        yield devices.n(node, "wwl", line, w["access"])
    yield f"Vl in l{n} 0"
    yield f"Hx x{n} 0 Vs{n}_l 1"


def _port(devices: Devices, n: int) -> Iterator[str]:
    """x: a bit line between cell and keeper. y: q of a latch that showed a one, as its bit line is swept."""
    size = latch.SIZES
    yield devices.n(f"s{n}", "VPWR", "VGND", cell.WIDTHS["read"])
    yield devices.n(f"x{n}", "rwl", f"s{n}", cell.WIDTHS["read"])
    yield devices.p(f"x{n}", "VGND", "VPWR", size.keeper, size.keeper_length)
    # what q feeds back sees the one that it has shown, which helps the falling bit line least
    for line in sense(devices, "in", f"m{n}", f"e{n}", f"y{n}"):
        name, drain, gate, rest = line.split(" ", 3)
        yield f"{name} {drain} {'VPWR' if gate == f'y{n}' else gate} {rest}"


def _noise(volts: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Noise at which l, that is low, has no level left at which the loop through both inverters stays."""
    grid = volts[volts <= 0.6 * volts[-1]]
    return np.array([_lost(grid, volts, left[0], right[0]) for left, right in zip(x, y, strict=True)])


def _lost(grid: np.ndarray, volts: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    low, high = 0.0, volts[-1]
    for _ in range(_HALVINGS):
        noise = (low + high) / 2
        around = np.interp(np.interp(grid + noise, volts, right) - noise, volts, left)
        low, high = (low, noise) if (around > grid).all() else (noise, high)
    return float(low) if low > 0 else np.nan


def _left(volts: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bit line at which l, that is high, has no level left at which it needs no current to stay."""
    above = (-x).max(axis=2)
    levels = np.array(KINDS["write"].levels) * volts[-1]
    falls = (above[:, 0] < 0) & (above[:, -1] > 0)
    found = [np.interp(0, row, levels) for row in above]
    margin: np.ndarray = np.where(falls, found, np.nan)
    return margin


def _pulled(volts: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """From the level that a cell reaches to that at which q has fallen to half the supply."""
    trip = np.array([np.interp(volts[-1] / 2, q[0], volts) for q in y])
    reached: np.ndarray = x[:, 0, 0]
    margin: np.ndarray = trip - reached
    return margin


@dataclass(frozen=True)
class _Kind:
    """How a margin is found: a sample's devices, the margins of all from the sweep, x and y.

    x and y are [samples, levels, points].
    """

    lines: Callable[[Devices, int], Iterator[str]]
    margins: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    begin: float = 0.0  # of the sweep of `in`, a part of the supply
    points: int = 201
    levels: tuple[float, ...] = ()  # of wbl, parts of the supply


KINDS = {
    "hold": _Kind(_halves, _noise),
    "half": _Kind(_halves, _noise),
    "write": _Kind(_loop, _left, 0.4, 21, tuple(np.linspace(0.0, 0.7, 18))),
    "read": _Kind(_port, _pulled, points=101),
}
