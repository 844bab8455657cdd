"""What the lane finds as results pass: exponents, sums, the largest, the token that is drawn."""

__all__ = ["LaneRow", "Totals"]

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import SQUARES, SUM, WORD
from rtl_gen.golden.vec_isa import LANE, WRITABLE, Dest, Reduce, Register
from rtl_gen.tiles.lane import Largest

REGISTER_BITS = 6


class LaneRow(data.StructLayout):
    """A row of the program for the lane."""

    def __init__(self) -> None:
        super().__init__({k: signed(w) if k == "shift" else w for k, w in LANE.items()})


class Totals(wiring.Component):
    """Registers of the vec tile; all change with results of the lane, or by the sequencer while it is idle.

    Attributes:
        valid, result, at, number: A result, its address in M, its number.
        first: It is the first of its vector.
        finish: The row ends: the exponent found goes to its register.
        row: What the program says of them.
        draw: What the running sum is compared with.
        load, epsilon: The accumulator becomes that.
        halve, double: The accumulator is shifted by two to the right, or by 2, 4 or 16 to the left, counted.
        restart: Count from 0 again.
        accumulator, maximum, where, r, token: What was found.
        registers, shifts: The small numbers; double shifts.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1), "result": In(signed(SUM)), "at": In(LANE["a"]), "number": In(LANE["n"]),
                "first": In(1), "finish": In(1), "row": In(LaneRow()),
                "draw": In(32), "load": In(1), "epsilon": In(SQUARES), "halve": In(1), "double": In(1),
                "restart": In(1), "accumulator": Out(SQUARES), "maximum": Out(signed(SUM)),
                "where": Out(LANE["a"]),
                "r": Out(signed(WORD)), "token": Out(LANE["n"]),
                "residual": Out(REGISTER_BITS), "packed": Out(8),
            }
        )  # fmt: skip
        self.registers = [
            Signal(REGISTER_BITS, name=f"register{n}", reset_less=True) for n in range(WRITABLE)
        ]
        self.shifts = Signal(REGISTER_BITS - 1, reset_less=True)
        self.value = Signal(4, reset_less=True)

    def of(self, m: Module, number: Value) -> Value:
        """A register by its number."""
        all_of = [0, *self.registers[1:], 0, self.shifts, self.shifts << 1, self.value]
        return Array([Value.cast(v) for v in all_of] + [Value.cast(0)] * (16 - len(all_of)))[number]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row, result = self.row, self.result
        clear = self.first & row.clear
        is_ = {r: self.valid & (row.reduce == r) for r in Reduce}
        m.submodules.largest = largest = Largest()
        m.submodules.aside = aside = Largest()
        for unit, mine in ((largest, ~row.aside), (aside, row.aside)):
            m.d.comb += [
                unit.valid.eq(is_[Reduce.LARGEST] & mine), unit.first.eq(clear), unit.value.eq(result),
                unit.less.eq(row.less),
            ]  # fmt: skip
        with m.If(self.finish & (row.reduce == Reduce.LARGEST)), m.Switch(row.to):
            for n in range(1, WRITABLE):
                with m.Case(n):
                    m.d.sync += self.registers[n].eq(Mux(row.aside, aside.exponent, largest.exponent))
        m.d.comb += [
            self.residual.eq(self.registers[Register.RESIDUAL]),
            self.packed.eq(Cat(self.registers[Register.KEY][:4], self.registers[Register.VALUE][:4])),
        ]

        accumulator = Signal(SQUARES, reset_less=True)
        select = row.reduce == Reduce.SELECT
        total = Signal(SQUARES)
        m.d.comb += [
            total.eq(Mux(clear | (select & self.first), 0, accumulator) + result[: SUM - 1]),
            self.accumulator.eq(accumulator),
        ]
        with m.If(is_[Reduce.SUM] | is_[Reduce.SELECT]):
            m.d.sync += accumulator.eq(total)
        with m.Elif(self.load):
            m.d.sync += accumulator.eq(self.epsilon)
        with m.Elif(self.halve):
            m.d.sync += accumulator.eq(accumulator >> 2)
        with m.Elif(self.double):
            with m.If(~accumulator[-16:].any()):
                m.d.sync += [accumulator.eq(accumulator << 16), self.shifts.eq(self.shifts + 8)]
            with m.Elif(~accumulator[-4:].any()):
                m.d.sync += [accumulator.eq(accumulator << 4), self.shifts.eq(self.shifts + 2)]
            with m.Else():
                m.d.sync += [accumulator.eq(accumulator << 2), self.shifts.eq(self.shifts + 1)]
        with m.If(self.restart):
            m.d.sync += self.shifts.eq(0)

        found = Signal()
        token = Signal.like(self.token, reset_less=True)
        with m.If(is_[Reduce.SELECT]):
            over = (total > self.draw) & (self.first | ~found)
            with m.If(over):
                m.d.sync += [found.eq(1), token.eq(self.number)]
            with m.Elif(self.first):
                m.d.sync += found.eq(0)
        m.d.comb += self.token.eq(token)

        maximum, where = Signal.like(self.maximum, reset_less=True), Signal.like(self.where, reset_less=True)
        with m.If(is_[Reduce.MAXIMUM] & (clear | (result > maximum))):
            m.d.sync += [maximum.eq(result), where.eq(self.at)]
        m.d.comb += [self.maximum.eq(maximum), self.where.eq(where)]
        with m.If(is_[Reduce.EXPONENTS] & (clear | (result[4:8] > self.value))):
            m.d.sync += self.value.eq(result[4:8])
        r = Signal(signed(WORD), reset_less=True)
        with m.If(self.valid & (row.dest == Dest.R)):
            m.d.sync += r.eq(result)
        m.d.comb += self.r.eq(r)
        return m
