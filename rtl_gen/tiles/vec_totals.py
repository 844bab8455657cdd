"""What the lane finds as results pass: exponents, sums, the largest, the token that is drawn."""

__all__ = ["LaneRow", "Totals"]

from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import SQUARES, SUM, WORD
from rtl_gen.golden.vec_isa import CONTEXTS, LANE, WRITABLE, Dest, Reduce, Register
from rtl_gen.golden.vec_tables import LEADING
from rtl_gen.golden.vector import REST
from rtl_gen.tiles.lane import Largest

REGISTER_BITS = 6
SHIFTS_BITS = 5  # of the number of double shifts that normalise a sum
NORMAL = LEADING + REST  # bits of a normalised sum that address a table and interpolate


class LaneRow(data.StructLayout):
    """A row of the program for the lane."""

    def __init__(self) -> None:
        super().__init__({k: signed(w) if k == "shift" else w for k, w in LANE.items()})


class Totals(wiring.Component):
    """Registers of the vec tile; all change with results of the lane, or by the sequencer while it is idle.

    Attributes:
        valid, result, at, number: A result, its address in M, its number.
        first: It is the first of its vector.
        row: What the program says of them.
        finish, ended: A row has ended, the one that it says: the exponent found goes to its register.
        draw: What the running sum is compared with.
        load, epsilon: The accumulator becomes that.
        halve: The accumulator is shifted by two to the right.
        accumulator, where, token: What was found.
        maximum, normal, r: What was found for each context; `normal` is the head of a normalised sum.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1), "result": In(signed(SUM)), "at": In(LANE["a"]), "number": In(LANE["n"]),
                "first": In(1), "finish": In(1), "row": In(LaneRow()), "ended": In(LaneRow()),
                "draw": In(32), "load": In(1), "epsilon": In(SQUARES), "halve": In(1),
                "accumulator": Out(SQUARES), "where": Out(LANE["a"]), "token": Out(LANE["n"]),
                "maximum": Out(signed(SUM)).array(CONTEXTS), "normal": Out(NORMAL).array(CONTEXTS),
                "r": Out(signed(WORD)).array(CONTEXTS),
                "residual": Out(REGISTER_BITS), "packed": Out(8),
            }
        )  # fmt: skip
        self.registers = [
            Signal(REGISTER_BITS, name=f"register{n}", reset_less=True) for n in range(WRITABLE)
        ]
        self.queries = self._each("query", REGISTER_BITS)
        self.shifts = self._each("shifts", SHIFTS_BITS)
        self.value = Signal(4, reset_less=True)

    def _each(self, name: str, shape: Any) -> list[Signal]:
        return [Signal(shape, name=f"{name}{n}", reset_less=True) for n in range(CONTEXTS)]

    def of(self, number: Value, context: Value) -> Value:
        """A register by its number."""
        query, shifts = Array(self.queries)[context], Array(self.shifts)[context]
        all_of = [0, *self.registers[1:], 0, shifts, shifts << 1, self.value]
        all_of[Register.QUERY] = query
        return Array([Value.cast(v) for v in all_of] + [Value.cast(0)] * (16 - len(all_of)))[number]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row, ended, result = self.row, self.ended, self.result
        clear = self.first & row.clear
        maxima, normals = self._each("maximum", signed(SUM)), self._each("normal", NORMAL)
        factors = self._each("r", signed(WORD))
        is_ = {r: self.valid & (row.reduce == r) for r in Reduce}
        m.submodules.largest = largest = Largest()
        m.submodules.aside = aside = Largest()
        for unit, mine in ((largest, ~row.aside), (aside, row.aside)):
            m.d.comb += [
                unit.valid.eq(is_[Reduce.LARGEST] & mine), unit.first.eq(clear), unit.value.eq(result),
                unit.less.eq(ended.less),
            ]  # fmt: skip
        with m.If(self.finish & (ended.reduce == Reduce.LARGEST)), m.Switch(ended.to):
            for n in range(1, WRITABLE):
                with m.Case(n):
                    to = Array(self.queries)[ended.context] if n == Register.QUERY else self.registers[n]
                    m.d.sync += to.eq(Mux(ended.aside, aside.exponent, largest.exponent))
        m.d.comb += [
            self.residual.eq(self.registers[Register.RESIDUAL]),
            self.packed.eq(Cat(self.registers[Register.KEY][:4], self.registers[Register.VALUE][:4])),
        ]

        accumulator = Signal(SQUARES, reset_less=True)
        select = row.reduce == Reduce.SELECT
        total = Signal(SQUARES)
        before = Signal(SQUARES)
        m.d.comb += [
            before.eq(Mux(clear | (select & self.first), 0, accumulator)),
            total.eq(before + result[: SUM - 1]),
            self.accumulator.eq(accumulator),
        ]
        with m.If(is_[Reduce.SUM] | is_[Reduce.SELECT]):
            m.d.sync += accumulator.eq(total)
        with m.Elif(self.load):
            m.d.sync += accumulator.eq(self.epsilon)
        with m.Elif(self.halve):
            m.d.sync += accumulator.eq(accumulator >> 2)
        with m.If(self.finish & (ended.reduce == Reduce.SUM)):
            shifts, normal = _normalised(m, accumulator)
            m.d.sync += [
                Array(self.shifts)[ended.context].eq(shifts), Array(normals)[ended.context].eq(normal),
            ]  # fmt: skip

        found = Signal()
        token = Signal.like(self.token, reset_less=True)
        with m.If(is_[Reduce.SELECT]):
            # By one adder of three numbers, not by the total.
            beyond = (self.draw - before - result[: SUM - 1]).as_signed() < 0
            over = beyond & (self.first | ~found)
            with m.If(over):
                m.d.sync += [found.eq(1), token.eq(self.number)]
            with m.Elif(self.first):
                m.d.sync += found.eq(0)
        m.d.comb += self.token.eq(token)

        where = Signal.like(self.where, reset_less=True)
        maximum = Array(maxima)[row.context]
        with m.If(is_[Reduce.MAXIMUM] & (clear | (result > maximum))):
            m.d.sync += [maximum.eq(result), where.eq(self.at)]
        m.d.comb += self.where.eq(where)
        with m.If(is_[Reduce.EXPONENTS] & (clear | (result[4:8] > self.value))):
            m.d.sync += self.value.eq(result[4:8])
        with m.If(self.valid & (row.dest == Dest.R)):
            m.d.sync += Array(factors)[row.context].eq(result)
        for n in range(CONTEXTS):
            m.d.comb += [
                self.maximum[n].eq(maxima[n]), self.normal[n].eq(normals[n]), self.r[n].eq(factors[n]),
            ]  # fmt: skip
        return m


def _normalised(m: Module, accumulator: Signal) -> tuple[Value, Value]:
    """Double shifts to the left until one of the two highest bits is set, and the head of the result."""
    value: Value = accumulator
    shifts: list[Value] = []
    for k in reversed(range(SHIFTS_BITS)):
        none, shifted = Signal(name=f"none{k}"), Signal(SQUARES, name=f"shifted{k}")
        m.d.comb += [none.eq(~value[-(2 << k) :].any()), shifted.eq(Mux(none, value << (2 << k), value))]
        value = shifted
        shifts.insert(0, none)
    return Cat(shifts), value[-NORMAL:]
