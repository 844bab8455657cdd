"""What stands below the array of a ROM macro, by how many columns share an output."""

__all__ = ["FEET", "Foot", "Wire", "draw_strap_taps", "foot_wires"]

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import klayout.db as db

from base_chip.arrays import rom_mux
from base_chip.arrays.control import Lines
from base_chip.arrays.latch import EV_Y, LEVELS, RAIL, ROW, Y3, output_y
from base_chip.arrays.pen import Pen
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.rom_latch import LOAD_Y, draw_rom_latch
from base_chip.arrays.spec import RomSpec
from base_chip.pdk import Pdk


@dataclass(frozen=True)
class Foot:
    """Latches of four columns, in four rows.

    Args:
        draw: Draws the cell of a row: layout, macro's name, layer numbers, row, pitch of columns.
        join: Draws what joins the rows: cell, left end of the four columns, y of the rails.
        lines: y of each row's met1 lines by name.
        bit_y: Where bit lines end, in the row of each.
        outputs: Of each output of four columns: track and row, and y there.
    """

    draw: Callable[[db.Layout, str, Pdk, int, int], Pen]
    join: Callable[[Pen, int, tuple[int, ...]], None]
    lines: Lines
    bit_y: int
    outputs: tuple[tuple[int, int, int], ...]


FEET = {
    1: Foot(
        draw_rom_latch,
        lambda c, x, rails: None,
        ({"ev": EV_Y, "load_n": LOAD_Y},) * LEVELS,
        Y3,
        tuple((level, level, output_y(level)) for level in range(LEVELS)),
    ),
    LEVELS: Foot(rom_mux.draw_mux_latch, rom_mux.draw_join, rom_mux.LINES, rom_mux.BIT_Y, (rom_mux.OUTPUT,)),
}


@dataclass(frozen=True)
class Wire:
    """met3 from the lower edge up to the latches.

    Args:
        pin: Name.
        direction: As LEF has it.
        x: Its middle.
        end: y up to which it reaches.
    """

    pin: str
    direction: Literal["INPUT", "OUTPUT"]
    x: int
    end: int


def foot_wires(plan: RomPlan, spec: RomSpec) -> Iterator[Wire]:
    """Outputs, and the selects of a multiplexed macro: below bit lines that have ended in an upper row."""
    outputs = FEET[spec.mux].outputs
    for n in range(spec.outputs):
        track, level, y = outputs[n % len(outputs)]
        column = n // len(outputs) * LEVELS + track
        yield Wire(f"q[{n}]", "OUTPUT", int(plan.bit_x[column]), plan.in_row(level, y))
    for n in range(spec.mux if spec.mux > 1 else 0):
        yield Wire(f"select[{n}]", "INPUT", int(plan.bit_x[n * LEVELS]), plan.in_row(n, rom_mux.SELECT_Y))


def draw_strap_taps(layout: db.Layout, spec: RomSpec, pdk: Pdk, level: int, pitch: int, first: bool) -> Pen:
    """What stands in a strap column: taps of substrate and well, and the row's lines; x from its middle.

    The `first` column lies beside the control, from which selects do not come.
    """
    c = Pen(layout, f"{spec.name}_rowtaps{level}{first:d}", pdk)
    low, high = 305, 2305
    c.tap("p", -145, low, 145, low + 410)
    c.tap("n", -145, high, 145, high + 410)
    c.rect("psdm", -270, 0, 270, low)
    for y, li in ((low + 205, (-85, low + 370)), (high + 205, (high + 40, ROW + 85))):
        c.pad("licon1", 0, y, 170)
        c.rect("li1", -85, li[0], 85, li[1])
    half = pitch // 2
    for y in (0, ROW):
        c.pad("mcon", 0, y, 170)
        c.rect("met1", -half, y - RAIL // 2, half, y + RAIL // 2)
    for line, y in FEET[spec.mux].lines[level].items():
        if not (first and line == "select"):
            c.rect("met1", -half, y - 70, half, y + 70)
    return c
