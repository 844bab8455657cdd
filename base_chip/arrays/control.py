"""The control below the word-line drivers, in the rows of the latches.

    EV    = enable and not clk       evaluates: latches are open, the A lines of set inputs are low
    PRE_N = EV, two inverters later  precharges whenever nothing is read
    A_N   = not (EV and a)

Gates are inverters of some fingers, and NANDs, at the same rails as the latches:

    row 0  NANDs of even A lines              row 2  EV's inverters, the NAND and the inverter of the clock
    row 1  NANDs of odd A lines               row 3  PRE_N's driver
"""

__all__ = [
    "CONTROL_PINS",
    "FINGERS",
    "ControlCells",
    "line_ends",
    "links",
    "pin_ends",
    "precharge_from",
]

from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays import driver, gates
from base_chip.arrays.gates import (
    N1,
    N2,
    N_DIFFUSION,
    NAND,
    P1,
    P2,
    P_DIFFUSION,
    PITCH,
    Y1,
    Y2,
)
from base_chip.arrays.latch import EV_Y, RAIL, ROW
from base_chip.arrays.pen import Pen
from base_chip.pdk import Pdk

_X = 180 - driver.LEFT_OF_DRIVER  # leftmost diffusion, from the drivers' origin
_END = _X + 6700  # rails reach this far on li1
TRUNK = 6745  # met2 of EV
FINGERS = {"p1": 2, "ev": 4, "pre": 8}

# x of gates in row 2, from the drivers' origin: p1, ev, NAND, clk
_AT = {"p1": _X}
_AT["ev"] = _AT["p1"] + 2 * PITCH + 290 + 270
_AT["nand"] = _AT["ev"] + 4 * PITCH + 290 + 270
_AT["clk"] = _AT["nand"] + NAND

# x of the pins at the bottom edge: met3 of a[0..7], met2 of clk and enable
_A_EVEN = _X + 145, _X + 145 + NAND, _X + 145 + 2 * NAND, driver.PRE_N_X + 360
_A_ODD = tuple(_X + 145 + n * NAND + (690 if n == 3 else 660) for n in range(4))
CONTROL_PINS: dict[str, tuple[str, int]] = {
    **{f"a[{2 * n}]": ("met3", x) for n, x in enumerate(_A_EVEN)},
    **{f"a[{2 * n + 1}]": ("met3", x) for n, x in enumerate(_A_ODD)},
    "clk": ("met2", _AT["clk"] + 145),
    "enable": ("met2", _AT["nand"] + 145),
}


@dataclass(frozen=True)
class ControlCells:
    """One cell a row; x from the drivers' origin, y from the row's ground rail.

    Args:
        rows: Top to bottom; odd ones are placed mirrored.
    """

    rows: tuple[Pen, ...]

    @classmethod
    def draw(cls, layout: db.Layout, name: str, pdk: Pdk, right: int) -> "ControlCells":
        """Add the cells to a layout.

        Args:
            layout: The layout.
            name: Of the macro.
            pdk: Layer numbers.
            right: Where the first strap column begins.
        """
        rows = []
        for n, paint in enumerate((_even, _odd, _clock, _precharge)):
            c = Pen(layout, f"{name}_control{n}", pdk)
            for y in (0, ROW):
                c.rect("met1", _X, y - RAIL // 2, right, y + RAIL // 2)
                c.rect("li1", _X, y - 85, _END, y + 85)
                for x in range(_X + 165, _END - 165, 400):
                    c.pad("mcon", x, y, 170)
            # one area a row: what parts it would be too narrow
            c.rect("nsdm", _X - 125, 0, _END + 125, N_DIFFUSION[1] + 125)
            c.rect("psdm", _X - 125, P_DIFFUSION[0] - 125, _END + 125, ROW if n else P_DIFFUSION[1] + 125)
            c.rect("npc", _X - 40, Y1 - 185, _END, Y2 + 185)
            _ev_line(c, right, n < 2)
            paint(c)
            rows.append(c)
        return cls(tuple(rows))


def _ev_line(c: Pen, right: int, gates: bool) -> None:
    """EV's met1 of a row, with its via to the trunk; NANDs take it from another track."""
    c.hline("met1", TRUNK, right, EV_Y)
    if gates:
        c.rect("met1", TRUNK - 130, EV_Y - 70, TRUNK + 130, Y1 + 70)
        c.hline("met1", _X + 780, TRUNK, Y1)
    c.to_met2(TRUNK, EV_Y, tall=gates)


def _even(c: Pen) -> None:
    for n, (line, a) in enumerate(zip(driver.LINES[0], _A_EVEN, strict=True)):
        x = _X + n * NAND
        gates.nand(c, x)
        c.to_met1(x + 780, Y1 - 45)
        _tap_line(c, x + 145 + PITCH, line, (P1, P2)[n % 2])
        _input(c, x + 145, a)


def _odd(c: Pen) -> None:
    for n, (line, a) in enumerate(zip(driver.LINES[1], _A_ODD, strict=True)):
        x = _X + n * NAND
        gates.nand(c, x)
        c.to_met1(x + 780, Y1 - 45)
        _tap_line(c, x + 1120, line, (N2, N1)[n % 2])
        _input(c, x + 145, a)


def _tap_line(c: Pen, out: int, line: int, y: int) -> None:
    c.to_met1(out, y)
    c.hline("met1", out, line, y)
    c.to_met2(line, y)


def _input(c: Pen, gate: int, pin: int) -> None:
    """A NAND's input, from a pin's met3."""
    c.to_met1(gate, Y2)
    c.hline("met1", gate, pin, Y2)
    c.to_met2(pin, Y2)
    c.to_met3(pin, Y2, tall=True)


def _clock(c: Pen) -> None:
    p1, ev, nand, clk = (_AT[name] + 145 for name in ("p1", "ev", "nand", "clk"))
    gates.inverter(c, _AT["p1"], FINGERS["p1"])
    gates.inverter(c, _AT["ev"], FINGERS["ev"])
    gates.nand(c, _AT["nand"])
    gates.inverter(c, _AT["clk"], 1)
    for name, x in (("clk", clk), ("enable", nand)):
        c.to_met1(x, Y2)
        c.to_met2(CONTROL_PINS[name][1], Y2)
    # clk inverted
    c.to_met1(clk + PITCH, Y1)
    c.to_met1(nand + 635, Y1)
    c.hline("met1", nand + 635, clk + PITCH, Y1)
    # EV inverted: from the NAND to EV's driver
    last = ev + 4 * PITCH
    c.to_met1(nand + PITCH, P1)
    c.hline("met1", last, nand + PITCH, P1)
    c.vline("met1", last, P1, Y2)
    c.hline("met1", ev, last, Y2)
    # EV: to the trunk, and to the precharge's first inverter
    first = p1 + 2 * PITCH
    for n in (1, 3):
        c.to_met1(ev + n * PITCH, P2)
    c.hline("met1", first, TRUNK, P2)
    c.to_met2(TRUNK, P2)
    c.vline("met1", first, P2, Y2)
    c.hline("met1", p1, first, Y2)
    c.to_met1(p1 + PITCH, N1)
    c.to_met2(p1 + PITCH, N1)


def _precharge(c: Pen) -> None:
    fingers = FINGERS["pre"]
    x = _X + 145
    gates.inverter(c, _X, fingers)
    c.hline("met1", x, x + fingers * PITCH, Y2, 260)
    c.to_met2(x + PITCH, Y2)
    for n in range(1, fingers, 2):
        c.to_met1(x + n * PITCH, N1)
    c.hline("met1", x + PITCH, driver.PRE_N_X, N1)
    c.to_met2(driver.PRE_N_X, N1)


def links(top: Pen, x: int, rails: tuple[int, ...]) -> None:
    """The upright wires between rows: EV, the precharge's inverter, PRE_N as far as the rows reach.

    Args:
        top: Cell to draw in.
        x: The drivers' origin.
        rails: y of the five rails, top to bottom.
    """
    ends = rails[1] + EV_Y, rails[3] - EV_Y
    top.vline("met2", x + TRUNK, ends[0], ends[1])
    node = x + _AT["p1"] + 145 + PITCH
    top.vline("met2", node, rails[3] + N1, rails[3] - Y2)


def precharge_from(rails: tuple[int, ...]) -> int:
    """y of PRE_N's driver, from where its met2 goes up."""
    return rails[3] - N1


def line_ends(rails: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """y at which the A lines of even and of odd rows end."""
    even = tuple(rails[1] + (P1, P2)[n % 2] for n in range(4))
    odd = tuple(rails[1] - (N2, N1)[n % 2] for n in range(4))
    return even, odd


def pin_ends(rails: tuple[int, ...]) -> dict[str, int]:
    """y up to which the wire of each pin reaches."""
    ends = dict.fromkeys(("clk", "enable"), rails[3] + Y2)
    for n in range(4):
        ends[f"a[{2 * n}]"], ends[f"a[{2 * n + 1}]"] = rails[1] + Y2, rails[1] - Y2
    return ends
