"""SPICE decks of a ROM macro: a whole cycle, a bit line that must stay high, inputs that move too early."""

__all__ = [
    "SLEW_NS",
    "START_NS",
    "AlongColumns",
    "AlongRows",
    "Ff",
    "MacroWires",
    "RomDeck",
    "framed",
    "sizes",
]

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.arrays import driver, gates, rom_latch, rom_mux
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import Devices, control_devices
from base_chip.bank.characterise.column import Column
from base_chip.bank.characterise.corners import Corner
from base_chip.bank.characterise.deck import Deck
from base_chip.schema import note, parse

START_NS = 4.0  # clk begins to fall
_STEP_NS = 0.05
SLEW_NS = 0.5  # of clk where it does not matter
_HALF = driver.HEADER // 2  # of the shared p transistor: the other half is farther from a row at one end


Ff = Annotated[float, note(unit="fF", ge=0)]


@dataclass(frozen=True)
class AlongRows:
    """A wire past all rows."""

    end: Annotated[Ff, note("once")]
    row: Annotated[Ff, note("per row")]


@dataclass(frozen=True)
class AlongColumns:
    """A wire past all columns."""

    end: Annotated[Ff, note("once")]
    column: Annotated[Ff, note("per column")]


@dataclass(frozen=True)
class FootWires:
    """Capacitance of the wires of latches."""

    ev: Annotated[AlongColumns, note("evaluate line")]
    load_n: Annotated[AlongColumns, note("line of the latches' loads")]
    m: Annotated[Ff, note("node m of a latch")]
    f: Annotated[Ff, note("node that selected bit lines share")]
    q: Annotated[Ff, note("output of a latch")]


@dataclass(frozen=True)
class MacroWires:
    """Capacitance of the wires around the array of a ROM macro."""

    a_line: Annotated[AlongRows, note("line of the one-hot address")]
    ev_a: Annotated[Ff, note("evaluate line of the A lines")]
    pre_n: Annotated[AlongRows, note("precharge")]
    word_line: Annotated[Ff, note("from the driver to the poly")]
    bit_line: Annotated[Ff, note("below the array, to the latch")]
    single: Annotated[FootWires, note("a latch a bit line")]
    shared: Annotated[FootWires, note("a latch for four bit lines")]


def sizes() -> tuple[tuple[int, int], ...]:
    """Widths and lengths (nm) of the periphery's transistors."""
    single, shared = rom_latch.SIZES, rom_mux.SIZES
    widths = (
        *driver.WIDTHS,
        *gates.WIDTHS,
        single.n,
        single.n_out,
        single.p_out,
        _HALF,
        shared.n,
        shared.p_out,
    )
    lengths = [(s.p_weak, s.weak_length) for s in (single, shared)]
    lengths += [(s.load, s.load_length) for s in (single, shared)]
    lengths += [(s.keeper, s.keeper_length) for s in (single, shared)]
    return (*((w, 150) for w in widths), *lengths)


def latch_devices(
    devices: Devices, spec: RomSpec, tag: str, line: str, second: str = "VPWR", selects: str = ""
) -> Iterator[str]:
    """A latch; its nodes begin with `tag`.

    Args:
        devices: Writes transistors.
        spec: The macro.
        tag: Of the nodes m, f and q.
        line: The bit line that is selected; a shared latch's others stay high.
        second: The bit line beside it, of a shared latch.
        selects: Begins the names of their selects, 0 and 1; by default the first is selected.
    """
    m, f, q = (f"{tag}{node}" for node in "mfq")
    if spec.mux == 1:
        yield from devices.rom_latch(line, m, f"{tag}e", q)
        return
    chosen = (f"{selects}0", f"{selects}1") if selects else ("VPWR", "VGND")
    for n in range(spec.mux):
        bit_line, select = ((line, second)[n], chosen[n]) if n < 2 else ("VPWR", "VGND")
        yield from devices.mux_column(bit_line, select, f"{tag}e{n}", m, f)
    yield from devices.mux_latch(m, f, f"{tag}h", q)


def _ramp(middle_ns: float, edge_ns: float, before: str, after: str) -> str:
    begin = middle_ns - edge_ns / 2
    return f"pwl(0 {before} {begin}n {before} {begin + edge_ns}n {after})"


@dataclass(frozen=True)
class RomDeck:
    """Decks of one macro in one corner.

    Args:
        spec: The macro.
        corner: Supply and parasitics.
        late: Whether the column that is looked at is the slowest or the fastest there is.
        models: Transistor models.
    """

    spec: RomSpec
    corner: Corner
    late: bool
    models: str

    @functools.cached_property
    def _wires(self) -> MacroWires:
        path = resources.files("base_chip.pdk").joinpath(self.spec.pdk, "macro_wires.yaml")
        return parse(path.read_text("utf-8"), MacroWires, f"base_chip/pdk/{self.spec.pdk}/macro_wires.yaml")

    @property
    def _foot(self) -> FootWires:
        return self._wires.single if self.spec.mux == 1 else self._wires.shared

    @property
    def column(self) -> Column:
        """The bit line."""
        return Column(self.spec.array, self.corner, self.late)

    def cycle(self, slew_ns: float, load_ff: float, low_ns: float, stop_ns: float) -> str:
        """A read of a via where q was high, then a precharge.

        Late: all bit lines fall, and the farthest is measured. Early: the nearest falls alone.

        Args:
            slew_ns: Of clk, 20 to 80 %.
            load_ff: At every output.
            low_ns: For which clk is low.
            stop_ns: End of the simulation.
        """
        edge = slew_ns / 0.6
        back = START_NS + low_ns
        falls = f"{START_NS}n {{vdd}} {START_NS + edge}n 0"
        clk = f"Vclk clk 0 pwl(0 {{vdd}} {falls} {back}n 0 {back + edge}n {{vdd}})"
        half, high = "{vdd/2}", "{0.95*vdd}"
        measures = [
            f".measure tran read trig v(clk) val={half} fall=1 targ v(q) val={half} fall=1",
            ".measure tran transition trig v(q) val={0.8*vdd} fall=1 targ v(q) val={0.2*vdd} fall=1",
            f".measure tran ev trig v(clk) val={half} fall=1 targ v(ev) val={half} rise=1",
            f".measure tran word trig v(clk) val={half} fall=1 targ v(in) val={half} rise=1",
            f".measure tran sensed trig v(clk) val={half} fall=1 targ v(m) val={{0.9*vdd}} rise=1",
            f".measure tran off trig v(clk) val={half} rise=1 targ v(a_n0) val={{0.9*vdd}} rise=1",
            f".measure tran charge trig v(clk) val={half} rise=1 targ v(out) val={high} rise=1",
            f".measure tran leakage avg i(Vdd) from={START_NS / 2}n to={START_NS - 0.2}n",
            f".measure tran energy integ i(Vdd) from={START_NS}n to={stop_ns}n",
            f".measure tran kept min v(m) from={back + low_ns / 4}n to={stop_ns}n",
        ]
        return self._frame([clk, "Va a[0] 0 {vdd}", *self._macro(load_ff), *measures], stop_ns)

    def dip(self, load_ff: float, low_ns: float, stop_ns: float) -> str:
        """The same cycle, with the supply's straps between the macro and a chip's strap across its middle."""
        plan = RomPlan(self.spec.array)
        squares = plan.height / 2 / plan.dims.strap / len(plan.supply_x)
        text = self.cycle(SLEW_NS, load_ff, low_ns, stop_ns)
        grid = f"Vdd grid 0 {{vdd}}\nRgrid grid vdd {self.corner.wires.ohms['met4'] * squares:.4g}"
        lowest = f".measure tran dip min v(vdd) from={START_NS + low_ns}n to={stop_ns}n"
        return text.replace("Vdd vdd 0 {vdd}", f"{grid}\n{lowest}")

    def early(self, slew_ns: float, load_ff: float, stop_ns: float) -> str:
        """The soonest that q moves: it was low, and rises as the latch opens on a bit line that is high."""
        edge = slew_ns / 0.6
        clk = f"Vclk clk 0 pwl(0 {{vdd}} {START_NS}n {{vdd}} {START_NS + edge}n 0)"
        measures = [
            ".measure tran open trig v(clk) val={vdd/2} fall=1 targ v(q) val={vdd/2} rise=1",
            ".measure tran transition trig v(q) val={0.2*vdd} rise=1 targ v(q) val={0.8*vdd} rise=1",
        ]
        return self._frame([clk, "Va a[0] 0 0", *self._macro(load_ff, was="low"), *measures], stop_ns)

    def hold(self, load_ff: float, stop_ns: float) -> str:
        """A bit line that must stay high, while both beside it fall as a real read makes them fall.

        There are vias at every other row or, early, none but those that are read: then all is at its fastest,
        and the bit line has little but its neighbours. Where four share a latch, one of the two beside it is
        in its own group and not selected, so its keeper stays on; the other's turns off as it is read.
        """
        column = self.column
        grounded = 2 * column.neighbour_ff() if self.late else 0  # which the column counts as wire to ground
        coupled = column.neighbour_ff()
        fast = 0.0 if self.late else column.shift()
        around = (
            [
                *self._latch("", "out", 1, load_ff),
                *self._latch("r", "right", 1, load_ff),
                *self._latch("s", "vdd", self.spec.outputs - 3, load_ff),
            ]
            if self.spec.mux == 1
            else [
                *self._latch("", "out", 1, load_ff, second="right"),
                *self._latch("s", "vdd", self.spec.outputs - 2, load_ff),
            ]
        )
        lines = [
            f"Vclk clk 0 pwl(0 {{vdd}} {START_NS}n {{vdd}} {START_NS + 0.1}n 0)",
            "Va a[0] 0 {vdd}",
            *self._periphery(),
            *column.subcircuit("beside", 1, self._wires.bit_line - grounded / 2, fast),
            *column.subcircuit("held", 1, self._wires.bit_line - grounded),
            "Xleft in pre_n vdd left beside",
            "Xright in pre_n vdd right beside",
            "Xheld 0 pre_n vdd out held",
            f"Cleft left out {coupled:.4f}f",
            f"Cright right out {coupled:.4f}f",
            *self._latch("l", "left", 1, load_ff),
            *around,
            f".measure tran kept min v(out) from={START_NS}n to={stop_ns}n",
        ]
        return self._frame(lines, stop_ns)

    def moved(self, pin: str, after_ns: float, slew_ns: float, stop_ns: float, *, falls: bool) -> str:
        """A pin moves near an edge of clk: what was not selected while clk was low must not wake.

        As clk falls, the pin leaves the word that it selects; as clk rises, it comes to a word. Observed is
        the word line, and EV for `enable`.

        Args:
            pin: "a[0]", "b_n" or "enable".
            after_ns: From clk at half the supply to the pin at half.
            slew_ns: Of the slower of the two: the pin's if clk falls, clk's if it rises.
            stop_ns: End of the simulation.
            falls: Whether clk falls.
        """
        sharp, slow = 0.16, slew_ns / 0.6
        on, off = ("0", "{vdd}") if pin == "b_n" else ("{vdd}", "0")
        if falls:
            clk, moving = _ramp(START_NS, sharp, "{vdd}", "0"), _ramp(START_NS + after_ns, slow, on, off)
        else:
            clk, moving = _ramp(START_NS, slow, "0", "{vdd}"), _ramp(START_NS + after_ns, sharp, off, on)
        lines = [
            f"Vclk clk 0 {clk}",
            f"Va a[0] 0 {moving if pin == 'a[0]' else '{vdd}'}",
            *self._periphery({pin: moving}),
            "Cword in 0 20f",
            f".measure tran peak max v({'ev' if pin == 'enable' else 'in'}) from=0 to={stop_ns}n",
        ]
        return self._frame(lines, stop_ns)

    def reselected(
        self, after_ns: float, slew_ns: float, stop_ns: float, *, falls: bool, reads_one: bool
    ) -> str:
        """Select moves near an edge of clk from one column to the other: q must not move.

        As clk falls, all bit lines are high. As clk rises, the column that is left was read, and the other's
        bit line is at the opposite level.

        Args:
            after_ns: From clk at half the supply to select at half.
            slew_ns: Of the slower of the two: select's if clk falls, clk's if it rises.
            stop_ns: End of the simulation.
            falls: Whether clk falls.
            reads_one: What q holds.
        """
        sharp, slow = 0.16, slew_ns / 0.6
        edges, ends = ((sharp, slow), ("{vdd}", "0")) if falls else ((slow, sharp), ("0", "{vdd}"))
        levels = ("VPWR", "VPWR") if falls else ("VPWR", "VGND") if reads_one else ("VGND", "VPWR")
        away, to = (_ramp(START_NS + after_ns, edges[1], *way) for way in (("{vdd}", "0"), ("0", "{vdd}")))
        lines = [
            f"Vclk clk 0 {_ramp(START_NS, edges[0], *ends)}",
            "Va a[0] 0 0",
            *self._periphery(),
            f"Vs0 s0 0 {away}",
            f"Vs1 s1 0 {to}",
            *self._latch("s", "vdd", self.spec.outputs - 1, 0),
            *self._latch("", levels[0], 1, 0, "high" if reads_one else "low", second=levels[1], selects="s"),
            f"Bmoved moved 0 v={{{'vdd - v(q)' if reads_one else 'v(q)'}}}",
            f".measure tran peak max v(moved) from=0 to={stop_ns}n",
        ]
        return self._frame(lines, stop_ns)

    def _macro(self, load_ff: float, was: str = "high") -> Iterator[str]:
        """The periphery, the word line as a ladder with its bit lines, and latches."""
        yield from self._periphery()
        column = self.column
        for line in Deck(column, "").word_line(self._wires.bit_line):
            if not line.startswith(".measure"):
                yield line.replace(" pre vdd ", " pre_n vdd ") if line.startswith("X") else line
        # those of the other bit lines load EV and LOAD_N
        yield from self._latch("s", "vdd", self.spec.outputs - 1, load_ff, was)
        yield from self._latch("", "out", 1, load_ff, was)

    def _latch(
        self, tag: str, line: str, count: int, load_ff: float, was: str = "high", **other: str
    ) -> Iterator[str]:
        m, f, q = (f"{tag}{node}" for node in "mfq")
        devices = Devices(self.spec, simulated=True, count=count)
        for device in latch_devices(devices, self.spec, tag, line, **other):
            yield f"Xl{tag}_{device[1:]}"
        if self.spec.mux > 1:
            yield f"C{tag}f {f} 0 {self._foot.f * count:.4f}f"
        yield f"C{tag}m {m} 0 {self._foot.m * count:.4f}f"
        yield f"C{tag}q {q} 0 {(self._foot.q + load_ff) * count:.4f}f"
        levels = ("0", "{vdd}") if was == "high" else ("{vdd}", "0")
        yield f".nodeset v({m})={levels[0]} v({q})={levels[1]}"

    def _periphery(self, moving: dict[str, str] | None = None) -> Iterator[str]:
        """Control, A line, and the driver whose output is `in`; other rows and groups are loads."""
        moving = moving or {}
        one = Devices(self.spec, simulated=True)
        yield f"Venable enable 0 {moving.get('enable', '{vdd}')}"
        yield f"Vb b_n 0 {moving.get('b_n', '0')}"
        for row in range(1, driver.GROUP_ROWS):
            yield f"Va{row} a[{row}] 0 0"
        for line in control_devices(one):
            yield line.replace(" a_n0 ", " a_near ").replace("pre_n", "pre_near")
        rows, bits = self.spec.words, self.spec.bits
        sheet = self.corner.wires.ohms["met2"]
        height = rows * 0.69
        yield f"Ra a_near a_n0 {sheet * height / 0.14:.4g}"
        a_line = self._wires.a_line
        for node in ("a_near", "a_n0"):
            yield f"C{node} {node} 0 {(a_line.end + a_line.row * rows) / 2:.4f}f"
        for name, wire in (("ev", self._foot.ev), ("load_n", self._foot.load_n)):
            yield f"C{name} {name} 0 {wire.end + wire.column * bits:.4f}f"
        yield f"Cev_a ev_a 0 {self._wires.ev_a}f"
        yield f"Rpre pre_near pre_n {sheet * height / 0.14:.4g}"
        yield f"Cpre pre_n 0 {self._wires.pre_n.end + self._wires.pre_n.row * rows:.4f}f"
        yield f"Cwires pre_n 0 {self.corner.wires.line('precharge', 'column', bits):.4f}f"
        # the driver, three rows beside it that are not read, and the other groups on its A line
        yield one.p("x", "b_n", "VPWR", _HALF)
        yield one.p("x_far", "b_n", "VPWR", _HALF)
        yield f"Rx x x_far {self.corner.wires.ohms['pdiff'] * 2 * driver.PAIR / driver.SHARED_STRIP:.4g}"
        yield from one.driver("a_n0", "b_n", "x", "in")
        yield f"Cin in 0 {self._wires.word_line}f"
        for row in range(1, 4):
            yield from one.driver(f"a_n{row}", "b_n", "x", f"off{row}")
        other = Devices(self.spec, simulated=True, count=max(self.spec.groups - 1, 1))
        for line in (other.p("y", "VPWR", "VPWR", _HALF), *other.driver("a_n0", "VPWR", "y", "others")):
            yield f"Xg{line[1:]}"

    def _frame(self, lines: Iterable[str], stop_ns: float) -> str:
        title = f"{self.spec.name}, {self.corner.name}, {'late' if self.late else 'early'}"
        return framed(title, self.corner, self.models, lines, stop_ns)


def framed(title: str, corner: Corner, models: str, lines: Iterable[str], stop_ns: float) -> str:
    """A deck around sources, transistors and measures: title, models, supplies, and how long it runs."""
    return "\n".join(
        [
            f"* {title}",
            f".param vdd={corner.volts}",
            models,
            ".option scale=1.0u",
            ".global VPWR VGND",
            f".temp {corner.celsius}",
            "Vdd vdd 0 {vdd}",
            "Vpwr VPWR vdd 0",
            "Vgnd VGND 0 0",
            *lines,
            f".tran {_STEP_NS}n {stop_ns}n 0 {4 * _STEP_NS}n",
            ".end",
            "",
        ]
    )
