"""Simulates an SRAM macro in all corners."""

__all__ = ["characterise", "setup_and_hold"]

import bisect
import math
from collections.abc import Callable
from pathlib import Path

from base_chip.arrays.characterise.deck import START_NS
from base_chip.arrays.characterise.table import LOADS_FF, MIDDLE, SLEWS_NS, arc, cross
from base_chip.arrays.sram.characterise.deck import OPENED, SramDeck, sizes
from base_chip.arrays.sram.characterise.leakage import leakage_deck
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.timing import SramCorner, SramTiming
from base_chip.bank.characterise.corners import Corner, corners
from base_chip.bank.characterise.models import model_text
from base_chip.bank.characterise.ngspice import measure

_LOW_NS = {"ss": 24.0, "tt": 8.0, "ff": 6.0}  # for which clk is low in a simulation
_REST_NS = 20.0  # that leakage is measured in
_HIGH = 0.95  # of the supply, of a cell's high node
_STEP_NS = 0.05  # in which holds are sought


def characterise(
    spec: SramSpec, library: Path, *, told: Callable[[str], None] = lambda _: None
) -> SramTiming:
    """Simulate reads and writes of a macro in all corners, one simulation after the other.

    Args:
        spec: The macro.
        library: Folder of the kit's device library, which holds `cells` and `models`.
        told: Is given the name of each corner that is done, and the times of its read and its write.

    Raises:
        FlowError: If ngspice or a model is missing, or a simulation fails.
    """
    measured = {}
    for corner in corners(spec.pdk).values():
        measured[corner.name] = _corner(
            spec, corner, model_text(spec.array, library, corner.process, sizes()), told
        )
    return SramTiming(spec.words, spec.bits, SLEWS_NS, LOADS_FF, measured)


def _corner(spec: SramSpec, corner: Corner, models: str, told: Callable[[str], None]) -> SramCorner:
    full, quick = (SramDeck(spec, corner, late, models) for late in (True, False))
    own = full if corner.late else quick
    low = _LOW_NS[corner.process]
    end = START_NS + 1.6 * low

    def read(slew: float, load: float) -> dict[str, float]:
        return measure(lambda stop: own.read(slew, load, low, stop), end)

    def opened(slew: float, load: float) -> dict[str, float]:
        return measure(lambda stop: quick.early(slew, load, stop), START_NS + low / 3)

    reads = cross(read)
    # what limits pulses is the slowest column, in every corner
    whole = reads[MIDDLE] if corner.late else measure(lambda stop: full.read(*MIDDLE, low, stop), end)
    written = measure(lambda stop: full.write(MIDDLE[0], low, stop), START_NS + 1.8 * low)
    dip = measure(lambda stop: full.dip(MIDDLE[1], low, stop), end)
    kept = measure(lambda stop: full.quiet(LOADS_FF[0], stop), START_NS + low)
    rest = measure(lambda stop: leakage_deck(spec, corner, models, stop), _REST_NS)
    setup, hold = setup_and_hold(full, low)
    for kind, found in (("read", whole), ("write", written)):
        times = (f"{name} {value * 1e9:.2f} ns" for name, value in found.items() if 1e-11 < value < 1e-6)
        told(f"{corner.name} {kind}: {', '.join(times)}")

    def pico_joules(found: dict[str, float]) -> float:
        return round(-found["energy"] * corner.volts * 1e12, 2)

    return SramCorner(
        volts=corner.volts,
        celsius=corner.celsius,
        late=corner.late,
        fall=arc(reads, "read"),
        rise=arc(cross(opened), "open"),
        low_ns=round(max(whole["sensed"], written["written"]) * 1e9, 3),
        high_ns=round(max(whole["charge"], written["closed"]) * 1e9, 3),
        setup_ns=setup,
        hold_ns=hold,
        kept=round(kept["kept"] / corner.volts, 3),
        dip=round(1 - dip["dip"] / corner.volts, 3),
        read_pj=pico_joules(whole),
        write_pj=pico_joules(written),
        leakage_uw=round(-rest["leakage"] * corner.volts * 1e6, 3),
    )


def setup_and_hold(deck: SramDeck, low_ns: float) -> tuple[dict[str, float], dict[str, float]]:
    """Setups before clk falls and holds after it rises, ns, by pin or bus.

    Measured where an input meets the clock, at the gate that joins them: what it no longer selects must have
    closed, and what it selects next must have begun to open, before clk opens it; and what it selects next
    must not open before clk has closed it, within 10 % of the supply. A gate never gives more than either of
    its inputs alone lets it give, so its output then does not leave its level by more, whatever the edges'
    shapes, and no word line behind it leaves its own.

    `d` and `write` meet the clock in the cells. Their holds are the least at which the high node of a cell
    whose line closes keeps 95 % of the supply. `d` needs no setup: the last value wins, and the least low
    pulse is measured with `d` that moves as clk falls.
    """
    edges = SLEWS_NS[0], SLEWS_NS[-1]  # opens early, closes late
    end = START_NS + 1.3 * low_ns

    def times(pin: str) -> dict[str, float]:
        return measure(lambda stop: deck.moved(pin, edges, low_ns / 2, stop), end)

    clk = times("clk")
    setup, hold = {}, {}
    for pin in OPENED:
        if pin == "clk":
            continue
        own, name = times(pin), pin.split("[")[0]
        gates = {node: "wwl_far" if node.startswith("wbl") else node for node in OPENED[pin]}
        setup[name] = _up(
            max(max(own[f"off_{n}"], own[f"on_{n}"]) - clk[f"on_{gate}"] for n, gate in gates.items())
        )
        if name != "write":
            hold[name] = _up(max(clk[f"off_{gate}"] - own[f"on_{n}"] for n, gate in gates.items()))
    for pin in ("write[0]", "d[0]"):
        hold[pin.split("[")[0]] = _kept(deck, pin, low_ns)
    return setup | {"d": 0.0}, hold


def _kept(deck: SramDeck, pin: str, low_ns: float) -> float:
    """The least time after clk at which a bit line may turn, to `_STEP_NS`; at most half of `low_ns`."""
    end = START_NS + 1.8 * low_ns

    def keeps(steps: int) -> bool:
        after = steps * _STEP_NS
        found = measure(lambda stop: deck.overwritten(pin, after, SLEWS_NS[-1], low_ns / 2, stop), end)
        return found["high"] >= _HIGH * deck.corner.volts

    times = range(round(low_ns / 2 / _STEP_NS))
    return round(bisect.bisect_left(times, True, key=keeps) * _STEP_NS, 3)


def _up(seconds: float) -> float:
    """ns, rounded up; none below nought."""
    return max(math.ceil(seconds * 1e12) / 1000, 0.0)
