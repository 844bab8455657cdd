"""Monte Carlo of device mismatch at the weakest place of a ROM macro: a cell that pulls against its keeper.

Every sample has transistors of its own, all in one circuit. Two levels of the bit line are found for each:
the one to which the cell pulls it while the keeper, fully on, pulls it up; and the one at which the latch
turns over as the bit line falls slowly. Their distance is the read margin.
"""

__all__ = ["Margin", "read_margin", "sigmas"]

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base_chip.arrays.characterise.deck import latch_devices, sizes
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import Devices
from base_chip.bank.characterise.corners import Corner
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure

_WORD = 0.95  # of the supply, on the word line
_BATCH = 10  # samples of a simulation: its time grows with their square
_RAMP_NS = 100.0


@dataclass(frozen=True)
class Margin:
    """Parts of the supply, [samples]: level that the cell reaches, and at which the latch turns over."""

    reached: np.ndarray
    trip: np.ndarray

    @property
    def sigmas(self) -> float:
        """Of their distance."""
        return sigmas(self.trip - self.reached)


def sigmas(samples: np.ndarray) -> float:
    """Mean of samples [n] by their standard deviation."""
    return float(samples.mean() / samples.std(ddof=1))


def read_margin(spec: RomSpec, corner: Corner, library: Path, samples: int = 1000, seed: int = 1) -> Margin:
    """Simulate samples in a corner.

    Raises:
        FlowError: If ngspice or a model is missing, or a latch never turns over.
    """
    models = model_text(spec.array, library, corner.process, sizes(), mismatch=True)
    reached, trip = [], []
    for first in range(0, samples, _BATCH):
        count = min(_BATCH, samples - first)
        deck = "\n".join(_lines(spec, corner, models, count, seed + first))
        found = _measured(deck)
        reached += [found[f"low{n}"] / corner.volts for n in range(count)]
        trip += [1 - found[f"trip{n}"] * 1e9 / _RAMP_NS for n in range(count)]
    return Margin(np.array(reached), np.array(trip))


def _measured(deck: str) -> dict[str, float]:
    return measure(lambda _: deck, _RAMP_NS)


def _lines(spec: RomSpec, corner: Corner, models: str, count: int, seed: int) -> Iterator[str]:
    yield f"* {spec.name}, {corner.name}, mismatch"
    yield from (f".param vdd={corner.volts}", models, ".option scale=1.0u", f".option seed={seed}")
    yield from (".global VPWR VGND", f".temp {corner.celsius}", "Vpwr VPWR 0 {vdd}", "Vgnd VGND 0 0")
    yield f"Vword wl 0 {{{_WORD}*vdd}}"
    yield from ("Vev ev 0 {vdd}", "Vload load_n 0 0")
    yield f"Vline line 0 pwl(0 {{vdd}} {_RAMP_NS}n 0)"
    d = spec.array.dims
    for n in range(count):
        one = Devices(spec, simulated=True)
        cell = one.n(f"b{n}", "wl", "VGND", d.channel)
        tag = f"s{n}"
        for device in (cell, one.keeper(f"b{n}", "VGND", spec.mux), *latch_devices(one, spec, tag, "line")):
            yield f"Xs{n}_{device[1:]}"
        yield f".nodeset v({tag}m)=0 v({tag}q)={{vdd}}"
        yield f".measure tran low{n} find v(b{n}) at={_RAMP_NS / 2}n"
        yield f".measure tran trip{n} when v({tag}m)={{vdd/2}} rise=1"
    yield from (f".tran 1n {_RAMP_NS}n 0 2n", ".end", "")
