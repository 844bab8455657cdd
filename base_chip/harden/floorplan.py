"""Whether a block's floorplan can hold what is to be placed in it."""

__all__ = [
    "check_macros",
    "check_utilisation",
    "rows_um2",
]

import itertools

import klayout.db as kdb

from base_chip.harden.block import Block
from rtl_gen.errors import FlowError

MOST_USED = 85  # percent of the rows: beyond that buffers and clock tree find no place


def check_macros(block: Block) -> None:
    """Raise FlowError when a macro is outside the core, or two are too close."""
    core, boxes = block.core_box(), block.macro_boxes()
    for name, box in boxes.items():
        if not box.inside(core):
            raise _misplaced(block, f"{name} covers {_um(box)}, outside the core {_um(core)}")
    for (n, a), (m, b) in itertools.combinations(boxes.items(), 2):
        if a.enlarged(*(round(v * 1000) for v in block.apart)).overlaps(b):
            what = f"{n}, {_um(a)}, and {m}, {_um(b)}, overlap or are nearer than the halo"
            raise _misplaced(block, what)


def rows_um2(block: Block) -> float:
    """Area of the core that macros and their halos leave for rows of cells."""
    dx, dy = (round(v * 1000) for v in block.halo)
    taken = kdb.Region()
    for box in block.macro_boxes().values():
        taken.insert(box.enlarged(dx, dy))
    return float((kdb.Region(block.core_box()) - taken).area() / 1e6)


def check_utilisation(block: str, rows: float, cells: float) -> float:
    """Percent of the rows (um2) that the cells (um2) of a block fill; FlowError when there is no room."""
    used = 100 * cells / rows if rows else float("inf")
    if used > MOST_USED:
        what = f"{cells:.0f} um2 of cells are {used:.0f} % of {rows:.0f} um2 of rows"
        raise FlowError(
            f"{what}, at most {MOST_USED} % can be used",
            where=block,
            hint="Make its die larger: pitches or margin of the tile.",
        )
    return used


def _misplaced(block: Block, what: str) -> FlowError:
    return FlowError(what, where=f"{block.kind} {block.name}", hint=f"Correct its floorplan, {block.source}.")


def _um(box: kdb.Box) -> str:
    return f"({box.left / 1000:g}, {box.bottom / 1000:g}) to ({box.right / 1000:g}, {box.top / 1000:g}) um"
