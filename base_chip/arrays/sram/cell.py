"""The SRAM's cell: eight transistors, drawn by logic design rules.

Seen from above, diffusion is upright and poly lies; a row and the next are mirrored, and share the contacts
at their border; a column and the next likewise:

    y 960   WBL    .      .    VDD     VSS -------- VSS
    WWL ----PGL         [ql]---PUR-----PDR----------RPD     gates of node ql
            ql ----ql          qr------qr
            PDL----PUL--[qr]           PGR---WWL    RPG---- RWL
    y 0     VSS   VDD                  WBLB         RBL

Bit lines and supplies run upright on met1, word lines across on met2. WWL writes, and reads what is not
written: its cells stand the bit lines that are held high (docs/memories.md tells the margin). RWL reads.
"""

__all__ = [
    "BIT_LINES",
    "GROUND_X",
    "HEIGHT",
    "POWER_X",
    "TAP_GROUND_Y",
    "TAP_HEIGHT",
    "TAP_POWER_Y",
    "WELL",
    "WIDTH",
    "WIDTHS",
    "draw_bit",
    "draw_tap",
]

import klayout.db as db

from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

HEIGHT = 960
TAP_HEIGHT = 1240  # of the row of taps between blocks of rows
_N1, _P1, _P2, _N2, _N3 = (275, 695), (1215, 1635), (2275, 2695), (3215, 3635), (4415, 4935)
_CROSS = 1955  # poly contacts of the cross-coupling
_STUB = 3910  # WWL's contact at the right access transistor
WIDTH = 5210
_C1, _C2, _C3, _CP1, _CP2 = (sum(d) // 2 for d in (_N1, _N2, _N3, _P1, _P2))
WIDTHS = {"access": 420, "down": 420, "up": 420, "read": _N3[1] - _N3[0]}  # all gates 150 long

WELL = _P1[0] - 180, _P2[1] + 180
BIT_LINES = {"wbl": _C1, "wblb": _C2, "rbl": _C3}  # x on met1
GROUND_X, POWER_X = (900, 2955), (_CP1, _CP2)  # x on met1
_LINE = 170, 300, 270  # met1 widths: bit line, ground, supply
_LOW, _MIDDLE, _HIGH = 240, 480, 720
TAP_GROUND_Y, TAP_POWER_Y = 320, 920  # met2 along a row of taps


def draw_bit(layout: db.Layout, name: str, pdk: Pdk) -> Pen:
    """One bit; shapes at the border are drawn whole, by both cells that share them."""
    c = Pen(layout, f"{name}_bit", pdk)
    _diffusion(c)
    _poly(c)
    _local(c)
    _lines(c, 0, HEIGHT)
    for x, y in ((_C1, HEIGHT), (_C2, 0), (_C3, 0), (GROUND_X[0], 0), (_CP1, 0), (_CP2, HEIGHT)):
        c.to_met1(x, y, tall=True)
    c.to_met1(GROUND_X[1], HEIGHT, tall=True)
    # word lines
    for x, y in ((0, _HIGH), (_STUB, _LOW), (WIDTH, _LOW)):
        c.pad("mcon", x, y, 170)
        c.pad("met1", x, y, (260, 320))
    c.vline("met1", _STUB, _LOW - 30, _HIGH + 30, 260)
    for x, y in ((0, _HIGH), (_STUB, _HIGH), (WIDTH, _LOW)):
        c.pad("via", x, y, 150)
    for y in (_LOW, _HIGH):
        c.rect("met2", -160, y - 130, WIDTH + 160, y + 130)
    return c


def draw_tap(layout: db.Layout, name: str, pdk: Pdk) -> Pen:
    """A column's part of a row of taps; the supplies cross on met2."""
    c = Pen(layout, f"{name}_taps", pdk)
    low, high = 415, 825
    middle = TAP_HEIGHT // 2
    for kind, implant, x0, x1 in (
        ("p", (0, 710), 0, 585),
        ("n", (1205, 2705), 1330, 2580),
        ("p", (3210, WIDTH), 3335, WIDTH),
    ):
        c.rect("tap", x0, low, x1, high)
        c.rect(f"{kind}sdm", implant[0], low - 125, implant[1], high + 125)
    for x0, x1 in ((230, 985), (1260, 2650), (2870, WIDTH - 100)):
        c.rect("li1", x0, middle - 85, x1, middle + 85)
    for x in (400, _CP1, 1780, 2130, _CP2, *range(3540, WIDTH - 200, 380)):
        c.pad("licon1", x, middle, 170)
    for x in (*GROUND_X, *POWER_X):
        c.pad("mcon", x, middle, 170)
    _lines(c, 0, TAP_HEIGHT)
    for y, xs in ((TAP_GROUND_Y, GROUND_X), (TAP_POWER_Y, POWER_X)):
        c.rect("met2", 0, y - 200, WIDTH, y + 200)
        for x in xs:
            c.to_met2(x, y)
    return c


def _lines(c: Pen, y0: int, y1: int) -> None:
    """What runs upright through all rows."""
    c.rect("nwell", WELL[0], y0 - 325, WELL[1], y1 + 325)  # around the diffusion at the border
    for width, xs in zip(_LINE, (BIT_LINES.values(), GROUND_X, POWER_X), strict=True):
        for x in xs:
            c.rect("met1", x - width // 2, y0, x + width // 2, y1)


def _diffusion(c: Pen) -> None:
    for x0, x1 in (_N1, _N2, _N3):
        c.rect("diff", x0, -145, x1, HEIGHT + 145)
    for x0, x1 in ((0, _N1[1] + 125), (_N2[0] - 125, _N2[1] + 125), (_N3[0] - 125, WIDTH)):
        c.rect("nsdm", x0, -270, x1, HEIGHT + 270)
    for (x0, x1), y0, y1 in ((_P1, -145, _MIDDLE + 145), (_P2, _MIDDLE - 145, HEIGHT + 145)):
        c.rect("diff", x0, y0, x1, y1)
        c.rect("psdm", x0 - 125, y0 - 125, x1 + 125, y1 + 125)


def _poly(c: Pen) -> None:
    end = 130
    for y, x0, x1 in (
        (_LOW, _N1[0] - end, _CROSS),
        (_HIGH, _CROSS, _N3[1] + end),
        (_HIGH, 0, _N1[1] + end),
        (_LOW, _N2[0] - end, _STUB),
        (_LOW, _N3[0] - end, WIDTH),
    ):
        c.rect("poly", x0, y - 75, x1, y + 75)
    for x, y in ((_CROSS, _LOW), (_CROSS, _HIGH), (0, _HIGH), (_STUB, _LOW), (WIDTH, _LOW)):
        c.pad("poly", x, y, (330, 270))
        c.contact(x, y)
    for x in (0, _CROSS, _STUB, WIDTH):  # one npc a column: between contacts it would be too narrow
        c.rect("npc", x - 185, 0, x + 185, HEIGHT)


def _local(c: Pen) -> None:
    for x in (_C1, _C2, _C3):
        for y in (0, _MIDDLE, HEIGHT):
            if (x, y) != (_C3, _MIDDLE):
                c.pad("licon1", x, y, 170)
    for x, ys in ((_CP1, (0, _MIDDLE)), (_CP2, (_MIDDLE, HEIGHT))):
        for y in ys:
            c.pad("licon1", x, y, 170)
    # nodes: a bar between n and p, then to the other's gates
    c.rect("li1", _C1 - 165, _MIDDLE - 85, _CP1 + 165, _MIDDLE + 85)
    c.rect("li1", _CP1 - 85, _MIDDLE - 85, _CP1 + 165, _HIGH + 85)
    c.rect("li1", _CP1 - 85, _HIGH - 85, _CROSS + 165, _HIGH + 85)
    c.rect("li1", _CP2 - 165, _MIDDLE - 85, _C2 + 165, _MIDDLE + 85)
    c.rect("li1", _CP2 - 165, _LOW - 85, _CP2 + 85, _MIDDLE + 85)
    c.rect("li1", _CROSS - 165, _LOW - 85, _CP2 + 85, _LOW + 85)
    # bit lines and supplies
    for x, y in ((_C1, HEIGHT), (_C2, 0), (_C3, 0), (_CP1, 0), (_CP2, HEIGHT)):
        c.pad("li1", x, y, (170, 330))
    c.rect("li1", _C1 - 165, -85, GROUND_X[0] + 85, 85)
    c.rect("li1", GROUND_X[1] - 85, HEIGHT - 85, _C3 + 165, HEIGHT + 85)
