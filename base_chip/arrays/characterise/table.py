"""Simulates a ROM macro in all corners."""

__all__ = ["LOADS_FF", "MIDDLE", "SLEWS_NS", "arc", "characterise", "cross"]

import functools
from collections.abc import Callable
from pathlib import Path

from base_chip.arrays.characterise.deck import START_NS, RomDeck, sizes
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import Arc, RomCorner, RomTiming
from base_chip.bank.characterise.corners import Corner, corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure
from rtl_gen.errors import ExitCode, FlowError

SLEWS_NS = (0.1, 0.5, 1.5)
LOADS_FF = (5.0, 30.0, 100.0)
MIDDLE = SLEWS_NS[1], LOADS_FF[1]
_LOW_NS = {"ss": 32.0, "tt": 12.0, "ff": 8.0}  # for which clk is low in a simulation
_TIMES_NS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # setups and holds, tried in turn
_PEAK = 0.1  # of the supply: what a word line, or EV, that must stay low may reach


def characterise(spec: RomSpec, library: Path, *, told: Callable[[str], None] = lambda _: None) -> RomTiming:
    """Simulate reads and precharges of a macro in all corners, one simulation after the other.

    Delays are measured along one slew and one load, and added up for the rest: between clk's inverter and the
    output stand at least six stages, so that neither knows of the other.

    Args:
        spec: The macro.
        library: Folder of the kit's device library, which holds `cells` and `models`.
        told: Is given the name of each corner that is done.

    Raises:
        FlowError: If ngspice or a model is missing, or a simulation fails.
    """
    measured = {}
    for corner in corners(spec.pdk).values():
        models = model_text(spec.array, library, corner.process, sizes())
        measured[corner.name] = _corner(spec, corner, models)
        told(corner.name)
    return RomTiming(spec.words, spec.bits, SLEWS_NS, LOADS_FF, measured, spec.mux)


def _corner(spec: RomSpec, corner: Corner, models: str) -> RomCorner:
    own, quick = (RomDeck(spec, corner, late, models) for late in (corner.late, False))
    low = _LOW_NS[corner.process]

    def read(slew: float, load: float) -> dict[str, float]:
        return measure(lambda stop: own.cycle(slew, load, low, stop), START_NS + 2 * low)

    def opened(slew: float, load: float) -> dict[str, float]:
        return measure(lambda stop: quick.early(slew, load, stop), START_NS + low / 4)

    reads, opens = cross(read), cross(opened)
    # what limits pulses is the slowest column, in every corner
    full = RomDeck(spec, corner, True, models)
    end = START_NS + 2 * low
    whole = reads[MIDDLE] if corner.late else measure(lambda stop: full.cycle(*MIDDLE, low, stop), end)
    dip = measure(lambda stop: full.dip(MIDDLE[1], low, stop), end)
    pins = [pin for pin in ("a", "b_n", "enable", "select") if pin != "select" or spec.mux > 1]
    held = [_held(RomDeck(spec, corner, late, models), low) for late in (True, False)]
    return RomCorner(
        volts=corner.volts,
        celsius=corner.celsius,
        late=corner.late,
        fall=arc(reads, "read"),
        rise=arc(opens, "open"),
        low_ns=round(whole["sensed"] * 1e9, 3),
        high_ns=round(whole["charge"] * 1e9, 3),
        setup_ns={pin: _least(quick, pin, low, falls=True) for pin in pins},
        hold_ns={pin: _least(quick, pin, low, falls=False) for pin in pins},
        kept_full=round(held[0]["kept"] / corner.volts, 3),
        kept_empty=round(held[1]["kept"] / corner.volts, 3),
        dip=round(1 - dip["dip"] / corner.volts, 3),
        read_pj=round(-whole["energy"] * corner.volts * 1e12, 2),
        leakage_uw=round(-whole["leakage"] * corner.volts * 1e6, 3),
    )


def _held(deck: RomDeck, stop_ns: float) -> dict[str, float]:
    return measure(lambda stop: deck.hold(LOADS_FF[0], stop), stop_ns)


Runs = dict[tuple[float, float], dict[str, float]]


def cross(run: Callable[[float, float], dict[str, float]]) -> Runs:
    """What a simulation measures along one slew and along one load."""
    slews = ((slew, MIDDLE[1]) for slew in SLEWS_NS)
    loads = ((MIDDLE[0], load) for load in LOADS_FF)
    return {point: run(*point) for point in dict.fromkeys((*slews, *loads))}


def arc(runs: Runs, name: str) -> Arc:
    """The table of a delay: what it grows along the slews and along the loads is added up."""
    middle = runs[MIDDLE][name]
    delay = tuple(
        tuple(
            round((runs[slew, MIDDLE[1]][name] + runs[MIDDLE[0], load][name] - middle) * 1e9, 4)
            for load in LOADS_FF
        )
        for slew in SLEWS_NS
    )
    return Arc(delay, tuple(round(runs[MIDDLE[0], load]["transition"] * 1e9, 4) for load in LOADS_FF))


def _reselected(deck: RomDeck, after_ns: float, low_ns: float, falls: bool, reads_one: bool) -> float:
    moved = functools.partial(deck.reselected, after_ns, SLEWS_NS[-1], falls=falls, reads_one=reads_one)
    return measure(moved, START_NS + low_ns / 3)["peak"]


def _least(deck: RomDeck, pin: str, low_ns: float, *, falls: bool) -> float:
    """The least of a few setups (clk falls) or holds at which a pin wakes nothing that must stay off."""
    name = "a[0]" if pin == "a" else pin

    def peak(time: float) -> float:
        after = -time if falls else time
        if pin == "select":
            return max(_reselected(deck, after, low_ns, falls, one) for one in {True, falls})
        moved = functools.partial(deck.moved, name, after, SLEWS_NS[-1], falls=falls)
        return measure(moved, START_NS + low_ns / 3)["peak"]

    for time in _TIMES_NS:
        if peak(time) <= _PEAK * deck.corner.volts:
            return time
    raise FlowError(
        f"{pin} wakes what must stay off even {_TIMES_NS[-1]:g} ns {'before' if falls else 'after'} clk",
        where=f"{deck.spec.name}, {deck.corner.name}",
        code=ExitCode.TOOL_FAILED,
    )
