"""The latch below every bit line: sense, keeper, storage and output in one.

    m = BL inverted while EV is high (p: BL; n: EV and BL in series), held by a weak inverter of q otherwise;
    q = m inverted: low where a via has pulled the bit line down;
    a weak p transistor of gate m keeps the bit line up.

A column's latch is as wide as four columns, so latches of four columns stand in four rows. Rows are mirrored
and share rails. The origin is the left end of the ground rail, with the supply's rail at `ROW` above it.
"""

__all__ = [
    "EV_Y",
    "LEVELS",
    "P_WELL",
    "ROW",
    "SIZES",
    "WIDTH",
    "Y1",
    "Y2",
    "draw_latch",
    "draw_row_taps",
    "output_y",
]

from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

LEVELS = 4  # columns that share a pitch, one row each
ROW = 3175
EV_Y = 885  # met1 line of EV
WIDTH = 2760
_P_WEAK = 2015  # of the weak p transistor
_N, _P, _K = (240, 660), (1595, 2245), (2515, 2935)  # diffusion: n, p, keeper
Y1, Y2 = 935, 1275  # contacts between n and p
_NY, _PY, _KY = 450, (1745, 2095), 2725
_X0, _X2, _X3, _X4 = 280, 1255, 2015, 2445  # supplies, m, supplies, q
_BL, _EV, _WEAK, _M = 495, 1040, (1395, 1830), 2230  # gates
KEEPER_L = 400


@dataclass(frozen=True)
class Sizes:
    """Widths and lengths of a latch's transistors, nm."""

    n: int = _N[1] - _N[0]
    p: int = _P[1] - _P[0]
    p_weak: int = _P_WEAK - _P[0]
    weak_length: int = _WEAK[1] - _WEAK[0]
    keeper: int = _K[1] - _K[0]
    keeper_length: int = KEEPER_L


SIZES = Sizes()
RAIL = 260
P_WELL = _P[0] - 180  # from the ground rail to the well
_Q_PAD = 1675  # contact of the weak inverter's gate
_OUT = 2650  # q between n and p
_BL_X = 2760  # met1 up to the keeper


def draw_latch(layout: db.Layout, name: str, pdk: Pdk, level: int, pitch: int) -> Pen:
    """The latch of a row.

    Args:
        layout: Layout to add the cell to.
        name: Of the macro.
        pdk: Layer numbers.
        level: Row, and thereby which of four columns; odd rows are mirrored.
        pitch: Of columns.
    """
    c = Pen(layout, f"{name}_latch{level}", pdk)
    track = pitch // 2 + level * pitch
    _draw_transistors(c)
    _draw_li(c)
    c.hline("met1", 0, WIDTH, EV_Y)
    c.to_met1(915, EV_Y)
    # bit line: gate, keeper
    c.to_met1(415, Y2)
    c.hline("met1", min(415, track), _BL_X, Y2)
    c.vline("met1", _BL_X, Y2, _KY)
    c.hline("met1", _X4, _BL_X, _KY, 230)
    c.to_met1(_X4, _KY)
    _up(c, track, Y2, {0: 60, LEVELS - 1: -60}.get(level, 0))
    # output, on the side that is lower when the row is placed
    out_x, out_y = _X4 - 15 if level % 2 else 2600, output_y(level)
    c.to_met1(out_x, out_y, tall=level % 2 == 1)
    c.hline("met1", out_x, track, out_y)
    _up(c, track, out_y, 0, tall=True)
    return c


def output_y(level: int) -> int:
    """Where a latch's output goes up to met3."""
    return 1920 if level % 2 else _NY


def _up(c: Pen, x: int, y: int, beside: int, *, tall: bool = False) -> None:
    """met1 to met3; the via between met1 and met2 may stand a little beside."""
    c.to_met2(x + beside, y, tall=tall)
    c.pad("met2", x, y, (280, 370))
    c.pad("via2", x, y, 200)
    c.pad("met3", x, y, 330)


def _draw_transistors(c: Pen) -> None:
    c.diffusion("n", 135, _N[0], 2590, _N[1])
    c.diffusion("p", 135, _P[0], 2590, _P_WEAK)
    for x0, x1 in ((135, 820), (1905, 2590)):
        c.diffusion("p", x0, _P[0], x1, _P[1])
    keeper = _M + 75 - KEEPER_L
    c.diffusion("p", keeper - 285, _K[0], 2590, _K[1])
    # one area of implant a row: what parts it would be too narrow
    c.rect("nsdm", 10, 0, WIDTH + 10, _N[1] + 125)
    c.rect("psdm", 10, _P[0] - 125, WIDTH + 10, ROW)
    low, high = _N[0] - 130, _P[1] + 130
    c.rect("poly", _BL - 75, low, _BL + 75, high)
    c.rect("poly", _EV - 75, low, _EV + 75, Y1 + 165)
    c.rect("poly", _WEAK[0], low, _WEAK[1], _P_WEAK + 130)
    c.rect("poly", _M - 75, low, _M + 75, _K[1] + 130)
    c.rect("poly", keeper, _K[0] - 130, _M + 75, _K[1] + 130)
    c.poly_contact(415, Y2, tall=True)
    c.poly_contact(915, Y1, tall=True, li_tall=True)
    c.contact(_Q_PAD, Y2)
    c.poly_contact(_M, Y1, tall=True)
    c.rect("npc", 230, Y1 - 185, _M + 185, Y2 + 185)
    for x in (_X0, _X2, _X3, _X4):
        c.pad("licon1", x, _NY, 170)
        for y in _PY if x in (_X0, _X4) else _PY[:1]:
            c.pad("licon1", x, y, 170)
    for x in (keeper - 140, _X4):
        c.pad("licon1", x, _KY, 170)


def _draw_li(c: Pen) -> None:
    low, high = _PY[0] - 165, _PY[1] + 165
    for x in (_X0, _X3):
        c.rect("li1", x - 85, -85, x + 85, _NY + 165)
        c.rect("li1", x - 85, low, x + 85, ROW + 85)
        for y in (0, ROW):
            c.pad("mcon", x, y, 170)
    keeper = _M + 75 - KEEPER_L - 140
    c.rect("li1", keeper - 85, _KY - 165, _X3 + 85, _KY + 165)
    c.pad("li1", _X4, _KY, (170, 330))
    c.rect("li1", _X2 - 85, _NY - 165, _X2 + 85, low + 330)
    c.hline("li1", _X2, _M + 80, Y1, 170)
    c.hline("li1", _Q_PAD - 80, _OUT, Y2, 170)
    c.rect("li1", _OUT - 85, _NY - 165, _OUT + 85, high)
    c.rect("li1", _X4 - 100, _NY - 165, _OUT, _NY + 165)
    c.rect("li1", _X4 - 100, low, _OUT, high)
    for y in (0, ROW):
        c.rect("met1", 0, y - RAIL // 2, WIDTH, y + RAIL // 2)


def draw_row_taps(layout: db.Layout, name: str, pdk: Pdk, pitch: int) -> Pen:
    """What stands in a strap column: a tap of the substrate and one of the well; x from its middle."""
    c = Pen(layout, f"{name}_rowtaps", pdk)
    low, high = _NY - 205, _PY[0] - 30
    c.tap("p", -145, low, 145, low + 410)
    c.tap("n", -145, high, 145, high + 410)
    c.rect("psdm", -270, 0, 270, low)
    for y, li in ((_NY, (-85, _NY + 165)), (high + 205, (high + 40, ROW + 85))):
        c.pad("licon1", 0, y, 170)
        c.rect("li1", -85, li[0], 85, li[1])
    half = pitch // 2
    for y in (0, ROW):
        c.pad("mcon", 0, y, 170)
        c.rect("met1", -half, y - RAIL // 2, half, y + RAIL // 2)
    c.rect("met1", -half, EV_Y - 70, half, EV_Y + 70)
    return c
