"""The latch below every bit line: sense, keeper, storage and output in one.

    m = BL inverted while EV is high (p: BL; n: EV and BL in series). It is held high by a weak p transistor
        of gate q, and low by an n transistor of gate q beside that of EV, above that of BL: a falling bit
        line cuts it off, so that m rises against nothing, and a precharged one lets it hold.
    q = m inverted: low where a cell has pulled the bit line down;
    a p transistor of gate m keeps the bit line up, long enough that a cell's two n transistors win where
        n is slow and p is fast. It stands on the supply's rail, as there is room above, towards the array.

The origin is the left end of the ground rail, as that of the ROM's.
"""

__all__ = ["SIZES", "draw_latch"]

from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays.latch import EV_Y, GATES, NODES, NY, ROW, WIDTH, Y1, Y2, Y3, draw_m, draw_q, join_lines
from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

_N, _P, _K = (300, 720), (2155, 2805), (3285, 3705)  # diffusion: n, p, keeper
_P_WEAK = _P[0] + 420  # of the weak p transistor
_PY, _KY = (2335, 2680), 3495
_X0, _X1, _X2, _X3, _X4 = NODES  # e; m and supply; e and m; supplies; q
_EV, _Q, _BL, _M = GATES
_WEAK = 980, 1315  # of the weak p transistor
_KEEPER = 1700, _M + 75  # gate of the keeper, which passes over the bit line's poly


@dataclass(frozen=True)
class Sizes:
    """Widths and lengths of a latch's transistors, nm."""

    n: int = _N[1] - _N[0]
    p: int = _P[1] - _P[0]
    p_weak: int = _P_WEAK - _P[0]
    weak_length: int = _WEAK[1] - _WEAK[0]  # p only
    keeper: int = _K[1] - _K[0]
    keeper_length: int = _KEEPER[1] - _KEEPER[0]


SIZES = Sizes()
_EV_PAD, _BL_PAD, _M_PAD = 370, 1840, 2300
_BL_X, _BL_Y = 2760, 3285  # met1 up to the keeper, below the rail's


def draw_latch(layout: db.Layout, name: str, pdk: Pdk, track: int) -> Pen:
    """The latch of a column, whose bit line and output go up to met3 at x = `track`."""
    c = Pen(layout, f"{name}_latch", pdk)
    _draw_transistors(c)
    _draw_li(c)
    c.hline("met1", 0, WIDTH, EV_Y)
    c.to_met1(_EV_PAD, EV_Y)
    # bit line: gate, keeper
    c.to_met1(_BL_PAD, Y3)
    c.hline("met1", min(_BL_PAD, track), _BL_X, Y3)
    c.vline("met1", _BL_X, Y3, _BL_Y)
    c.hline("met1", _X4, _BL_X, _BL_Y, 230)
    c.to_met1(_X4, _BL_Y)
    join_lines(c, track, 0)
    return c


def _draw_transistors(c: Pen) -> None:
    c.diffusion("n", 135, _N[0], _X4 + 145, _N[1])
    c.diffusion("p", _X1 - 145, _P[0], _X4 + 145, _P_WEAK)
    c.diffusion("p", _WEAK[1] + 75, _P[0], _X4 + 145, _P[1])
    c.diffusion("p", _KEEPER[0] - 285, _K[0], _X4 + 145, _K[1])
    # one area of implant a row: what parts it would be too narrow
    c.rect("nsdm", 10, 0, WIDTH + 10, _N[1] + 125)
    c.rect("psdm", 10, _P[0] - 125, WIDTH + 10, ROW)
    low, high = _N[0] - 130, _P[1] + 130
    c.rect("poly", _EV - 75, low, _EV + 75, Y1 + 185)
    c.rect("poly", _Q - 75, low, _Q + 75, _P_WEAK + 130)
    c.rect("poly", _WEAK[0], _P[0] - 130, _WEAK[1], _P_WEAK + 130)
    c.rect("poly", _BL - 75, low, _BL + 75, high)
    c.rect("poly", _M - 75, low, _M + 75, _K[1] + 130)
    c.rect("poly", _KEEPER[0], _K[0] - 130, _KEEPER[1], _K[1] + 130)
    for x, y in ((_EV_PAD, Y1 + 20), (_Q, Y1), (_BL_PAD, Y3), (_M_PAD, Y2)):
        c.poly_contact(x, y, tall=True, li_tall=True)
    c.rect("npc", _EV_PAD - 185, Y1 - 185, _M_PAD + 185, Y3 + 185)
    for x in (_X0, _X1, _X2, _X3, _X4):
        c.pad("licon1", x, NY, 170)
    for x in (_X1, _X2):
        c.pad("licon1", x, _PY[0], 170)
    for x in (_X3, _X4):
        for y in _PY:
            c.pad("licon1", x, y, 170)
    for x in (_KEEPER[0] - 140, _X4):
        c.pad("licon1", x, _KY, 170)


def _draw_li(c: Pen) -> None:
    low, high = _PY[0] - 165, _PY[1] + 165
    # supplies
    c.rect("li1", _X3 - 85, -85, _X3 + 85, NY + 165)
    for x in (_X1, _X3):
        c.rect("li1", x - 85, low, x + 85, ROW + 85)
    for x, y in ((_X3, 0), (_X1, ROW), (_X3, ROW)):
        c.pad("mcon", x, y, 170)
    keeper = _KEEPER[0] - 140
    c.rect("li1", keeper - 85, _KY - 165, _X3 + 85, _KY + 165)
    c.rect("li1", _X4 - 85, _BL_Y - 85, _X4 + 85, _KY + 165)
    draw_m(c, Y2 + 85, _M_PAD)
    c.rect("li1", _X2 - 85, Y2 - 85, _X2 + 85, high)
    draw_q(c, low, high)
