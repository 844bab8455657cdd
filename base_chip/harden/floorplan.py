"""Whether a base's floorplan can hold what is to be placed in it."""

__all__ = [
    "check_banks",
    "check_pins",
    "check_utilisation",
    "core_used_percent",
    "pin_places",
    "rows_um2",
]

import itertools
from collections.abc import Mapping

import klayout.db as kdb

from base_chip.bank.plan import BankPlan
from base_chip.bank.spec import BankSpec
from base_chip.config import BaseConfig
from rtl_gen.errors import FlowError

# OpenROAD's pin placer takes every second track, and leaves some at the corners: 3 an edge were seen.
PIN_TRACKS, LOST_AT_CORNERS = 2, 3
MOST_USED = 85  # percent of the rows: beyond that buffers and clock tree find no place


def check_banks(base: BaseConfig, halo: tuple[float, float]) -> None:
    """Raise FlowError when a bank is outside the core, or two are too close; `halo` in um around each."""
    core = _core(base)
    boxes = _banks(base)
    for n, box in enumerate(boxes):
        if not box.inside(core):
            raise _misplaced(base, f"bank {n} covers {_um(box)}, outside the core {_um(core)}")
    dx, dy = (round(v * 1000) for v in halo)
    for (n, a), (m, b) in itertools.combinations(enumerate(boxes), 2):
        if a.enlarged(dx, dy).overlaps(b):
            what = f"bank {n}, {_um(a)}, and bank {m}, {_um(b)}, overlap or are nearer than the halo"
            raise _misplaced(base, what)


def rows_um2(base: BaseConfig, halo: tuple[float, float]) -> float:
    """Area of the core that banks and their halos leave for rows of cells."""
    dx, dy = (round(v * 1000) for v in halo)
    taken = kdb.Region()
    for box in _banks(base):
        taken.insert(box.enlarged(dx, dy))
    return float((kdb.Region(_core(base)) - taken).area() / 1e6)


def core_used_percent(base: BaseConfig, cells: float) -> float:
    """Percent of the core that cells (um2) and banks, without halos, fill."""
    banks = sum(box.area() for box in _banks(base)) / 1e6
    return float(100 * (cells + banks) / (_core(base).area() / 1e6))


def check_utilisation(base: str, rows: float, cells: float) -> float:
    """Percent of the rows (um2) that the cells (um2) of a base fill; FlowError when they cannot be placed."""
    used = 100 * cells / rows if rows else float("inf")
    if used > MOST_USED:
        what = f"{cells:.0f} um2 of cells are {used:.0f} % of {rows:.0f} um2 of rows"
        raise FlowError(
            f"{what}, at most {MOST_USED} % can be used",
            where=f"base {base}",
            hint="Make floorplan.die and hardening.core of the base config larger.",
        )
    return used


def pin_places(base: BaseConfig, pitch: Mapping[str, float]) -> int:
    """How many pins the edges of the die have room for; `pitch` as `PlaceRoute.pin_pitch`."""
    width, height = base.floorplan.die
    edges = ((width, pitch["vertical"]), (height, pitch["horizontal"]))
    tracks = [round(um * 1000) // round(step * 1000) for um, step in edges]
    return sum(2 * max(0, n // PIN_TRACKS - LOST_AT_CORNERS) for n in tracks)


def check_pins(base: str, places: int, pins: int) -> None:
    """Raise FlowError when a base has more pins than `places` at the edges of its die."""
    if pins > places:
        raise FlowError(
            f"{pins} pins, and room for {places} at the edges of the die",
            where=f"base {base}",
            hint="Make floorplan.die of the base config larger.",
        )


def _core(base: BaseConfig) -> kdb.Box:
    (x0, y0), (x1, y1) = ((round(x * 1000), round(y * 1000)) for x, y in base.hardening.core)
    return kdb.Box(x0, y0, x1, y1)


def _banks(base: BaseConfig) -> list[kdb.Box]:
    plan = BankPlan(BankSpec.of(base.rom, base.pdk))
    box = kdb.Box(0, 0, plan.width, plan.height)
    return [box.moved(x, y) for x, y in base.floorplan.banks_nm()]


def _misplaced(base: BaseConfig, what: str) -> FlowError:
    return FlowError(what, where=f"base {base.name}", hint="Correct floorplan.banks of the base config.")


def _um(box: kdb.Box) -> str:
    return f"({box.left / 1000:g}, {box.bottom / 1000:g}) to ({box.right / 1000:g}, {box.top / 1000:g}) um"
