"""Word-line drivers, drawn on the pitch of two rows; a NOR of one A line and one B line for each row.

From left to right; even rows use the left half of the p and of the n block, odd rows the right:

    p   VPWR |B_N| x |A_N| WL even . WL odd |A_N| x |B_N| VPWR
    n   VGND |B_N| WL even |A_N| VGND |A_N| WL odd |B_N| VGND

Gates stand upright. B_N is one line of poly along the eight rows of a group; A_N is a gate of its own in
every row, tapped from one of eight met2 lines that run past all groups. A word line is li1 up to its poly.
Between the diffusion of one pair of rows and the next there is room for contacts of gates and supplies.
"""

__all__ = [
    "BAR_Y",
    "GROUP_ROWS",
    "HEADER",
    "LEFT_OF_DRIVER",
    "LINES",
    "PAIR",
    "PRE_N_X",
    "SHARED_STRIP",
    "STRAP",
    "TRACK_E",
    "TRACK_O",
    "VGND_X",
    "VPWR_X",
    "WELL",
    "WIDTHS",
    "WORD",
    "DriverCells",
]

from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

GROUP_ROWS = 8
PAIR = 1290
_PAIRS = GROUP_ROWS // 2

# x from the contacts of the leftmost supply
LEFT_OF_DRIVER = 325  # the n-well reaches this far
_PE, _PO = 1110, 1610  # contacts of the A gates, p, of the even and the odd row
_PD = 905, 1815  # drains
_PA = 690, 2030  # gates
_PB = 215, 2505
VPWR_X = 2720  # met2 lines of the supplies
VGND_X = 3540, 4695
_NS = 3530, 4695, 5860  # sources
_NB = 3825, 5565
_ND = 4110, 5280
_NA = 4400, 4990
_NE, _NO = 4275, 5115  # contacts of the A gates, n
_NBPAD = 3735, 5655
_BAR_VIA = -65, 3130, 5655  # where B_N leaves its met3 bar
WORD = 6280  # contact of the word line
STRAP = 7440  # centre of the array's leftmost strap column: the control's rows end before its taps
# met2 lines: those of even rows, then those of odd rows
LINES = (700, 1110, 1700, 5110), (2150, 3940, 6020, 6405)
PRE_N_X = 4280  # a met2 line that passes by

# y from the source below the pair
_P = 175, 825  # diffusion of p transistors
_N = 150, 690
WIDTHS = _P[1] - _P[0], _N[1] - _N[0]
HEADER = (_PAIRS - 1) * PAIR + _P[1] - 330  # of the p transistors that B_N switches
SHARED_STRIP = _PA[0] - 150 - (_PB[0] + 75)  # width of the diffusion that joins them
_EVEN, _ODD = 225, 615  # li1 of the word lines
_GAP = 1145  # contacts of p gates
_NGAP = 965  # and of n gates
_SUPPLY = 1065
TRACK_E, TRACK_O = 580, 1470
_BAR = 1100
BAR_Y = (_PAIRS - 1) * PAIR + _BAR  # met3 of B_N, from the group's lowest source
WELL = 3045  # right end of the n-well


@dataclass(frozen=True)
class DriverCells:
    """Cells of the drivers.

    Args:
        pair: Two rows; its origin is the source below them, and the leftmost supply contact.
        group: Eight rows: four pairs, and what they share.
        tap: The row of taps below and above a block, at the same x; y from the tap row's centre.
        link: Its left supply down to the group below.
    """

    pair: Pen
    group: Pen
    tap: Pen
    link: Pen

    @classmethod
    def draw(cls, layout: db.Layout, name: str, pdk: Pdk) -> "DriverCells":
        """Add the cells to a layout, named after the macro."""
        names = "pair", "group", "tap", "link"
        pair, group, tap, link = (Pen(layout, f"{name}_{cell}", pdk) for cell in names)
        _draw_pair(pair)
        group.array(pair, [0], [n * PAIR for n in range(_PAIRS)])
        _draw_group(group)
        _draw_tap(tap)
        link.rect("li1", -210, -620, -40, 0)
        return cls(pair, group, tap, link)


def _draw_pair(c: Pen) -> None:
    left, right = _PA[0] - 190, _PA[1] + 190
    c.diffusion("p", left, _P[0], _PD[0] + 145, _P[1])
    c.diffusion("p", _PD[1] - 145, _P[0], right, _P[1])
    c.rect("psdm", left, _P[0] - 125, right, _P[1] + 125)  # the gap is too narrow for a space
    c.diffusion("n", _NS[0] - 145, _N[0], _NS[2] + 145, _N[1])
    c.rect("nsdm", _NS[0] - 270, 0, _NS[2] + 270, PAIR)
    _p_gate(c, _PA[0], _PE, 1)
    _p_gate(c, _PA[1], _PO, -1)
    c.rect("npc", _PE - 185, _GAP - 185, _PO + 185, _GAP + 185)
    for gate, pad in zip(_NA, (_NE, _NO), strict=True):
        c.rect("poly", gate - 75, _N[0] - 130, gate + 75, _NGAP + 135)
        c.poly_contact(pad, _NGAP)
    # word lines
    far = WORD + 85
    c.pad("licon1", _PD[0], 300, 170)
    c.rect("li1", _PD[0] - 165, _EVEN - 85, _PD[0] + 165, 385)
    c.rect("li1", _PD[0], _EVEN - 85, far, _EVEN + 85)
    c.pad("licon1", _ND[0], 275, 170)
    c.rect("li1", _ND[0] - 165, _EVEN - 85, _ND[0] + 165, 360)
    c.pad("licon1", _PD[1], _ODD, 170)
    c.rect("li1", _PD[1] - 165, _ODD - 85, far, _ODD + 85)
    c.pad("licon1", _ND[1], 565, 170)
    c.rect("li1", _ND[1] - 165, 480, _ND[1] + 165, _ODD + 85)
    c.poly_contact(WORD, _EVEN)
    c.poly_contact(WORD, 1030)
    c.rect("npc", WORD - 185, 0, WORD + 185, PAIR)
    c.rect("li1", WORD - 85, _ODD - 85, far, 1030 + 85)
    # gates of even and odd rows, p and n, each with its track
    for x, y in ((_PE, _GAP), (_NE, _NGAP)):
        c.to_met1(x, y)
        c.vline("met1", x, y, TRACK_E, 170)
    for x, y in ((_PO, _GAP), (_NO, _NGAP)):
        c.to_met1(x, y)
        c.vline("met1", x, y, TRACK_O, 170)
    for pads, y, lines in (((_PE, _NE), TRACK_E, LINES[0]), ((_PO, _NO), TRACK_O, LINES[1])):
        c.hline("met1", min(*pads, *lines), max(*pads, *lines), y)
    _supply(c, _NS[1])


def _p_gate(c: Pen, gate: int, pad: int, side: int) -> None:
    """The pad stands beside the gate of the pair above, not below it."""
    c.rect("poly", gate - 75, _P[0] - 130, gate + 75, _GAP - 20)
    left, right = sorted((gate - side * 75, pad))
    c.rect("poly", left, _GAP - 170, right, _GAP - 20)
    c.poly_contact(pad, _GAP, tall=True)


def _supply(c: Pen, x: int) -> None:
    """A supply's contact up to its met2 line."""
    c.contact(x, _SUPPLY, tall=True)
    c.pad("mcon", x, _SUPPLY, 170)
    c.to_met2(x, _SUPPLY, tall=True)


def _draw_group(c: Pen) -> None:
    top = (_PAIRS - 1) * PAIR  # of the pair in which B_N comes in
    pads = {}
    for side, gate in ((1, _PB[0]), (-1, _PB[1])):
        supply, edge = gate - side * 360, gate + side * 325
        low, high = min(supply, edge), max(supply, edge)
        c.diffusion("p", low, 330, high, top + _P[1])
        inner = sorted((edge - side * 175, edge))
        c.rect("diff", inner[0], _P[0], inner[1], 330)
        c.rect("psdm", low - 125, _P[0] - 125, high + 125, 330)
        c.rect("poly", gate - 75, 200, gate + 75, top + _GAP)
        c.poly_contact(gate, top + _GAP, li_tall=side > 0)
        pads[gate] = top + _GAP
    # the left supply: li1 past the pad, met1 but for where B_N comes in
    c.rect("li1", -210, 0, -40, _PAIRS * PAIR)
    c.rect("li1", -210, 190, 85, top + 810)
    c.rect("met1", -210, 110, 85, top + 780)
    for n in range(_PAIRS):
        for y in (500, *([_SUPPLY] if n < _PAIRS - 1 else [])):
            c.pad("licon1", 0, n * PAIR + y, 170)
            c.pad("mcon", -85, n * PAIR + y, 170)
    # what has no room in the last pair
    for n in range(_PAIRS - 1):
        y = n * PAIR + _SUPPLY
        for x, line in ((VPWR_X, VPWR_X), (_NS[0], VGND_X[0])):
            c.contact(x, y, tall=True)
            c.pad("mcon", x, y, 170)
            c.to_met2(line, y, tall=True)
        c.contact(_NS[2], y, tall=True)
        c.to_met1(_NS[2], y)
        c.hline("met1", _NS[2], STRAP, y - 135)
    for x in (_NS[0], _NS[2]):
        c.diffusion("n", x - 145, _N[0], x + 145, top + _N[1])
    c.diffusion("n", _NS[1] - 145, 0, _NS[1] + 145, _PAIRS * PAIR)
    for gate, pad in zip(_NB, _NBPAD, strict=True):
        c.rect("poly", gate - 75, _N[0] - 130, gate + 75, top + _NGAP)
        c.poly_contact(pad, top + _NGAP)
        pads[pad] = top + _NGAP
    reach = top + _NGAP - 185, top + _NGAP + 185
    c.rect("npc", _NBPAD[0] - 185, reach[0], _NE + 185, reach[1])
    c.rect("npc", _NO - 185, reach[0], WORD, reach[1])
    bar = BAR_Y
    for x, y in pads.items():
        c.to_met1(x, y)
    c.rect("met1", _BAR_VIA[0], bar - 70, _PB[0], top + _GAP + 115)
    c.hline("met1", _PB[1], _NBPAD[0], bar)
    for x in _NBPAD:
        c.vline("met1", x, top + _NGAP, bar)
    for x in _BAR_VIA:
        c.stack(x, bar, tall=True)
    c.rect("met3", _BAR_VIA[0] - 190, bar - 165, _BAR_VIA[-1] + 190, bar + 165)


def _draw_tap(c: Pen) -> None:
    """Taps of well and substrate, and the supplies past them."""
    c.tap("n", 400, -205, 2300, 205)
    c.tap("p", 3400, -205, 6000, 205)
    for x0, x1 in ((400, 2300), (3400, 6000)):
        c.rect("li1", x0, -85, x1, 85)
        for x in range(x0 + 205, x1 - 164, 380):
            c.pad("licon1", x, 0, 170)
            c.pad("mcon", x, 0, 170)
    c.rect("met1", -210, -130, VPWR_X + 160, 130)
    c.rect("met1", _NS[0] - 160, -130, STRAP, 130)
    for x in (VPWR_X, *VGND_X):
        c.to_met2(x, 0, tall=True)
    # the left supply
    c.rect("li1", -210, -85, 0, 820)
    c.rect("met1", -210, -160, 85, 730)
    for y in (0, 400):
        c.pad("mcon", -85, y, 170)
