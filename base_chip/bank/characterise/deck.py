"""SPICE decks of a bank: one read, one precharge, and one bit line that must keep its level."""

__all__ = ["START_NS", "Deck"]

from collections.abc import Iterator
from dataclasses import dataclass

from base_chip.bank.characterise.column import Column
from base_chip.bank.plan import BankPlan

START_NS = 1.0  # the input begins to move
_SECTIONS = 16  # of the word line's ladder; 32 change the far end's delay by less than 1 %
_STEP_NS = 0.02
_BEFORE = f"{START_NS / 5}n 0 {START_NS / 4}n {{vdd}}"  # precharge ends a little before the input moves
_LEVELS = (20, 25, 50, 75, 80, 95)  # percent of the supply, of a rising bit line; a falling one the rest


@dataclass(frozen=True)
class Deck:
    """Decks of one bank in one corner.

    Args:
        column: The bit line that is measured, which also says whether late or early.
        models: Transistor models.
    """

    column: Column
    models: str

    def read(self, slew_ns: float, load_ff: float, stop_ns: float) -> str:
        """WL rises, BL falls.

        Late: all bit lines fall, and the farthest is measured. Early: the nearest falls alone.

        Args:
            slew_ns: Of WL, 20 to 80 %.
            load_ff: Capacitance at every bit line's pin.
            stop_ns: End of the simulation.
        """
        volts = self.column.corner.volts
        lines = [
            f"Vin in 0 pwl(0 0 {START_NS}n 0 {START_NS + slew_ns / 0.6}n {volts})",
            f"Vpre pre 0 pwl(0 0 {_BEFORE})",
        ]
        return self._deck([*lines, *self.word_line(load_ff)], "fall", stop_ns)

    def precharge(self, slew_ns: float, load_ff: float, stop_ns: float) -> str:
        """PRE_N falls, BL rises from ground, where the cell held it until a moment before.

        Late: all bit lines rise, and the last one's is measured. Early: the nearest rises alone.
        """
        fall = f"{START_NS}n {{vdd}} {START_NS + slew_ns / 0.6}n 0"
        lines = [
            f"Vin in 0 pwl(0 {{vdd}} {fall})",
            f"Vwl wl 0 pwl(0 {{vdd}} {START_NS / 5}n {{vdd}} {START_NS / 4}n 0)",
        ]
        return self._deck([*lines, *self._precharge_line(load_ff)], "rise", stop_ns)

    def hold(self, load_ff: float, stop_ns: float) -> str:
        """A bit line that must keep its level, while both beside it fall within 2 ns.

        Late: there is a via at every row but the one that is read, and they leak. Early: there is none, so
        that little else than its neighbours holds the bit line.
        """
        column = self.column
        beside = 2 * column.neighbour_ff()
        grounded = beside if column.late else 0  # which the column counts as wire to ground
        lines = [
            *column.subcircuit("held", 1, load_ff - grounded),
            f"Vbeside beside 0 pwl(0 {{vdd}} {START_NS}n {{vdd}} {START_NS + 2}n 0)",
            f"Vpre pre 0 pwl(0 0 {_BEFORE})",
            "Xheld 0 pre vdd out held",
            f"Cbeside out beside {beside:.4f}f",
            f".measure tran kept find v(out) at={START_NS + 2.5}n",
            ".measure tran low when v(out)={vdd/2} fall=1",
        ]
        return self._frame(lines, stop_ns, 10 * _STEP_NS)

    def word_line(self, load_ff: float) -> Iterator[str]:
        """The ladder from node `in`: poly resistance and capacitance with the cells on it."""
        column, spec = self.column, self.column.spec
        plan, wires, d = BankPlan(spec), column.corner.wires, spec.dims
        sheet = wires.ohms["poly"] / d.gate
        near = float(plan.bit_x[0]) - plan.word_pad_x[0]
        ohm = sheet * float(plan.bit_x[-1] - plan.bit_x[0])
        sections = min(_SECTIONS, spec.bit_lines // 8)
        farad = wires.line("word_line", "column", spec.bit_lines)
        cells = spec.bit_lines // sections
        yield f"Rpad in w0 {wires.ohms['pc'] + sheet * near:.4g}"
        for s in range(sections):
            yield f"Ra{s} w{s} x{s} {ohm / sections / 2:.5g}"
            yield f"Rb{s} x{s} w{s + 1} {ohm / sections / 2:.5g}"
            yield f"Cw{s} x{s} 0 {farad / sections:.4f}f"
            rest = cells - (s == (sections - 1 if column.late else 0))
            if column.late:
                yield from column.subcircuit(f"cells{s}", rest, load_ff)
                yield f"Xcells{s} x{s} pre vdd out{s} cells{s}"
            else:  # their bit lines do not move
                yield f"Xcells{s} 0 x{s} 0 0 {column.cell(rest)}"
        end = f"w{sections}" if column.late else "w0"
        yield from column.subcircuit("observed", 1, load_ff, column.shift())
        yield f"Xout {end} pre vdd out observed"
        yield f".measure tran end trig v(in) val={{vdd/2}} rise=1 targ v({end}) val={{vdd/2}} rise=1"

    def _precharge_line(self, load_ff: float) -> Iterator[str]:
        """PRE_N's met2 from strap to strap, with the transistors of a group at each."""
        column, spec = self.column, self.column.spec
        plan, wires, d = BankPlan(spec), column.corner.wires, spec.dims
        sheet = wires.ohms["met2"] / d.met2_pad[1]
        farad = wires.line("precharge", "column", spec.bit_lines) / len(plan.groups)
        last = len(plan.groups) - 1 if column.late else 0
        for g, (first, end) in enumerate(plan.groups):
            left = plan.strap_x[g]
            yield f"Rp{g} {f'q{g - 1}' if g else 'in'} q{g} {sheet * (plan.strap_x[g + 1] - left):.4g}"
            yield f"Cp{g} q{g} 0 {farad:.4f}f"
            yield from column.subcircuit(f"cells{g}", end - first - (g == last), load_ff)
            yield f"Xcells{g} wl q{g} vdd out{g} cells{g}"
        yield from column.subcircuit("observed", 1, load_ff)
        yield f"Xout wl q{last} vdd out observed"

    def _deck(self, lines: list[str], edge: str, stop_ns: float) -> str:
        away = "rise" if edge == "fall" else "fall"
        for level in _LEVELS:
            at = level if edge == "rise" else 100 - level
            cause, effect = f"v(in) val={{vdd/2}} {away}=1", f"v(out) val={{{at / 100}*vdd}} {edge}=1"
            lines.append(f".measure tran t{at} trig {cause} targ {effect}")
        lines.append(f".measure tran charge integ i(vin) from={START_NS / 2}n to={stop_ns - 0.1}n")
        return self._frame(lines, stop_ns, _STEP_NS)

    def _frame(self, lines: list[str], stop_ns: float, step_ns: float) -> str:
        corner, spec = self.column.corner, self.column.spec
        return "\n".join(
            [
                f"* {spec.name}, {corner.name}, {'late' if self.column.late else 'early'}",
                f".param vdd={corner.volts}",
                self.models,
                ".option scale=1.0u",
                f".temp {corner.celsius}",
                "Vdd vdd 0 {vdd}",
                *lines,
                f".tran {step_ns}n {stop_ns}n 0 {step_ns}n",
                ".end",
                "",
            ]
        )
