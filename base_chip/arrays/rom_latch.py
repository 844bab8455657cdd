"""The latch below every bit line of a ROM: that of `latch.py` with a load, which turns over early.

    m = BL inverted while EV is high: n transistors of BL and EV in series pull it down against a p transistor
        that LOAD_N, low a little after EV is high, turns on. Their ratio sets where m turns over, at half the
        supply or more: a p transistor of gate BL would wait until the bit line has fallen by its threshold.
        m is held high by a weak p transistor of gate q, and low by an n transistor of gate q beside that of
        EV, above that of BL: a falling bit line cuts it off, so that m rises against nothing.
    q = m inverted: low where a via has pulled the bit line down;
    a p transistor of gate m keeps the bit line up.

A column's latch is as wide as four columns, so latches of four columns stand in four rows. Rows are mirrored
and share rails. The origin is the left end of the ground rail, with the supply's rail at `ROW` above it.
"""

__all__ = ["LOAD_Y", "SIZES", "draw_rom_latch"]

from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays.latch import EV_Y, GATES, NODES, NY, ROW, WIDTH, Y1, Y2, Y3, draw_m, draw_q, join_lines
from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

LOAD_Y = 3150  # met1 line of LOAD_N
_N, _P, _K = (300, 720), (2155, 2775), (3075, 3495)  # diffusion: n, p, keeper
_N_OUT = 1100  # upper end of the n of bit line and output
_P_WEAK = _P[0] + 420  # of the weak p transistor
_LOAD = 3140, 3560  # diffusion of the load
_PY, _KY = (2305, 2645), 3285
_X0, _X1, _X2, _X3, _X4 = NODES  # e; m; e and supply; ground; q
_K1, _K2 = 1390, 1910  # of the load: supply; of the keeper: bit line
_EV, _Q, _BL, _M = GATES
_WEAK = 980, 1315  # of the weak p transistor
_LOAD_GATE = 850, 1250
_KEEPER = 2080, 2340


@dataclass(frozen=True)
class Sizes:
    """Widths and lengths of a latch's transistors, nm."""

    n: int = _N[1] - _N[0]
    n_out: int = _N_OUT - _N[0]
    p_out: int = _P[1] - _P[0]
    p_weak: int = _P_WEAK - _P[0]
    weak_length: int = _WEAK[1] - _WEAK[0]
    load: int = _LOAD[1] - _LOAD[0]
    load_length: int = _LOAD_GATE[1] - _LOAD_GATE[0]
    keeper: int = _K[1] - _K[0]
    keeper_length: int = _KEEPER[1] - _KEEPER[0]


SIZES = Sizes()
_EV_PAD, _BL_PAD, _M_PAD, _LOAD_PAD = 370, 1840, 2300, 215


def draw_rom_latch(layout: db.Layout, name: str, pdk: Pdk, level: int, pitch: int) -> Pen:
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
    c.to_met1(_EV_PAD, EV_Y)
    c.hline("met1", 0, WIDTH, LOAD_Y)
    c.to_met1(_LOAD_PAD, LOAD_Y)
    # bit line
    c.to_met1(_BL_PAD, Y3)
    c.hline("met1", _BL_PAD, track, Y3)
    join_lines(c, track, level)
    return c


def _draw_transistors(c: Pen) -> None:
    jog = _Q + 280  # what bears the bit line's charge and drives the output is wider
    c.diffusion("n", 135, _N[0], jog, _N[1])
    c.diffusion("n", jog, _N[0], _X4 + 145, _N_OUT)
    c.diffusion("p", _X1 - 145, _P[0], _X4 + 145, _P_WEAK)
    c.diffusion("p", _WEAK[1] + 75, _P[0], _X4 + 145, _P[1])
    # load and keeper are as near to each other as diffusion may be
    c.diffusion("p", _X1 - 145, _LOAD[0], _K1 + 125, _LOAD[1])
    c.diffusion("p", _K2 - 125, _K[0], _X4 + 145, _K[1])
    # one area of implant a row: what parts it would be too narrow
    c.rect("nsdm", 10, 0, WIDTH + 10, _N[1] + 125)
    c.rect("psdm", _X1 - 270, _P[0] - 125, WIDTH - 10, ROW)
    low = _N[0] - 130
    c.rect("poly", _EV - 75, low, _EV + 75, Y1 + 185)
    c.rect("poly", _Q - 75, low, _Q + 75, _P_WEAK + 130)
    c.rect("poly", _WEAK[0], _P[0] - 130, _WEAK[1], _P_WEAK + 130)
    c.rect("poly", _BL - 75, low, _BL + 75, Y3)
    c.rect("poly", _M - 75, low, _M + 75, _K[0])
    c.rect("poly", _KEEPER[0], _K[0] - 130, _KEEPER[1], _K[1] + 130)
    # the load's gate ends at the rail, where it meets that of the row beyond
    c.rect("poly", _LOAD_GATE[0], _LOAD[0] - 225, _LOAD_GATE[1], ROW)
    c.rect("poly", _LOAD_PAD - 135, _LOAD[0] - 225, _LOAD_GATE[1], _LOAD[0] - 75)
    pads = (_EV_PAD, Y1 + 20), (_Q, Y1), (_BL_PAD, Y3), (_M_PAD, Y2), (_LOAD_PAD, LOAD_Y)
    for x, y in pads:
        c.poly_contact(x, y, tall=True, li_tall=True)
    c.rect("npc", _EV_PAD - 185, Y1 - 185, _M_PAD + 185, Y3 + 185)
    for x in (_X0, _X1, _X2, _X3, _X4):
        c.pad("licon1", x, NY, 170)
    for x, y in ((_X1, _PY[0]), (_X2, _PY[0]), (_X4, _PY[0]), (_X4, _PY[1])):
        c.pad("licon1", x, y, 170)
    for x in (_X1, _K1, _K2, _X4):
        c.pad("licon1", x, _KY, 170)


def _draw_li(c: Pen) -> None:
    low, high, top = _PY[0] - 165, _PY[1] + 165, _KY + 165
    # supplies
    c.rect("li1", _X3 - 85, -85, _X3 + 85, NY + 165)
    c.rect("li1", _K1 - 85, low, _X2 + 85, ROW + 85)
    c.rect("li1", _X4 - 85, _KY - 165, _X4 + 85, ROW + 85)
    for x, y in ((_X3, 0), (_X2, ROW), (_X4, ROW)):
        c.pad("mcon", x, y, 170)
    draw_m(c, top, _M_PAD)
    # bit line, up to the keeper
    c.rect("li1", _BL_PAD - 85, Y3 - 165, _K2 + 85, Y3 + 165)
    c.rect("li1", _K2 - 85, Y3 - 165, _K2 + 85, top)
    draw_q(c, low, high)
