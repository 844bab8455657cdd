"""Monte Carlo of device mismatch in an SRAM cell: how far it is from losing, or refusing, a bit.

Every sample has transistors of its own, all in one circuit, and is swept until it turns over:

    hold   write line low: noise at both gates, against the state (static noise margin), V
    half   write line high, both bit lines high, as in a byte that is not written: the same
    write  one bit line falls, write line high: what is left of it when the cell turns over, V
"""

__all__ = ["WORST", "CellMargin", "cell_margin"]

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base_chip.arrays.spice import Devices
from base_chip.arrays.sram.characterise.deck import sizes, tagged
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.spice import bit
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure

# kind, process, volts and celsius; of those tried in ss, tt, ff, sf and fs the smallest margins
WORST = (
    ("half", "ff", 1.95, 100.0),
    ("half", "sf", 1.40, -40.0),
    ("write", "sf", 1.40, -40.0),
)
_BATCH = 10  # samples of a simulation: its time grows with their square
_SWEEP_NS = 200.0  # a quarter of it gives 5 % more margin, as the cell lags behind
_SWEPT = {"hold": (0.2, 0.6), "half": (0.1, 0.5), "write": (0.7, 0.0)}  # parts of the supply


@dataclass(frozen=True)
class CellMargin:
    """Margins of a kind, V, [samples]."""

    kind: str
    volts: np.ndarray

    @property
    def sigmas(self) -> float:
        """Mean by standard deviation."""
        return float(self.volts.mean() / self.volts.std(ddof=1))


def cell_margin(
    spec: SramSpec, kind: str, library: Path, process: str, volts: float, celsius: float,
    samples: int = 1000, seed: int = 1,
) -> CellMargin:  # fmt: skip
    """Simulate samples of one kind.

    Args:
        spec: The macro.
        kind: "hold", "half" or "write".
        library: Folder of the kit's device library.
        process: Transistor models: also "sf" and "fs", which are the worst for some margins.
        volts, celsius: Supply and temperature.
        samples: How many.
        seed: Of the random numbers.

    Raises:
        FlowError: If ngspice or a model is missing, or a cell cannot be written at all.
    """
    models = model_text(spec.array, library, process, sizes(), mismatch=True)
    found: list[float] = []
    for first in range(0, samples, _BATCH):
        count = min(_BATCH, samples - first)
        head = (f"* {spec.name}, {kind}, {process}", f".param vdd={volts}", models, ".option scale=1.0u")
        lines = (*head, f".option seed={seed + first}", f".temp {celsius}", *_lines(spec, kind, count))
        turned = _measured("\n".join(lines))
        part = np.array([turned[f"turn{n}"] for n in range(count)]) * 1e9 / _SWEEP_NS
        begin, end = _SWEPT[kind]
        found += list(volts * (begin + (end - begin) * part))
    return CellMargin(kind, np.array(found))


def _measured(deck: str) -> dict[str, float]:
    return measure(lambda _: deck, _SWEEP_NS)


def _lines(spec: SramSpec, kind: str, count: int) -> Iterator[str]:
    """The state is l low, r high, but for writes, where wbl pulls a high l down."""
    yield from (
        ".global VPWR VGND",
        "Vpwr VPWR 0 {vdd}",
        "Vgnd VGND 0 0",
        "Vrwl rwl 0 0",
        "Vrbl rblx 0 {vdd}",
    )
    yield f"Vwwl wwl 0 {'0' if kind == 'hold' else '{vdd}'}"
    begin, end = _SWEPT[kind]
    ramp = f"pwl(0 {{{begin}*vdd}} {_SWEEP_NS}n {{{end}*vdd}})"
    yield f"Vnoise noise 0 {'0' if kind == 'write' else ramp}"
    yield f"Vwbl wblx 0 {ramp if kind == 'write' else '{vdd}'}"
    yield "Vwblb wblbx 0 {vdd}"
    devices = Devices(spec, simulated=True)
    for n in range(count):
        for line in tagged(f"s{n}", bit(devices, f"l{n}", f"r{n}", "rwl", "wwl", "x")):
            name, drain, gate, rest = line.split(" ", 3)
            # noise stands between each node and the gates that it drives
            yield f"{name} {drain} {f'g{gate}' if gate in (f'l{n}', f'r{n}') else gate} {rest}"
        yield from (f"Egl{n} gl{n} l{n} noise 0 1", f"Egr{n} r{n} gr{n} noise 0 1")
        low, high = ("{vdd}", "0") if kind == "write" else ("0", "{vdd}")
        yield f".nodeset v(l{n})={low} v(r{n})={high}"
        edge = "rise" if kind == "write" else "fall"
        yield f".measure tran turn{n} when v(r{n})={{vdd/2}} {edge}=1"
    yield from (f".tran 2n {_SWEEP_NS}n 0 4n", ".end", "")
