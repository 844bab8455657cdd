"""What the latches of ROMs and SRAMs have in common: rows, wires of m and q, and the way up to met3.

Columns of a ROM are narrow, so latches of four columns stand in four rows. Rows are mirrored and share rails.
The origin is the left end of the ground rail, with the supply's rail at `ROW` above it.
"""

__all__ = [
    "EV_Y", "GATES", "LEVELS", "NODES", "NY", "P_WELL", "RAIL", "ROW", "WIDTH", "Y1", "Y2", "Y3",
    "draw_m", "draw_q", "join_lines", "output_y", "up",
]  # fmt: skip

from base_chip.arrays.pen import Pen

LEVELS = 4  # columns that share a pitch, one row each
ROW = 3735
EV_Y = 1000  # met1 line of EV
WIDTH = 2760
NODES, NY = (280, 710, 1500, 1930, 2480), 510  # contacts of n
GATES = 495, 1055, 1715, 2265  # EV; q; bit line; m
Y1, Y2, Y3 = 995, 1415, 1835  # contacts between n and p: q; m; the bit line's gate
RAIL = 260
P_WELL = 1975  # from the ground rail to the well


def draw_m(c: Pen, top: int, pad: int) -> None:
    """li1 of the node between the n transistors, and of m above it: up to `top`, over to its gates' pad."""
    e, m, e_too = NODES[:3]
    c.rect("li1", e - 85, 85, e_too + 85, 255)
    for x in (e, e_too):
        c.rect("li1", x - 85, 85, x + 85, NY + 165)
    c.pad("li1", m, NY, (330, 170))
    c.rect("li1", m - 85, NY - 85, m + 85, top)
    c.rect("li1", m - 85, Y2 - 85, pad + 85, Y2 + 85)


def draw_q(c: Pen, low: int, high: int) -> None:
    """li1 of q, at its p transistor from `low` to `high`, and the rails."""
    x, out = NODES[4] - 140, 2650
    c.rect("li1", GATES[1], Y1 - 85, out + 85, Y1 + 85)
    c.rect("li1", out - 85, NY - 165, out + 85, high)
    c.rect("li1", x, NY - 165, out, NY + 165)
    c.rect("li1", x, low, out, high)
    for y in (0, ROW):
        c.rect("met1", 0, y - RAIL // 2, WIDTH, y + RAIL // 2)


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
