"""SPICE decks of an SRAM macro: a read, a write.

A deck has the control, a row of drivers, the cell at the far end of the last column and row, and the other
columns as one with transistors in parallel. Word lines and bit lines are resistors with capacitance. Of the
other rows' cells only what loads the lines is there, so leakage is not measured.
"""

__all__ = ["START_NS", "SramDeck", "SramWires", "sizes", "tagged"]

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.arrays import gates, latch
from base_chip.arrays.characterise.deck import AlongColumns, AlongRows, Ff, framed
from base_chip.arrays.spice import Devices
from base_chip.arrays.sram import cell, control, driver
from base_chip.arrays.sram.spec import BYTE, SramSpec
from base_chip.arrays.sram.spice import bit, column_foot, control_devices, drivers
from base_chip.bank.characterise.corners import Corner, mismatch
from base_chip.schema import note, parse

START_NS = 4.0  # clk begins to fall
_WP, _WN = gates.WIDTHS
_LINE_UM = {"rbl": 0.17, "wbl": 0.17, "rwl": 0.26, "wwl": 0.26}  # width


@dataclass(frozen=True)
class SramWires:
    """Capacitance of the wires of an SRAM macro."""

    rwl: Annotated[AlongColumns, note("word line that reads")]
    wwl: Annotated[AlongColumns, note("word line that writes")]
    rbl: Annotated[AlongRows, note("read bit line")]
    wbl: Annotated[AlongRows, note("each write bit line")]
    ev: Annotated[AlongColumns, note("evaluate line")]
    pre_n: Annotated[AlongColumns, note("precharge")]
    w_n: Annotated[AlongColumns, note("low while any byte is written")]
    ev_n: Annotated[AlongRows, note("clock of the drivers that read")]
    wp_n: Annotated[AlongRows, note("clock of the drivers that write")]
    a: Annotated[AlongRows, note("both lines of an address input")]
    m: Annotated[Ff, note("node m of the latch")]
    q: Annotated[Ff, note("output of the latch")]


def sizes() -> tuple[tuple[int, int], ...]:
    """Widths and lengths (nm) of the macro's transistors."""
    s = latch.SIZES
    widths = {*gates.WIDTHS, *cell.WIDTHS.values(), s.n, s.p}
    long = (s.p_weak, s.weak_length), (s.keeper, s.keeper_length), control.KEEPER
    return (*((w, 150) for w in sorted(widths)), *long)


def tagged(tag: str, lines: Iterable[str]) -> Iterator[str]:
    """Transistors, and the inner nodes of gates, with names of their own."""
    for line in lines:
        yield re.sub(r"\b(nand|nor)(\d)", rf"\1{tag}_\2", f"X{tag}_{line[1:]}")


def step(time_ns: float, edge_ns: float, before: str, after: str) -> str:
    """A source's edge, which begins at a time."""
    return f"pwl(0 {before} {time_ns}n {before} {time_ns + edge_ns}n {after})"


@dataclass(frozen=True)
class SramDeck:
    """Decks of one macro in one corner.

    Args:
        spec: The macro.
        corner: Supply and parasitics.
        late: Whether all columns work alike and the cell is the weakest, or it works alone and is typical.
        models: Transistor models.
    """

    spec: SramSpec
    corner: Corner
    late: bool
    models: str

    @functools.cached_property
    def _wires(self) -> SramWires:
        path = resources.files("base_chip.pdk").joinpath(self.spec.pdk, "sram_wires.yaml")
        return parse(path.read_text("utf-8"), SramWires, f"base_chip/pdk/{self.spec.pdk}/sram_wires.yaml")

    def read(self, slew_ns: float, load_ff: float, low_ns: float, stop_ns: float) -> str:
        """A read of a zero where q was high, then a precharge; `slew_ns` of clk from 20 to 80 %."""
        measures = [
            ".measure tran read trig v(clk) val={vdd/2} fall=1 targ v(q[0]) val={vdd/2} fall=1",
            ".measure tran transition trig v(q[0]) val={0.8*vdd} fall=1 targ v(q[0]) val={0.2*vdd} fall=1",
            ".measure tran ev trig v(clk) val={vdd/2} fall=1 targ v(ev) val={vdd/2} rise=1",
            ".measure tran word trig v(clk) val={vdd/2} fall=1 targ v(rwl_far) val={vdd/2} rise=1",
            ".measure tran line trig v(clk) val={vdd/2} fall=1 targ v(rbl0) val={vdd/2} fall=1",
            ".measure tran sensed trig v(clk) val={vdd/2} fall=1 targ v(m0) val={0.9*vdd} rise=1",
            ".measure tran charge trig v(clk) val={vdd/2} rise=1 targ v(rbl0) val={0.95*vdd} rise=1",
            f".measure tran energy integ i(Vdd) from={START_NS}n to={stop_ns}n",
            f".measure tran kept min v(m0) from={START_NS + 1.25 * low_ns}n to={stop_ns}n",
        ]
        sources = {"clk": self._pulse(slew_ns / 0.6, low_ns), "enable": "{vdd}"}
        return self._frame([*self._macro(sources, load_ff), *measures], stop_ns)

    def write(self, slew_ns: float, low_ns: float, stop_ns: float) -> str:
        """A one is written over a zero in every column; `write` and `d` come as clk falls."""
        edge = slew_ns / 0.6
        late = step(START_NS, edge, "0", "{vdd}")
        measures = [
            ".measure tran word trig v(clk) val={vdd/2} fall=1 targ v(wwl_far) val={vdd/2} rise=1",
            ".measure tran written trig v(clk) val={vdd/2} fall=1 targ v(r0) val={0.9*vdd} rise=1",
            ".measure tran closed trig v(clk) val={vdd/2} rise=1 targ v(wwl_far) val={0.1*vdd} fall=1",
        ]
        data = dict.fromkeys(("write[0]", "write[1]", "d[0]", "d[8]"), late)
        sources = {"clk": self._pulse(edge, low_ns), **data}
        return self._frame([*self._macro(sources, 5.0), *measures], stop_ns)

    def _pulse(self, edge: float, low_ns: float) -> str:
        back = START_NS + low_ns
        return f"pwl(0 {{vdd}} {START_NS}n {{vdd}} {START_NS + edge}n 0 {back}n 0 {back + edge}n {{vdd}})"

    def _macro(self, sources: dict[str, str], load_ff: float) -> Iterator[str]:
        """All of it: the column that is looked at, and the rest as column 8."""
        yield from self._periphery(sources)
        for column, count in ((0, 1), (BYTE, self.spec.bits - 1)):
            devices = Devices(self.spec, simulated=True, count=count)
            value = 0 if self.late or column == 0 else 1
            yield from tagged(f"c{column}", self._column(devices, column, count, value))
            yield from self._nodes(column, count, load_ff, value)
        for pin in ("d[0]", "d[8]"):
            yield f"V{pin[2]}d {pin} 0 {sources.get(pin, '0')}"

    def _column(self, devices: Devices, column: int, count: int, stored: int) -> Iterator[str]:
        """A column's cell at the top, its foot, and the other rows as loads."""
        left, right, far = f"l{column}", f"r{column}", f"{column}_far"
        where = "far" if column == 0 else "mid"
        weak = column == 0 and self.late
        rwl, wwl = (f"{line}_{'weak' if weak else where}" for line in ("rwl", "wwl"))
        for line in bit(devices, left, right, rwl, wwl, far):
            yield line.replace(f" m{left} {left} VGND", f" m{left} {left}_weak VGND") if weak else line
        yield from column_foot(devices, column)
        other = Devices(self.spec, simulated=True, count=count * (self.spec.words - 1))
        width = cell.WIDTHS
        for line in ("rbl", "wbl", "wblb"):
            size = width["read" if line == "rbl" else "access"]
            yield other.n(f"{line}{far}", "VGND", "VGND", size).replace("X", "Xoff_")

    def _nodes(self, column: int, count: int, load_ff: float, stored: int) -> Iterator[str]:
        """Wires of a column, and where its latches stand to begin with."""
        wires, rows, far = self._wires, self.spec.words, f"{column}_far"
        for line, size in (("rbl", wires.rbl), ("wbl", wires.wbl), ("wblb", wires.wbl)):
            half = (size.end + size.row * rows) / 2 * count
            ohm = self._ohm("rbl", rows * cell.HEIGHT, "met1") / count
            yield f"R{line}{column} {line}{far} {line}{column} {ohm:.4g}"
            yield f"C{line}{column}a {line}{far} 0 {half:.4f}f"
            yield f"C{line}{column}b {line}{column} 0 {half:.4f}f"
        yield f"Cm{column} m{column} 0 {wires.m * count:.4f}f"
        yield f"Cq{column} q[{column}] 0 {(wires.q + load_ff) * count:.4f}f"
        if column == 0 and self.late:
            shift = self._shift()
            yield from (
                f"V{a}weak {a}_far {a}_weak {shift['access' if a == 'wwl' else 'read']:.5f}"
                for a in ("rwl", "wwl")
            )
            yield f"Vlweak l0 l0_weak {shift['read']:.5f}"
        high = {1: "{vdd}", 0: "0"}
        yield f".nodeset v(l{column})={high[1 - stored]} v(r{column})={high[stored]}"
        yield f".nodeset v(m{column})=0 v(q[{column}])={{vdd}}"

    def _shift(self) -> dict[str, float]:
        """Threshold by which the weakest cell's transistors differ, V: two of them share the sigmas."""
        local = mismatch(self.spec.pdk)
        return {
            name: local.volt_um / math.sqrt(width * 150 / 1e6) * local.sigmas / math.sqrt(2)
            for name, width in cell.WIDTHS.items()
        }

    def _periphery(self, sources: dict[str, str]) -> Iterator[str]:
        """Control, the buffers, one row of drivers and the word lines; other rows are loads."""
        spec, wires = self.spec, self._wires
        defaults = {
            "clk": "{vdd}", "enable": "0", "b_n[0]": "0", "write[0]": "0", "write[1]": "0",
            "a[0]": "{vdd}",
        }  # fmt: skip
        for n, (pin, level) in enumerate(defaults.items()):
            yield f"Vin{n} {pin} 0 {sources.get(pin, level)}"
        one = Devices(spec, simulated=True)
        # of buffers and word lines the first alone: the others keep their level
        idle = re.compile(r" (?:a_n|A|rwl|wwl)[1-7] ")
        own = (*tagged("p", control_devices(one)), *tagged("d", drivers(one, 0)))
        yield from (line for line in own if not idle.match(line[line.index(" ") :]))
        yield from (f"VA{n} A{n} 0 0" for n in range(1, driver.ROWS))
        yield from tagged("w", [one.n("w_n", "write[0]", "VGND", _WN)])
        rest = Devices(spec, simulated=True, count=max(spec.bytes - 1, 1))
        yield from tagged("v", [rest.n("w_n", "write[1]", "VGND", _WN)])
        rows = spec.words // driver.ROWS
        others = Devices(spec, simulated=True, count=max(rows - 1, 1))
        for tag, clock in (("e", "ev_n"), ("f", "wp_n")):
            yield from tagged(tag, others.nor(clock, "VPWR", f"idle_{tag}", _WP, _WN))
        same = Devices(spec, simulated=True, count=max(2 * spec.groups - 2, 1))
        yield from tagged("g", same.nand("A0", "VGND", "idle_g", _WP, _WN))
        for node, along in (("ev", wires.ev), ("pre_n", wires.pre_n), ("w_n", wires.w_n)):
            yield f"C{node} {node} 0 {along.end + along.column * spec.bits:.4f}f"
        for node, past in (("ev_n", wires.ev_n), ("wp_n", wires.wp_n), ("A0", wires.a)):
            yield f"C{node} {node} 0 {past.end + past.row * spec.words:.4f}f"
        for line, word in (("rwl", wires.rwl), ("wwl", wires.wwl)):
            third = (word.end + word.column * spec.bits) / 3
            ohm = self._ohm(line, spec.bits * cell.WIDTH, "met2") / 2
            nodes = f"{line}0", f"{line}_mid", f"{line}_far"
            yield from (f"R{a} {a} {b} {ohm:.4g}" for a, b in itertools.pairwise(nodes))
            yield from (f"C{a} {a} 0 {third:.4f}f" for a in nodes)

    def _ohm(self, line: str, length_nm: int, layer: str) -> float:
        return float(self.corner.wires.ohms[layer] * length_nm / 1000 / _LINE_UM[line])

    def _frame(self, lines: Iterable[str], stop_ns: float) -> str:
        title = f"{self.spec.name}, {self.corner.name}, {'late' if self.late else 'early'}"
        return framed(title, self.corner, self.models, lines, stop_ns)
