"""SPICE decks of an SRAM macro: a read, a write, a bit line that must stay high, an input that moves.

A deck has the control, a row of drivers, the cell at the far end of the last column and row, and the other
columns as one with transistors in parallel. Word lines and bit lines are resistors with capacitance. Of the
other rows' cells only what loads the lines is there.
"""

__all__ = ["OPENED", "SramDeck", "SramWires", "sizes", "step", "tagged"]

import functools
import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.arrays import gates
from base_chip.arrays.characterise.deck import SLEW_NS, START_NS, AlongColumns, AlongRows, Ff, framed
from base_chip.arrays.spice import Devices
from base_chip.arrays.sram import cell, control, driver, latch
from base_chip.arrays.sram.plan import STRAP, SramPlan
from base_chip.arrays.sram.spec import BYTE, SramSpec
from base_chip.arrays.sram.spice import bit, column_foot, control_devices, drivers
from base_chip.bank.characterise.corners import Corner, mismatch
from base_chip.schema import note, parse

_WP, _WN = gates.WIDTHS
# What inputs open: the gates where they meet the clock, and both ends of a write bit line.
OPENED = {
    "clk": ("wwl_far", "b_rwl0", "b_wwl0", "rwl_n0", "wwl_n0", "ev_0"),
    "a[0]": ("rwl_n0", "wwl_n0"),
    "b_n[0]": ("b_rwl0", "b_wwl0"),
    "enable": ("ev_0",),
    "write[0]": ("wblb0", "wblb0_far"),
}
_LOW = "rwl_n0", "wwl_n0", "ev_0", "wblb0", "wblb0_far"  # open when low
_TOGETHER = {"write[0]": ("write[1]",)}
_LINE_UM = {"rbl": 0.17, "wbl": 0.17, "rwl": 0.26, "wwl": 0.26}  # width


@dataclass(frozen=True)
class SramWires:
    """Capacitance of the wires of an SRAM macro."""

    rwl: Annotated[AlongColumns, note("word line that reads")]
    wwl: Annotated[AlongColumns, note("word line that writes")]
    rbl: Annotated[AlongRows, note("read bit line")]
    beside: Annotated[Ff, note("per row, from a read bit line to all others, which is part of rbl")]
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
        yield re.sub(r"\b(nand|nor)(\d)", rf"\1{tag}_\2", f"{line[0]}{tag}_{line[1:]}")


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

    def dip(self, load_ff: float, low_ns: float, stop_ns: float) -> str:
        """The same, with the supply's straps between the macro and a chip's strap across its middle."""
        plan = SramPlan(self.spec)
        squares = plan.height / 2 / STRAP / (1 + len(plan.strap_x["VPWR"]))
        text = self.read(SLEW_NS, load_ff, low_ns, stop_ns)
        grid = f"Vdd grid 0 {{vdd}}\nRgrid grid vdd {self.corner.wires.ohms['met4'] * squares:.4g}"
        lowest = f".measure tran dip min v(vdd) from={START_NS + low_ns}n to={stop_ns}n"
        return text.replace("Vdd vdd 0 {vdd}", f"{grid}\n{lowest}")

    def early(self, slew_ns: float, load_ff: float, stop_ns: float) -> str:
        """The soonest that q moves: it was low, and rises as the latch opens on a bit line that is high."""
        measures = [
            ".measure tran open trig v(clk) val={vdd/2} fall=1 targ v(q[0]) val={vdd/2} rise=1",
            ".measure tran transition trig v(q[0]) val={0.2*vdd} rise=1 targ v(q[0]) val={0.8*vdd} rise=1",
        ]
        sources = {"clk": step(START_NS, slew_ns / 0.6, "{vdd}", "0"), "enable": "{vdd}"}
        return self._frame([*self._macro(sources, load_ff, (1, 1), was=0), *measures], stop_ns)

    def quiet(self, load_ff: float, stop_ns: float) -> str:
        """A bit line that must stay high while all others fall."""
        sources = {"clk": step(START_NS, SLEW_NS, "{vdd}", "0"), "enable": "{vdd}"}
        coupled = self._wires.beside * self.spec.words
        kept = f".measure tran kept min v(rbl0_far) from={START_NS}n to={stop_ns}n"
        lines = [*self._macro(sources, load_ff, (1, 0), beside_ff=coupled), kept]
        return self._frame([*lines, f"Cbeside rbl0_far rbl{BYTE}_far {coupled:.4f}f"], stop_ns)

    def moved(self, pin: str, slews_ns: tuple[float, float], high_ns: float, stop_ns: float) -> str:
        """An input alone goes to its active level for `high_ns` and back; the others let it work.

        Measured from the middle of its edges: when a line that it opens leaves its level, `on_<node>`, and
        when it is back, `off_<node>`, within 10 % of the supply.

        Args:
            pin: One of `OPENED`.
            slews_ns: Of both edges, 20 to 80 %.
            high_ns: For which it is active.
            stop_ns: End of the simulation.
        """
        on, off = (slew / 0.6 for slew in slews_ns)
        back = START_NS + high_ns
        low = pin in ("clk", "b_n[0]")  # active
        rest, active = ("{vdd}", "0") if low else ("0", "{vdd}")
        ends = f"{START_NS}n {rest} {START_NS + on}n {active} {back}n {active} {back + off}n {rest}"
        # with clk high no cell pulls at the write bit lines
        clk = "{vdd}" if OPENED[pin][0].startswith("wbl") else "0"
        sources = {"clk": clk, "enable": "{vdd}", "write[0]": "{vdd}", "write[1]": "{vdd}"}
        sources |= dict.fromkeys((pin, *_TOGETHER.get(pin, ())), f"pwl(0 {rest} {ends})")
        lines = [*self._macro(sources, 5.0, (0, 0))]
        for node in OPENED[pin]:
            level, edges = ("0.9", ("fall", "rise")) if node in _LOW else ("0.1", ("rise", "fall"))
            for name, edge, way in zip(
                ("on", "off"), ("fall", "rise") if low else ("rise", "fall"), edges, strict=True
            ):
                of, to = (
                    f"trig v({pin}) val={{vdd/2}} {edge}=1",
                    f"targ v({node}) val={{{level}*vdd}} {way}=1",
                )
                lines.append(f".measure tran {name}_{node} {of} {to}")
        return self._frame(lines, stop_ns)

    def write(self, slew_ns: float, low_ns: float, stop_ns: float) -> str:
        """A one is written over a zero in every column; `write` and `d` come with clk, and go later."""
        edge, end = slew_ns / 0.6, START_NS + 1.3 * low_ns
        late = f"pwl(0 0 {START_NS}n 0 {START_NS + edge}n {{vdd}} {end}n {{vdd}} {end + edge}n 0)"
        measures = [
            ".measure tran word trig v(clk) val={vdd/2} fall=1 targ v(wwl_far) val={vdd/2} rise=1",
            ".measure tran written trig v(clk) val={vdd/2} fall=1 targ v(r0) val={0.9*vdd} rise=1",
            ".measure tran closed trig v(clk) val={vdd/2} rise=1 targ v(wwl_far) val={0.1*vdd} fall=1",
            f".measure tran energy integ i(Vdd) from={START_NS}n to={stop_ns}n",
        ]
        data = dict.fromkeys(("write[0]", "write[1]", "d[0]", "d[8]"), late)
        sources = {"clk": self._pulse(edge, low_ns), **data}
        return self._frame([*self._macro(sources, 5.0), *measures], stop_ns)

    def overwritten(self, pin: str, after_ns: float, slew_ns: float, low_ns: float, stop_ns: float) -> str:
        """A write line closes, and a bit line begins to write the other value; `high`: what a cell keeps.

        Another byte of the word is written, or this one (`d[0]`); the cell is the one whose line closes last,
        and its access transistors conduct better than any other's.

        Args:
            pin: What starts the bit line: `write[0]`, or `d[0]` while `write` stays.
            after_ns: When, from the middle of clk's rising edge on.
            slew_ns: Of that edge, 20 to 80 %.
            low_ns: For which clk is low before it.
            stop_ns: End of the simulation.
        """
        edge = slew_ns / 0.6
        at = START_NS + low_ns + edge / 2 + after_ns
        starts, ends = ("0", "{vdd}"), ("{vdd}", "0")
        sources = {"clk": self._pulse(edge, low_ns), "write[1]": "{vdd}", "d[0]": "0", "write[0]": "{vdd}"}
        sources[pin] = step(at, SLEW_NS / 0.6 / 5, *(starts if pin == "write[0]" else ends))
        lines = self._macro(sources, 5.0, (1, 1), strong=True)
        return self._frame([*lines, f".measure tran high min v(r0) from={START_NS}n to={stop_ns}n"], stop_ns)

    def _pulse(self, edge: float, low_ns: float) -> str:
        back = START_NS + low_ns
        return f"pwl(0 {{vdd}} {START_NS}n {{vdd}} {START_NS + edge}n 0 {back}n 0 {back + edge}n {{vdd}})"

    def _macro(
        self, sources: dict[str, str], load_ff: float, stored: tuple[int, int] | None = None, was: int = 1,
        beside_ff: float = 0, strong: bool = False,
    ) -> Iterator[str]:  # fmt: skip
        """All of it: the column that is looked at, and the rest as column 8.

        Args:
            sources: Of inputs that do not rest.
            load_ff: At every output.
            stored: Bits of that column and of the rest; None for a zero, and ones if it works alone.
            was: What q shows to begin with.
            beside_ff: Of the bit line's wire, what does not lead to ground.
            strong: The cell's access transistors conduct better than others, not worse.
        """
        yield from self._periphery(sources)
        values = stored or (0, 0 if self.late else 1)
        for column, count, value in ((0, 1, values[0]), (BYTE, self.spec.bits - 1, values[1])):
            devices = Devices(self.spec, simulated=True, count=count)
            yield from tagged(f"c{column}", self._column(devices, column, count))
            yield from self._nodes(column, count, 0 if column else beside_ff, -1 if strong else 1)
            yield f"Cm{column} m{column} 0 {self._wires.m * count:.4f}f"
            yield f"Cq{column} q[{column}] 0 {(self._wires.q + load_ff) * count:.4f}f"
            high = {1: "{vdd}", 0: "0"}
            yield f".nodeset v(l{column})={high[1 - value]} v(r{column})={high[value]}"
            yield f".nodeset v(m{column})={high[1 - was]} v(q[{column}])={high[was]}"
        for pin in ("d[0]", "d[8]"):
            yield f"V{pin[2]}d {pin} 0 {sources.get(pin, '0')}"

    def _column(self, devices: Devices, column: int, count: int) -> Iterator[str]:
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

    def _nodes(self, column: int, count: int, beside_ff: float, way: int) -> Iterator[str]:
        """Wires of a column, and by how much the weakest cell differs."""
        wires, rows, far = self._wires, self.spec.words, f"{column}_far"
        for line, size in (("rbl", wires.rbl), ("wbl", wires.wbl), ("wblb", wires.wbl)):
            half = (size.end + size.row * rows - beside_ff * (line == "rbl")) / 2 * count
            ohm = self._ohm("rbl", rows * cell.HEIGHT, "met1") / count
            yield f"R{line}{column} {line}{far} {line}{column} {ohm:.4g}"
            yield f"C{line}{column}a {line}{far} 0 {half:.4f}f"
            yield f"C{line}{column}b {line}{column} 0 {half:.4f}f"
        if column == 0 and self.late:
            shift = self._shift()
            yield from (
                f"V{a}weak {a}_far {a}_weak {way * shift['access' if a == 'wwl' else 'read']:.5f}"
                for a in ("rwl", "wwl")
            )
            yield f"Vlweak l0 l0_weak {shift['read']:.5f}"

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
