"""Simulates a bank in all corners."""

__all__ = ["LOADS_FF", "SLEWS_NS", "characterise", "read_point"]

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from base_chip.bank.characterise.column import Column
from base_chip.bank.characterise.corners import Corner, corners
from base_chip.bank.characterise.deck import START_NS, Deck
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from base_chip.bank.spec import BankSpec
from base_chip.bank.timing import BankTiming, CornerTiming, Edge

SLEWS_NS = (0.1, 0.5, 1.5)
LOADS_FF = (5.0, 30.0, 100.0)

_STOP_NS = 20.0
_HOLD_NS = 1000.0


def characterise(
    spec: BankSpec, library: Path, *, jobs: int | None = None, told: Callable[[str], None] = lambda _: None
) -> BankTiming:
    """Simulate reads and precharges of a bank over all slews, loads and corners.

    Args:
        spec: The bank.
        library: Folder of the kit's device library, which holds `cells` and `models`.
        jobs: Simulations at a time; one a processor if None.
        told: Is given the name of each corner that is done.

    Raises:
        FlowError: If ngspice or a model is missing, or a simulation fails.
    """
    measured = {}
    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        for corner in corners(spec.pdk).values():
            models = model_text(spec, library, corner.process)
            measured[corner.name] = _corner(spec, corner, models, pool)
            told(corner.name)
    return BankTiming(spec, SLEWS_NS, LOADS_FF, measured)


def read_point(
    spec: BankSpec, corner: Corner, library: Path, slew_ns: float, load_ff: float
) -> dict[str, float]:
    """One read in a corner's own geometry: ns from WL to each level of BL, by names such as "t50"."""
    deck = Deck(Column(spec, corner, corner.late), model_text(spec, library, corner.process))
    found = measure(lambda stop: deck.read(slew_ns, load_ff, stop), _STOP_NS)
    return {name: value * 1e9 for name, value in found.items() if name.startswith("t")}


def _corner(spec: BankSpec, corner: Corner, models: str, pool: ThreadPoolExecutor) -> CornerTiming:
    own = Deck(Column(spec, corner, corner.late), models)
    full, empty = (Deck(Column(spec, corner, late), models) for late in (True, False))
    fall = _grid(own.read, pool)
    rise = _grid(own.precharge, pool)
    # The slowest precharge, and the charge of all columns at once, whatever the corner's tables hold.
    read = pool.submit(measure, lambda stop: full.read(SLEWS_NS[-1], LOADS_FF[-1], stop), 2 * _STOP_NS)
    charge = pool.submit(measure, lambda stop: full.precharge(SLEWS_NS[-1], LOADS_FF[-1], stop), _STOP_NS)
    held = [_held(deck, pool) for deck in (full, empty)]
    return CornerTiming(
        volts=corner.volts,
        celsius=corner.celsius,
        late=corner.late,
        word_line_ff=_farads(read, corner),
        precharge_ff=_farads(charge, corner),
        precharge_ns=round(charge.result()["t95"] * 1e9, 4),
        kept_full=round(held[0].result()["kept"] / corner.volts, 3),
        kept_empty=round(held[1].result()["kept"] / corner.volts, 3),
        hold_ns=round(held[0].result().get("low", _HOLD_NS * 1e-9) * 1e9 - START_NS, 1),
        fall=_edge(fall),
        rise=_edge(rise),
    )


_Runs = Mapping[tuple[float, float], "Future[dict[str, float]]"]


def _grid(deck: Callable[[float, float, float], str], pool: ThreadPoolExecutor) -> _Runs:
    def run(slew: float, load: float) -> dict[str, float]:
        return measure(lambda stop: deck(slew, load, stop), _STOP_NS)

    return {(slew, load): pool.submit(run, slew, load) for slew in SLEWS_NS for load in LOADS_FF}


def _held(deck: Deck, pool: ThreadPoolExecutor) -> "Future[dict[str, float]]":
    """A bit line with the smallest load; one that keeps its level to the end never falls."""
    return pool.submit(measure, lambda stop: deck.hold(LOADS_FF[0], stop), _HOLD_NS, frozenset({"low"}))


def _farads(run: "Future[dict[str, float]]", corner: Corner) -> float:
    return round(abs(run.result()["charge"]) / corner.volts * 1e15, 1)


def _edge(runs: _Runs) -> Edge:
    names = [name for name in next(iter(runs.values())).result() if name[1:].isdigit()]
    return Edge(
        {
            int(name[1:]): tuple(
                tuple(round(runs[slew, load].result()[name] * 1e9, 4) for load in LOADS_FF)
                for slew in SLEWS_NS
            )
            for name in names
        }
    )
