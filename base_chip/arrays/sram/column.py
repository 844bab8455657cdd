"""The foot of a column: below the array its latch and precharge, below these its write drivers.

    wbl = not (write and d), wblb = not (write and not d)

so both are high in every byte that is not written. Two rows of gates share the ground at y = 0, the
lower one is mirrored, and a little lower, as latches have a wire beside their rail; x runs from the column's
left border. One column a byte has the byte's input `write`, and pulls the line `w_n` of the macro low when
it is high.
"""

__all__ = [
    "BOTTOM",
    "D_X",
    "INPUT_X",
    "JUNCTION",
    "LATCH_X",
    "LOWER",
    "PRECHARGE_FINGERS",
    "PRE_Y",
    "WRITE_X",
    "WRITE_Y",
    "W_N_Y",
    "draw_foot",
]

import klayout.db as db

from base_chip.arrays import gates
from base_chip.arrays.gates import NAND, PITCH, Y1, Y2
from base_chip.arrays.latch import EV_Y, P_WELL, RAIL, ROW, Y3, output_y
from base_chip.arrays.pen import Pen
from base_chip.arrays.sram.cell import BIT_LINES, GROUND_X, POWER_X, TAP_GROUND_Y, WELL, WIDTH
from base_chip.arrays.sram.latch import draw_latch
from base_chip.pdk import Pdk

JUNCTION = 720  # from the supply rail of the latches to the array's lowest row of taps
LOWER = -260  # ground rail of the lower row
BOTTOM = ROW - LOWER + 500
PRE_Y = 1350  # met1
LATCH_X = WIDTH // 2 // 5 * 5  # met3 of rbl and q
PRECHARGE_FINGERS = 2
_PRECHARGE, _PULL = 2900, 4000
_TAPS = 3045, 4545  # of the latch's row: substrate, well
_INVERTER, _FALSE, _TRUE, _LOWER_TAPS = 135, 1125, 1125 + NAND, 4500
INPUT_X = _FALSE + 780  # of write
D_X, WRITE_X, _POWER = 2100, _PULL + 145, 5000  # met2
WRITE_Y, W_N_Y = LOWER - Y1 + 45, LOWER - gates.N1  # met1
_BLB_X = 3100


def draw_foot(layout: db.Layout, name: str, pdk: Pdk, first: bool) -> Pen:
    """A column's foot; `first` of a byte."""
    c = Pen(layout, f"{name}_foot{int(first)}", pdk)
    c.array(draw_latch(layout, f"{name}_foot{int(first)}", pdk, LATCH_X), [0], [0])
    lower = Pen(layout, f"{name}_write{int(first)}", pdk)
    _draw_write(lower)
    c.cell.insert(db.CellInstArray(lower.cell.cell_index(), db.Trans(db.Trans.M0, 0, LOWER)))
    for y0, y1 in ((ROW, ROW), (LOWER, 0), (LOWER - ROW,) * 2):
        c.rect("met1", 0, y0 - RAIL // 2, WIDTH, y1 + RAIL // 2)
    _draw_rails(c)
    for line in (EV_Y, PRE_Y, W_N_Y):
        c.hline("met1", 0, WIDTH, line)
    _draw_latch_row(c, first)
    _draw_junction(c)
    # supplies of the rails below
    c.rect("met2", GROUND_X[0] - 130, -160, GROUND_X[0] + 130, ROW + JUNCTION + TAP_GROUND_Y)
    c.to_met2(GROUND_X[0], 0)
    for y in (ROW, LOWER - ROW):
        c.to_met2(_POWER, y)
    c.rect("met2", _POWER - 130, LOWER - ROW - 130, _POWER + 130, ROW + 130)
    c.cell.flatten(True)
    return c


def _draw_rails(c: Pen) -> None:
    """li1 of the rails: those of the latches begin where a latch is through with its own wires."""
    clear, keeper = 1845, 2740
    for y, first in ((ROW, keeper), (0, clear), (LOWER - ROW, 0)):
        c.rect("li1", first, y - 85, WIDTH, y + 85)
        for x in range(first + 85 if first else 330, WIDTH - 165, 400):
            c.pad("mcon", x, y, 170)
    c.rect("li1", 0, LOWER - 85, WIDTH, LOWER + 85)
    c.rect("li1", clear, LOWER, WIDTH, 0)
    for x in range(330, clear - 200, 400):
        c.pad("mcon", x, LOWER, 170)


def _draw_latch_row(c: Pen, first: bool) -> None:
    for layer, y0, y1 in (("nsdm", LOWER, 845), ("psdm", 2030, ROW)):
        c.rect(layer, -20, y0, 20, y1)
    c.rect("nsdm", 0, LOWER, 2770, 0)  # what parts the rows would be too narrow
    c.rect("nwell", 0, P_WELL, WIDTH, ROW)
    gates.row_taps(c, *_TAPS)
    c.rect("psdm", 2760, gates.P_DIFFUSION[0] - 125, _PRECHARGE + 1150 + 125, ROW)
    gate = _PRECHARGE + 145 + PITCH // 2
    c.diffusion("p", _PRECHARGE, gates.P_DIFFUSION[0], _PRECHARGE + 1150, gates.P_DIFFUSION[1])
    for x in (gate, gate + PITCH):
        c.rect("poly", x - 75, PRE_Y - 135, x + 75, gates.P_DIFFUSION[1] + 130)
    out = _PRECHARGE + 145 + PITCH
    c.rect("poly", gate, PRE_Y - 135, gate + PITCH, PRE_Y + 135)
    c.poly_contact(out, PRE_Y)
    c.to_met1(out, PRE_Y)
    for n in range(3):
        x = _PRECHARGE + 145 + n * PITCH
        for y in gates.P_CONTACTS:
            c.pad("licon1", x, y, 170)
        low, high = gates.P_CONTACTS[0] - 165, gates.P_CONTACTS[-1] + 165
        c.rect("li1", x - 85, low, x + 85, high if n == 1 else ROW + 85)
    c.to_met1(out, 2700, tall=True)
    c.stack(out, 2700, tall=True)
    c.rect("npc", 2300, Y1 - 185, 4330, Y2 + 185)
    if first:
        gates.inverter(c, _PULL, 1, kinds="n")
        c.rect("nsdm", _PULL - 400, LOWER, _PULL + 845, gates.N_DIFFUSION[1] + 125)
        c.to_met2(WRITE_X, Y2)
        drain = _PULL + 145 + PITCH
        c.to_met1(drain, 510)
        for y in (510, W_N_Y):
            c.to_met2(drain, y)
        c.vline("met2", drain, W_N_Y, 510)


def _draw_junction(c: Pen) -> None:
    """The array's lines down to the rows of gates."""
    top, y = ROW + JUNCTION, ROW + 500
    half = 85
    for x in BIT_LINES.values():
        c.rect("met1", x - half, y, x + half, top)
        c.to_met2(x, y, tall=True)
    for x in POWER_X:
        c.rect("met1", x - 135, ROW, x + 135, top)
    c.rect("nwell", WELL[0], ROW, WELL[1], top)
    rbl = BIT_LINES["rbl"]
    c.to_met3(rbl, y, tall=True)
    c.hline("met3", LATCH_X, rbl, y, 330)
    c.vline("met3", LATCH_X, Y3, y, 330)
    c.vline("met3", _PRECHARGE + 145 + PITCH, 2700, y, 330)
    # write bit lines, to their drivers
    c.vline("met2", BIT_LINES["wbl"], LOWER - gates.P2, y)
    c.hline("met2", _BLB_X, BIT_LINES["wblb"], y, 320)
    c.vline("met2", _BLB_X, LOWER - gates.P1, y)
    # q, d and write come and go below
    c.vline("met3", LATCH_X, output_y(0), -BOTTOM + 165, 330)


def _draw_write(c: Pen) -> None:
    """The lower row, as if it were not mirrored."""
    n, p = gates.N_DIFFUSION, gates.P_DIFFUSION
    c.rect("nsdm", -20, 0, _TRUE + 1265 + 125, n[1] + 125)
    c.rect("psdm", -20, p[0] - 125, _TRUE + 1265 + 125, ROW)
    c.rect("npc", 0, Y1 - 185, WIDTH, Y2 + 185)
    c.rect("nwell", 0, p[0] - 180, WIDTH, ROW)
    gates.row_taps(c, _LOWER_TAPS, _LOWER_TAPS)
    gates.inverter(c, _INVERTER, 1)
    for x in (_TRUE, _FALSE):
        gates.nand(c, x)
        c.to_met1(x + 780, Y1 - 45)
    out = _INVERTER + 145 + PITCH
    c.rect("li1", out, Y2 - 85, _FALSE + 145, Y2 + 85)
    c.to_met1(_TRUE + 145, Y2)
    c.hline("met1", _INVERTER + 145, _TRUE + 145, Y2)
    c.to_met2(D_X, Y2)
    for x, to, track in ((_TRUE + 575, BIT_LINES["wbl"], gates.P2), (_FALSE + 575, _BLB_X, gates.P1)):
        c.to_met1(x, track)
        c.hline("met1", x, to, track)
        c.to_met2(to, track)
