"""What the latches of ROMs and SRAMs have in common: the rows that they stand in, and their way up to met3.

Columns of a ROM are narrow, so latches of four columns stand in four rows. Rows are mirrored and share rails.
The origin is the left end of the ground rail, with the supply's rail at `ROW` above it.
"""

__all__ = ["EV_Y", "LEVELS", "P_WELL", "RAIL", "ROW", "WIDTH", "Y3", "join_lines", "output_y", "up"]

from base_chip.arrays.pen import Pen

LEVELS = 4  # columns that share a pitch, one row each
ROW = 3735
EV_Y = 1000  # met1 line of EV
WIDTH = 2760
Y3 = 1835  # contact of the bit line's gate
RAIL = 260
P_WELL = 1975  # from the ground rail to the well


def join_lines(c: Pen, track: int, level: int) -> None:
    """Bit line and output of a latch up to met3, at the track of its column."""
    up(c, track, Y3, {0: 60, LEVELS - 1: -60}.get(level, 0))
    # output, on the side that is lower when the row is placed
    out_x, out_y = 2430 if level % 2 else 2600, output_y(level)
    c.to_met1(out_x, out_y, tall=level % 2 == 1)
    c.hline("met1", out_x, track, out_y)
    up(c, track, out_y, 0, tall=True)


def output_y(level: int) -> int:
    """Where a latch's output goes up to met3."""
    return 2480 if level % 2 else 510


def up(c: Pen, x: int, y: int, beside: int, *, tall: bool = False) -> None:
    """met1 to met3; the via between met1 and met2 may stand a little beside."""
    c.to_met2(x + beside, y, tall=tall)
    c.pad("met2", x, y, (280, 370))
    c.pad("via2", x, y, 200)
    c.pad("met3", x, y, 330)
