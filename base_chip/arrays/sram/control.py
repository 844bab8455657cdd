"""The control in the lower left corner, in the rows of the columns' feet.

    ev    = enable and not clk           reads: latches are open; ev_n goes to the drivers' NORs
    pre_n = ev, two inverters later      precharges whenever nothing is read
    wp_n  = not (w and not clk)          writes; w = not w_n, which any `write` pulls low
    A     = a, buffered

The upper row has the chain of these; the lower row, which is mirrored, has the buffers of the A lines. Those
go on met3 to the two met2 lines that each has in the drivers. x runs from the drivers' left border, y from
the ground rail.
"""

__all__ = ["FINGERS", "KEEPER", "PINS", "WIDTH", "draw_control", "line_y"]

import klayout.db as db

from base_chip.arrays import gates
from base_chip.arrays.gates import NAND, P1, P2, PITCH, Y1, Y2
from base_chip.arrays.latch import EV_Y, RAIL, ROW
from base_chip.arrays.pen import Pen
from base_chip.arrays.sram import driver
from base_chip.arrays.sram.column import LOWER, PRE_Y, W_N_Y
from base_chip.pdk import Pdk

WIDTH = driver.WIDTH
FINGERS = {
    "w": 1,
    "wp": 2,
    "wp_n": 6,
    "clk_n": 1,
    "ev_i": 2,
    "ev_n": 6,
    "ev": 6,
    "p1": 2,
    "pre_n": 10,
    "a_n": 1,
    "a": 4,
}
KEEPER = 420, 500  # width and length of the p transistor that holds w_n
_X = 160
_TAP = 560  # room of the taps in the middle of a row
# gates of the upper row, left to right
_CHAIN = ("w", "nand_w", "wp", "wp_n", "clk_n", "", "nand_e", "ev_i", "ev_n", "ev", "p1", "pre_n")
_BUFFERS = (0, 1, 2, 3, None, 4, 5, 6, 7)  # of A lines
_LINES = (7, 4, 3, 5, 6, 2, 1, 0)  # A lines, top to bottom
_LINE_Y, _LINE_PITCH = 5000, 680
_OUT = 145 + PITCH  # of an inverter, from its left end


def _places() -> dict[str, int]:
    at, x = {}, _X
    for name in _CHAIN:
        at[name] = x
        x += NAND if name.startswith("nand") else _TAP if not name else FINGERS[name] * PITCH + 560
    return {**at, "keeper": x + 600}  # clear of A7


def _buffer_places() -> dict[int | None, int]:
    at, x = {}, _X
    for a in _BUFFERS:
        at[a] = x
        x += _TAP if a is None else (FINGERS["a_n"] + FINGERS["a"]) * PITCH + 2 * 560
    return at


_AT, _BUFFER_AT = _places(), _buffer_places()
PINS: dict[str, tuple[int, int]] = {  # x of met2, y at which it ends
    "clk": (_AT["clk_n"] + 145, Y2),
    "enable": (_AT["nand_e"] + 145, Y2),
    **{f"a[{a}]": (_BUFFER_AT[a] + 145, LOWER - Y2) for a in range(8)},
}


def line_y(a: int) -> int:
    """Where an A line leaves met3."""
    return _LINE_Y - _LINE_PITCH * _LINES.index(a)


def draw_control(layout: db.Layout, name: str, pdk: Pdk) -> Pen:
    """Both rows, and the met3 of the A lines."""
    c = Pen(layout, f"{name}_control", pdk)
    lower = Pen(layout, f"{name}_buffers", pdk)
    _draw_row(c, _AT[""], (0, ROW))
    _draw_row(lower, _BUFFER_AT[None], (ROW,))
    end = WIDTH - 500
    c.rect("met1", 0, LOWER - RAIL // 2, WIDTH, 0)
    c.rect("nsdm", _X - 125, LOWER, end, 0)  # what parts the rows would be too narrow
    c.rect("li1", 0, LOWER - 85, end, 0)
    _draw_chain(c)
    for a in range(8):
        _buffer(lower, _BUFFER_AT[a])
    gates.row_taps(lower, _BUFFER_AT[None] + 145, _BUFFER_AT[None] + 145)
    c.cell.insert(db.CellInstArray(lower.cell.cell_index(), db.Trans(db.Trans.M0, 0, LOWER)))
    for a in range(8):
        x, y = _BUFFER_AT[a] + PITCH + 560 + _OUT, line_y(a)
        c.vline("met2", x, LOWER - P2, y)
        ends = [x, *(line for line, which in driver.A_X if which == a)]
        for end in ends:
            c.to_met3(end, y, tall=True)
        c.hline("met3", min(ends), max(ends), y, 330)
    c.cell.flatten(True)
    return c


def _draw_row(c: Pen, taps: int, rails: tuple[int, ...]) -> None:
    end = WIDTH - 500
    for y in rails:
        c.rect("met1", 0, y - RAIL // 2, WIDTH, y + RAIL // 2)
        c.rect("li1", 0, y - 85, end, y + 85)
        for x in range(165, end - 165, 400):
            c.pad("mcon", x, y, 170)
    n, p = gates.N_DIFFUSION, gates.P_DIFFUSION
    c.rect("npc", _X - 40, Y1 - 185, end, Y2 + 185)
    c.rect("nwell", -20, p[0] - 180, WIDTH, ROW)
    for x0, x1 in ((_X - 125, taps - 145), (taps + _TAP - 125, end)):
        c.rect("nsdm", x0, 0, x1, n[1] + 125)
        c.rect("psdm", x0, p[0] - 125, x1, ROW)


def _draw_chain(c: Pen) -> None:
    for name, x in _AT.items():
        if name.startswith("nand"):
            gates.nand(c, x)
            c.to_met1(x + 780, Y1)
        elif name in FINGERS:
            gates.inverter(c, x, FINGERS[name], inputs=1, met1=name not in ("wp", "ev_i"))
    gates.row_taps(c, _AT[""] + 145, _AT[""] + 145)
    # neighbours on li1
    for one, out, other in (("w", _OUT, "nand_w"), ("nand_w", 1120, "wp"), ("nand_e", 1120, "ev_i")):
        c.rect("li1", _AT[one] + out, Y2 - 85, _AT[other] + 145, Y2 + 85)
    for one, other in (("wp", "wp_n"), ("ev_i", "ev_n"), ("p1", "pre_n")):
        _to_next(c, _AT[one] + _OUT, _AT[other] + 145, P1)
    for name in ("wp_n", "ev_n", "ev", "pre_n"):
        outs = [_AT[name] + _OUT + 2 * n * PITCH for n in range(FINGERS[name] // 2)]
        for x in outs:
            c.to_met1(x, P2)
        c.hline("met1", outs[0], outs[-1], P2)
    for one, other in (("ev_n", "ev"), ("ev", "p1")):
        last = _AT[one] + _OUT + (FINGERS[one] - 2) * PITCH
        c.hline("met1", last, _AT[other] + 145, P2)
        c.vline("met1", _AT[other] + 145, P2, Y2)
    for name, x in driver.CLOCK_X.items():
        c.hline("met1", x, _AT[name] + _OUT, P2)
        c.to_met2(x, P2)
    # clk inverted, to both NANDs
    out = _AT["clk_n"] + _OUT
    c.to_met1(out, Y1)
    c.hline("met1", _AT["nand_w"] + 780, _AT["nand_e"] + 780, Y1)
    # out to the columns
    for name, y in (("ev", EV_Y), ("pre_n", PRE_Y)):
        x = _AT[name] + _OUT + (FINGERS[name] - 2) * PITCH
        c.to_met1(x, y)
        c.hline("met1", x, WIDTH, y)
    for name in ("clk", "enable"):
        c.to_met1(PINS[name][0], Y2)
        c.to_met2(PINS[name][0], Y2)
    _draw_keeper(c)


def _to_next(c: Pen, out: int, to: int, y: int) -> None:
    c.to_met1(out, y)
    c.hline("met1", out, to, y)
    c.vline("met1", to, y, Y2)


def _draw_keeper(c: Pen) -> None:
    """w_n: from the columns, held high by a p transistor that is always on, to the first inverter."""
    x, width, length = _AT["keeper"], *KEEPER
    y = gates.P_DIFFUSION[0] + width // 2
    low = y - width // 2
    gate = x + 285
    drain = gate + length + 140
    c.diffusion("p", x, low, drain + 145, low + width)
    c.rect("poly", gate, low - 130, gate + length, low + width + 130)
    c.rect("poly", gate + length // 2 - 165, Y2 - 135, gate + length // 2 + 165, low)
    c.poly_contact(gate + length // 2, Y2)
    c.rect("li1", gate + length // 2 - 85, -85, gate + length // 2 + 85, Y2 + 85)
    for at in (x + 145, drain):
        c.pad("licon1", at, y, 170)
    c.rect("li1", x + 60, y - 165, x + 230, ROW + 85)
    c.pad("li1", drain, y, (170, 330))
    c.to_met1(drain, y)
    first = _AT["w"] + 145
    for at, top in ((drain, y), (first, Y2)):
        c.to_met2(at, top)
        c.to_met2(at, W_N_Y)
        c.vline("met2", at, W_N_Y, top)
    c.to_met1(first, Y2)
    c.hline("met1", first, WIDTH, W_N_Y)


def _buffer(c: Pen, x: int) -> None:
    gates.inverter(c, x, FINGERS["a_n"])
    c.to_met1(x + 145, Y2)
    c.to_met2(x + 145, Y2)
    four = x + PITCH + 560
    gates.inverter(c, four, FINGERS["a"], inputs=1, met1=False)
    c.rect("li1", x + _OUT, Y2 - 85, four + 145, Y2 + 85)
    for n in (0, 2):
        c.to_met1(four + _OUT + n * PITCH, P2)
    c.hline("met1", four + _OUT, four + _OUT + 2 * PITCH, P2)
    c.to_met2(four + _OUT, P2)
