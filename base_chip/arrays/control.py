"""The control below the word-line drivers, in the rows of the latches.

    EV     = enable and not clk       evaluates: latches are open
    EV_A   = the same, for A lines    of its own, as the latches' load would slow it
    PRE_N  = EV, two inverters later  precharges whenever nothing is read
    LOAD_N = not PRE_N, slowly        the latches' loads pull up once bit lines had time to fall a little
    A_N    = not (EV_A and a)

Gates are inverters of some fingers, and NANDs of two, at the same rails as the latches:

    row 0  NANDs of even A lines       row 2  EV, EV_A, the NAND and the inverter of the clock
    row 1  NANDs of odd A lines        row 3  PRE_N's two inverters, LOAD_N
"""

__all__ = [
    "CONTROL_PINS",
    "FINGERS",
    "NAND_FINGERS",
    "ControlCells",
    "Lines",
    "line_ends",
    "links",
    "pin_ends",
    "precharge_from",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import klayout.db as db

from base_chip.arrays import driver, gates
from base_chip.arrays.gates import N1, N2, N_DIFFUSION, P1, P2, P_DIFFUSION, PITCH, WIDE_NAND, Y1, Y2
from base_chip.arrays.latch import EV_Y, RAIL, ROW
from base_chip.arrays.pen import Pen
from base_chip.arrays.rom_latch import LOAD_Y
from base_chip.pdk import Pdk

_X = 180 - driver.LEFT_OF_DRIVER  # leftmost diffusion, from the drivers' origin
_FIRST = _X + 145  # leftmost node
_END = _FIRST + 4 * WIDE_NAND + 145  # rails reach this far on li1
_EV, _EV_A, _LOAD = 6745, 5160, 200  # met2 of EV, EV_A and LOAD_N
Lines = Sequence[Mapping[str, int]]  # of every row: y of its met1 lines by name
FINGERS = {"ev": 2, "ev_a": 4, "p1": 2, "pre": 8, "load": 1}
NAND_FINGERS = 2


def _side_by_side(*fingers: int) -> list[int]:
    """x of the first node of gates, from the drivers' origin."""
    nodes = [_FIRST]
    for count in fingers:
        nodes.append(nodes[-1] + count * PITCH + 290 + 270)
    return nodes


_AT = dict(zip(("ev", "ev_a", "nand", "clk"), _side_by_side(2, 4, 4), strict=True))
_AT |= dict(zip(("pre", "p1", "load"), _side_by_side(8, 2), strict=True))

# x of the pins at the bottom edge: met3 of a[0..7], met2 of clk and enable
_A_EVEN = 700, 2590, 4640, 5600
_A_ODD = 1330, 1960, 3850, 6230
CONTROL_PINS: dict[str, tuple[str, int]] = {
    **{f"a[{2 * n}]": ("met3", x) for n, x in enumerate(_A_EVEN)},
    **{f"a[{2 * n + 1}]": ("met3", x) for n, x in enumerate(_A_ODD)},
    "clk": ("met2", _AT["clk"]),
    "enable": ("met2", _AT["nand"] + WIDE_NAND // 2 + 140),
}


@dataclass(frozen=True)
class ControlCells:
    """One cell a row; x from the drivers' origin, y from the row's ground rail.

    Args:
        rows: Top to bottom; odd ones are placed mirrored.
    """

    rows: tuple[Pen, ...]

    @classmethod
    def draw(cls, layout: db.Layout, name: str, pdk: Pdk, right: int, lines: Lines) -> "ControlCells":
        """Add the cells to a layout.

        Args:
            layout: The layout.
            name: Of the macro.
            pdk: Layer numbers.
            right: Where the first strap column begins.
            lines: y of EV and LOAD_N in the rows of latches that have them.
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
            _lines(c, right, lines[n])
            paint(c)
            rows.append(c)
        return cls(tuple(rows))


def _lines(c: Pen, right: int, lines: Mapping[str, int]) -> None:
    """EV's and LOAD_N's met1 of a row of latches, with their vias to met2."""
    for name, x, beside in (("ev", _EV, 100), ("load_n", _LOAD, 0)):
        if name in lines:
            c.hline("met1", x, right, lines[name])
            c.to_met2(x, lines[name] - beside)


def _even(c: Pen) -> None:
    _nands(c, _A_EVEN)
    for n, line in enumerate(driver.LINES[0]):
        _tap_line(c, _FIRST + n * WIDE_NAND + PITCH, line, (P1, P2)[n % 2])


def _odd(c: Pen) -> None:
    _nands(c, _A_ODD)
    for n, line in enumerate(driver.LINES[1]):
        _tap_line(c, _FIRST + n * WIDE_NAND + 2 * PITCH, line, (N2, N1)[n % 2])


def _nands(c: Pen, pins: tuple[int, ...]) -> None:
    """A row of four, with EV_A and an A pin each."""
    for n, pin in enumerate(pins):
        x = _FIRST + n * WIDE_NAND
        gates.wide_nand(c, x - 145)
        gate = x + WIDE_NAND // 2
        c.to_met1(gate, Y2)
        c.hline("met1", gate, pin, Y2, 260)
        c.to_met2(pin, Y2)
        c.to_met3(pin, Y2, tall=True)
    c.hline("met1", _FIRST, _FIRST + 4 * WIDE_NAND, Y1)
    c.to_met2(_EV_A, Y1)


def _tap_line(c: Pen, out: int, line: int, y: int) -> None:
    c.to_met1(out, y)
    c.hline("met1", out, line, y, 260)  # as wide as its pads: some are too near for a notch
    c.to_met2(line, y)


def _clock(c: Pen) -> None:
    ev, ev_a, nand, clk = (_AT[name] for name in ("ev", "ev_a", "nand", "clk"))
    gates.inverter(c, ev - 145, FINGERS["ev"])
    gates.inverter(c, ev_a - 145, FINGERS["ev_a"])
    gates.wide_nand(c, nand - 145)
    gates.inverter(c, clk - 145, 1)
    for gate, name in ((clk, "clk"), (nand + WIDE_NAND // 2, "enable")):
        pin = CONTROL_PINS[name][1]
        c.to_met1(gate, Y2)
        c.hline("met1", gate, pin, Y2, 260)
        c.to_met2(pin, Y2)
    # clk inverted
    c.to_met1(clk + PITCH, Y1)
    c.hline("met1", nand, clk + PITCH, Y1)
    # EV inverted: from the NAND to the drivers of EV and EV_A
    last = ev_a + 4 * PITCH
    c.to_met1(nand + PITCH, P1)
    c.hline("met1", last, nand + PITCH, P1)
    c.vline("met1", last, P1, Y2)
    c.hline("met1", ev, last, Y2)
    # EV_A
    for n in (1, 3):
        c.to_met1(ev_a + n * PITCH, P2)
    c.hline("met1", ev_a + PITCH, _EV_A, P2)
    c.to_met2(_EV_A, P2)
    # EV
    c.to_met1(ev + PITCH, N1)
    c.hline("met1", ev + PITCH, _EV, N1)
    c.vline("met1", _EV, N1, EV_Y)
    c.to_met2(_EV, EV_Y - 100)


def _precharge(c: Pen) -> None:
    pre, p1, load = (_AT[name] for name in ("pre", "p1", "load"))
    fingers = FINGERS["pre"]
    gates.inverter(c, pre - 145, fingers)
    gates.inverter(c, p1 - 145, FINGERS["p1"])
    gates.inverter(c, load - 145, FINGERS["load"])
    # EV, to the first inverter
    c.hline("met1", p1 + 2 * PITCH, _EV, P2)
    c.vline("met1", p1 + 2 * PITCH, Y2, P2)
    c.hline("met1", p1, p1 + 2 * PITCH, Y2)
    c.vline("met1", _EV, EV_Y, P2)
    c.to_met2(_EV, EV_Y - 100)
    last = pre + fingers * PITCH
    c.to_met1(p1 + PITCH, P1)
    c.hline("met1", last, p1 + PITCH, P1)
    c.vline("met1", last, P1, Y2)
    c.hline("met1", pre, last, Y2, 260)
    for n in range(1, fingers, 2):
        c.to_met1(pre + n * PITCH, N1)
    c.hline("met1", pre + PITCH, load, N1)
    c.vline("met1", load, N1, Y2)
    c.to_met2(driver.PRE_N_X, N1)
    c.to_met1(load + PITCH, LOAD_Y)
    c.hline("met1", _LOAD, load + PITCH, LOAD_Y)


def links(top: Pen, x: int, rails: tuple[int, ...], lines: Lines) -> None:
    """The upright wires between rows: EV, LOAD_N and EV_A.

    Args:
        top: Cell to draw in.
        x: The drivers' origin.
        rails: y of the five rails, top to bottom.
        lines: y of EV and LOAD_N in the rows of latches.
    """
    for line, name, y in ((_EV, "ev", EV_Y), (_LOAD, "load_n", LOAD_Y)):
        top.vline("met2", x + line, rails[1] + lines[0][name], rails[3] - y)
    top.vline("met2", x + _EV_A, rails[1] + Y1, rails[3] + P2)


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
