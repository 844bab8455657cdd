"""Drivers of the word lines: a row of gates beside four rows of the array, its ground rail on their border.

Left to right, `i` counts rows upwards from the ground rail:

    NOR, NANDs of lines that write | NOR, NANDs of those that read, taps among them | inverters, one a line

A NOR joins a group's `b_n` with the clock; NANDs join what it says with the A lines, which pass upright on
met2: at each NAND there are two, for a row and for one that is mirrored. From the NANDs a line each leads on
met1 to the inverters, the nearest inside; there word lines begin on met2, the outermost two behind the last.
"""

__all__ = [
    "A_X",
    "B_X",
    "B_Y",
    "CLOCK_X",
    "FINGERS",
    "HEIGHT",
    "IN_GROUP",
    "ROWS",
    "WIDTH",
    "draw_row",
    "line_y",
]

import klayout.db as db

from base_chip.arrays import gates
from base_chip.arrays.gates import NAND, PITCH, Y1, Y2
from base_chip.arrays.latch import RAIL
from base_chip.arrays.pen import Pen
from base_chip.arrays.sram import cell
from base_chip.pdk import Pdk

ROWS = 4  # of the array, beside one of gates
IN_GROUP = 2  # rows of gates that share a b_n
HEIGHT = ROWS * cell.HEIGHT
FINGERS = 2  # of a word line's inverter
_WRITE, _READ = 160, 160 + 5 * NAND  # NORs
_TAP_AFTER, _TAP = 2, 560  # NANDs that read, room: no gate is farther than 15 um
_TAP_X = _READ + (_TAP_AFTER + 1) * NAND + 145
_INVERTERS = _READ + 5 * NAND + _TAP
_STEP = FINGERS * PITCH + 290 + 270
_END = _INVERTERS + 8 * _STEP - 270  # of diffusion
_RAILS = _END + 100
_JOG = _RAILS + 330  # where the outermost lines go up to met2
WIDTH = _JOG + 460
CLOCK_X = {"wp_n": _WRITE + 145, "ev_n": _READ + 145}  # met2
B_X = _WRITE + 780, _READ + 780
B_Y = Y2  # met3 of b_n
_ASIDE = 210  # A lines, from a NAND's contact

# rows of the NANDs of a NOR, left to right, and the met1 line that each drives
_NANDS = {
    _WRITE: {1: 1000, 2: 2530, 3: 2980, 0: 720},
    _READ: {0: 365, 3: 3490, 2: 2060, 1: 0},  # the last is the first inverter's neighbour
}
# inverters, left to right
_ORDER = ((_READ, 1), (_READ, 2), (_WRITE, 1), (_WRITE, 2), (_WRITE, 0), (_WRITE, 3), (_READ, 0), (_READ, 3))


def _nand_x(nor: int, n: int) -> int:
    return nor + NAND * (n + 1) + _TAP * (nor == _READ and n >= _TAP_AFTER)


# what passes on met2: x -> the A line of a row, and of a mirrored one
A_X: tuple[tuple[int, int], ...] = tuple(
    (_nand_x(nor, n) + 145 + side * _ASIDE, i if side < 0 else 2 * ROWS - 1 - i)
    for nor, rows in _NANDS.items()
    for n, i in enumerate(rows)
    for side in (-1, 1)
)


def line_y(write: bool, i: int) -> int:
    """A word line's met2, from the ground rail: rows of the array are mirrored by turns."""
    return i * cell.HEIGHT + (720 if write == (i % 2 == 0) else 240)


def draw_row(layout: db.Layout, name: str, pdk: Pdk, mirrored: bool) -> Pen:
    """A row of gates; `mirrored` tells whether it will be placed so, and thereby which A lines it takes."""
    c = Pen(layout, f"{name}_driver{int(mirrored)}", pdk)
    for y in (0, HEIGHT):
        c.rect("met1", 0, y - RAIL // 2, _RAILS, y + RAIL // 2)
        c.rect("li1", 0, y - 85, _END, y + 85)
        for x in range(165, _END - 165, 400):
            c.pad("mcon", x, y, 170)
    n, p = gates.N_DIFFUSION, gates.P_DIFFUSION
    for x0, x1 in ((_WRITE - 125, _TAP_X - 290), (_TAP_X + 290, _END + 125)):
        c.rect("nsdm", x0, 0, x1, n[1] + 125)
        c.rect("psdm", x0, p[0] - 125, x1, HEIGHT)
    c.rect("npc", _WRITE - 40, Y1 - 185, _END, Y2 + 185)
    c.rect("nwell", -20, p[0] - 180, _END + 180, HEIGHT)
    gates.row_taps(c, _TAP_X, _TAP_X)
    for nor, rows in _NANDS.items():
        gates.nor(c, nor)
        c.to_met1(nor + 145, Y1)
        c.to_met2(nor + 145, Y1)
        c.to_met1(nor + 780, Y2)
        c.stack(nor + 780, Y2)
        c.to_met1(nor + 1120, Y1 - 45)
        for k, track in enumerate(rows.values()):
            _nand(c, _nand_x(nor, k), track, mirrored)
        c.hline("met1", nor + 1120, _nand_x(nor, len(rows) - 1) + 780, Y1 - 45)
    for k, (nor, i) in enumerate(_ORDER):
        _inverter(c, _INVERTERS + k * _STEP, nor, i)
    return c


def _nand(c: Pen, x: int, track: int, mirrored: bool) -> None:
    gates.nand(c, x)
    a = x + 145 + (_ASIDE if mirrored else -_ASIDE)
    c.to_met1(x + 145, Y2)
    c.hline("met1", x + 145, a, Y2)
    c.to_met2(a, Y2)
    c.to_met1(x + 780, Y1)
    if not track:
        c.rect("li1", x + 1120, Y2 - 85, _INVERTERS + 145, Y2 + 85)
        return
    out = x + (1120 if track < Y2 else 575)
    # beside its line, where that is too near to a rail or another line
    c.to_met1(out, {365: 385, 720: 675, 2060: 2110, 3490: 3320}.get(track, track))


def _inverter(c: Pen, x: int, nor: int, i: int) -> None:
    rows = list(_NANDS[nor])
    track, nand = _NANDS[nor][i], _nand_x(nor, rows.index(i))
    gates.inverter(c, x, FINGERS, inputs=1, met1=track > 0)
    if track:
        c.hline("met1", nand + (1120 if track < Y2 else 575), x + 145, track)
        c.vline("met1", x + 145, track, Y2)
    out, y = x + 145 + PITCH, line_y(nor == _WRITE, i)
    if 400 < y < HEIGHT - 400:
        c.to_met1(out, y)
        c.to_met2(out, y, tall=abs(y - Y2) < 300)
        c.rect("met2", out - 160, y - 130, WIDTH, y + 130)
        return
    at = 430 if y < 400 else HEIGHT - 540  # li1 ends before the rail
    c.to_met1(out, at)
    c.hline("met1", out, _JOG, at)
    c.vline("met1", _JOG, at, y, 320)
    c.to_met2(_JOG, y)
    c.rect("met2", _JOG - 160, y - 130, WIDTH, y + 130)
