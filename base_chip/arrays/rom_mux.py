"""The latch that four bit lines of a ROM share: that of `rom_latch.py` behind a column multiplexer.

    m = low while EV is high and the bit line of the one high select is: three n transistors in series (bit
        line, its select, EV) pull against the load that LOAD_N turns on. Selects join at node f.
        m is held high by a weak p transistor of gate q. It is held low by two n transistors of gates q and
        LOAD_N, whatever the selects do once the latch is closed; as it closes, before LOAD_N is high, by an n
        transistor of gate q beside that of EV.
    q = m inverted: low where a via has pulled the selected bit line down;
    a p transistor of gate m keeps each of the four bit lines up while the selected one is.

The group is as wide as four columns and stands in four rows; each has the bit line, select and keeper of one
column at its left, and at its right a part of the latch (`_PARTS`). m and f are joined on met2. Rows are
mirrored and share rails, as those of `rom_latch.py`.
"""

__all__ = ["BIT_Y", "LINES", "OUTPUT", "SELECT_Y", "SIZES", "draw_join", "draw_mux_latch"]

from collections.abc import Callable
from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays.control import Lines
from base_chip.arrays.latch import LEVELS, RAIL, ROW, WIDTH, up
from base_chip.arrays.pen import Pen
from base_chip.arrays.rom_latch import LOAD_Y
from base_chip.pdk import Pdk

_N, _P = (300, 1060), (2195, 2655)  # diffusion: n; keepers
_P_OUT, _LOAD, _WEAK = (2170, 2990), (2170, 2810), (2630, 3050)
_NY, _PADS, _M_Y = 510, 1340, 1850  # contacts of n, of gates between n and p, of m
SELECT_Y, _F_Y, BIT_Y = 1390, 915, 2700  # met1
_HIGH_Y = 2275  # met1 of EV, and of q in the row that holds it
OUTPUT = 1, 2, 430  # track, row and y of the output
LINES: Lines = (  # met1 lines of each row
    {"select": SELECT_Y, "ev": _HIGH_Y, "load_n": LOAD_Y},
    {"select": SELECT_Y},
    {"select": SELECT_Y},
    {"select": SELECT_Y, "load_n": LOAD_Y},
)
_WIDE = 260  # as wide as its pads: some are too near for a notch
_BESIDE = 0, 10, 20, 30  # of the vias of tracks, so that m and f pass on met2
_F_X, _M_X = 1395, 2095  # met2
_GROUND, _BL, _SELECT, _F = 280, 495, 855, 1070  # of a column: ground, gates, node f
_BL_PAD, _SELECT_PAD = 430, 915
_KEEPER, _K_BL, _K_VPWR, _K_PAD = (420, 680), 280, 820, 620
_EV, _EV_PAD, _EV_M = 1335, 1400, 1575
_LOAD_VPWR, _LOAD_GATE, _LOAD_M = 1740, (1895, 2265), 2420
_OUT_SUPPLY, _OUT_GATE, _OUT_PAD, _OUT = 1630, 1845, 1780, 2120
_Q, _Q_M, _H1, _H2, _H_GROUND, _H_PAD = 1335, 1575, 1815, 2175, 2390, 2330
_W_VPWR, _W_GATE, _W_M = 1360, (1500, 1835), 1975


@dataclass(frozen=True)
class Sizes:
    """Widths and lengths of the transistors, nm."""

    n: int = _N[1] - _N[0]
    p_out: int = _P_OUT[1] - _P_OUT[0]
    p_weak: int = _WEAK[1] - _WEAK[0]
    weak_length: int = _W_GATE[1] - _W_GATE[0]
    load: int = _LOAD[1] - _LOAD[0]
    load_length: int = _LOAD_GATE[1] - _LOAD_GATE[0]
    keeper: int = _P[1] - _P[0]
    keeper_length: int = _KEEPER[1] - _KEEPER[0]


SIZES = Sizes()


def draw_mux_latch(layout: db.Layout, name: str, pdk: Pdk, level: int, pitch: int) -> Pen:
    """A row of the group.

    Args:
        layout: Layout to add the cell to.
        name: Of the macro.
        pdk: Layer numbers.
        level: Row, and thereby which of four columns; odd rows are mirrored.
        pitch: Of columns.
    """
    c = Pen(layout, f"{name}_mux{level}", pdk)
    _draw_column(c)
    track = pitch // 2 + level * pitch
    c.to_met1(_K_BL, BIT_Y)
    c.hline("met1", _K_BL, track, BIT_Y)
    up(c, track + _BESIDE[level], BIT_Y, 0)
    for y in LINES[level].values():
        c.hline("met1", 0, WIDTH, y)
    for y in (0, ROW):
        c.rect("met1", 0, y - RAIL // 2, WIDTH, y + RAIL // 2)
    _PARTS[level](c, pitch)
    return c


def draw_join(c: Pen, x: int, rails: tuple[int, ...]) -> None:
    """m and f of one group, on met2 through its rows.

    Args:
        c: Cell to draw in.
        x: Left end of the group.
        rails: y of the rails, top to bottom.
    """
    for line, y in ((_M_X, _M_Y), (_F_X, _F_Y)):
        c.vline("met2", x + line, rails[3] - y, rails[1] + y)


def _draw_column(c: Pen) -> None:
    """Bit line, select, keeper."""
    c.diffusion("n", _GROUND - 145, _N[0], _F + 145, _N[1])
    c.rect("nsdm", 10, 0, WIDTH + 10, _N[1] + 125)  # what parts rows and cells would be too narrow
    c.diffusion("p", _K_BL - 145, _P[0], _K_VPWR + 125, _P[1])
    c.rect("npc", 0, _PADS - 185, WIDTH, _M_Y + 185)
    for gate, pad in ((_BL, _BL_PAD), (_SELECT, _SELECT_PAD)):
        _gate(c, gate, pad)
    c.rect("poly", _KEEPER[0], _M_Y - 135, _KEEPER[1], _P[1] + 130)
    c.poly_contact(_K_PAD, _M_Y, li_tall=True)
    c.to_met1(_SELECT_PAD, SELECT_Y)
    _m(c, _K_PAD)
    for x in (_GROUND, _F):
        c.pad("licon1", x, _NY, 170)
    _ground(c, _GROUND)
    c.rect("li1", _F - 85, _NY - 165, _F + 85, _F_Y + 85)
    c.to_met1(_F, _F_Y)
    c.hline("met1", _F, _F_X, _F_Y, _WIDE)
    c.to_met2(_F_X, _F_Y)
    for x in (_K_BL, _K_VPWR):
        c.pad("licon1", x, 2425, 170)
    _supply(c, _K_VPWR, 2260)
    c.rect("li1", _K_BL - 85, _PADS - 85, _BL_PAD, _PADS + 85)
    c.rect("li1", _K_BL - 85, _PADS - 85, _K_BL + 85, 2930)


def _draw_evaluate(c: Pen, _pitch: int) -> None:
    """The n transistor of EV, and the load."""
    c.diffusion("n", _F - 145, _N[0], _EV_M + 145, _N[1])
    _gate(c, _EV, _EV_PAD)
    c.rect("li1", _EV_PAD - 85, _PADS - 165, _EV_PAD + 85, _HIGH_Y + 85)
    c.to_met1(_EV_PAD, _HIGH_Y)
    _m_below(c, _EV_M)
    c.diffusion("p", _LOAD_VPWR - 145, _LOAD[0], _LOAD_M + 145, _LOAD[1])
    c.rect("psdm", _LOAD_M, _LOAD[0] - 125, WIDTH + 10, _LOAD[1] + 125)
    c.rect("poly", _LOAD_GATE[0], _LOAD[0] - 130, _LOAD_GATE[1], LOAD_Y)
    middle = sum(_LOAD_GATE) // 2
    c.poly_contact(middle, LOAD_Y, tall=True, li_tall=True)
    c.to_met1(middle, LOAD_Y)
    for x in (_LOAD_VPWR, _LOAD_M):
        c.pad("licon1", x, 2425, 170)
    _supply(c, _LOAD_VPWR, 2260)
    c.rect("li1", _LOAD_M - 85, _M_Y - 85, _LOAD_M + 85, 2590)
    _m(c, _LOAD_M)


def _draw_nothing(c: Pen, _pitch: int) -> None:
    """A row with a column alone."""
    c.to_met2(_M_X, _M_Y)


def _draw_output(c: Pen, pitch: int) -> None:
    """The inverter from m to q."""
    c.diffusion("n", _OUT_SUPPLY - 145, _N[0], _OUT + 145, _N[1])
    c.diffusion("p", _OUT_SUPPLY - 145, _P_OUT[0], _OUT + 145, _P_OUT[1])
    c.rect("psdm", _K_VPWR, _P_OUT[0] - 125, _OUT_SUPPLY, _P_OUT[1] + 125)
    c.rect("poly", _OUT_GATE - 75, _N[0] - 130, _OUT_GATE + 75, _P_OUT[1] + 130)
    c.poly_contact(_OUT_PAD, _M_Y, li_tall=True)
    _m(c, _OUT_PAD)
    for x in (_OUT_SUPPLY, _OUT):
        for y in (_NY, 850, 2425, 2765):
            c.pad("licon1", x, y, 170)
    c.rect("li1", _OUT_SUPPLY - 85, -85, _OUT_SUPPLY + 85, 1015)
    c.pad("mcon", _OUT_SUPPLY, 0, 170)
    _supply(c, _OUT_SUPPLY, 2260)
    c.rect("li1", _OUT - 85, _NY - 165, _OUT + 85, 2930)
    _q(c, _OUT, OUTPUT[2], pitch)


def _draw_hold(c: Pen, pitch: int) -> None:
    """What holds m."""
    c.diffusion("n", _F - 145, _N[0], _H_GROUND + 145, _N[1])
    for gate in (_Q, _H1):
        c.rect("poly", gate - 75, _N[0] - 130, gate + 75, _PADS + 135)
    c.rect("poly", _Q, _PADS - 135, _H1, _PADS + 135)
    c.poly_contact(_Q_M, _PADS, li_tall=True)
    _m_below(c, _Q_M)
    _gate(c, _H2, _H_PAD)
    c.rect("li1", _H_PAD - 85, _PADS - 165, _H_PAD + 85, LOAD_Y + 85)
    c.to_met1(_H_PAD, LOAD_Y)
    c.pad("licon1", _H_GROUND, _NY, 170)
    _ground(c, _H_GROUND)
    c.rect("li1", _Q_M - 85, _PADS - 165, _Q_M + 85, _HIGH_Y + 85)
    _q(c, _Q_M, _HIGH_Y, pitch)
    # the weak p transistor
    c.diffusion("p", _W_VPWR - 145, _WEAK[0], _W_M + 145, _WEAK[1])
    c.rect("psdm", _K_BL, _WEAK[0] - 125, _W_VPWR, _WEAK[1] + 125)
    c.rect("poly", _W_GATE[0], _WEAK[0] - 130, _W_GATE[1], _WEAK[1] + 130)
    c.rect("poly", _W_GATE[0], _M_Y - 135, _Q_M + 165, _WEAK[0])
    c.poly_contact(_Q_M, _M_Y, li_tall=True)
    middle = sum(_WEAK) // 2
    for x in (_W_VPWR, _W_M):
        c.pad("licon1", x, middle, 170)
    _supply(c, _W_VPWR, middle - 165)
    c.rect("li1", _W_M - 85, _M_Y - 85, _W_M + 85, middle + 165)
    _m(c, _W_M)


_PARTS: tuple[Callable[[Pen, int], None], ...] = (_draw_evaluate, _draw_nothing, _draw_output, _draw_hold)
assert len(_PARTS) == LEVELS


def _gate(c: Pen, gate: int, pad: int) -> None:
    """A gate of n with its contact."""
    c.rect("poly", gate - 75, _N[0] - 130, gate + 75, _PADS + 165)
    left, right = sorted((gate, pad))
    c.rect("poly", left, _PADS - 165, right, _PADS + 165)
    c.poly_contact(pad, _PADS, tall=True, li_tall=True)


def _ground(c: Pen, x: int) -> None:
    c.rect("li1", x - 85, -85, x + 85, _NY + 165)
    c.pad("mcon", x, 0, 170)


def _supply(c: Pen, x: int, low: int) -> None:
    c.rect("li1", x - 85, low, x + 85, ROW + 85)
    c.pad("mcon", x, ROW, 170)


def _m(c: Pen, x: int) -> None:
    """li1 to m's met2."""
    c.to_met1(x, _M_Y)
    c.hline("met1", x, _M_X, _M_Y, _WIDE)
    c.to_met2(_M_X, _M_Y)


def _m_below(c: Pen, x: int) -> None:
    """From n up to m's met2."""
    c.pad("licon1", x, _NY, 170)
    c.pad("li1", x, _NY, (330, 170))
    c.to_met1(x, _NY)
    c.hline("met1", x, _M_X, _NY, _WIDE)
    c.to_met2(_M_X, _NY)


def _q(c: Pen, x: int, y: int, pitch: int) -> None:
    """li1 to the output's met3."""
    track = pitch // 2 + OUTPUT[0] * pitch + _BESIDE[OUTPUT[0]]
    c.to_met1(x, y)
    c.hline("met1", x, track, y)
    up(c, track, y, 0)
