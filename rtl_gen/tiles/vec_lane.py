"""The lane of a `vec` tile: an element a cycle through reading, tables, product, rounding, and writing."""

__all__ = ["Lane", "activation_write"]

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.decoder import DRAW_BITS
from rtl_gen.golden.formats import DISTANCE, EXPONENTIAL, LEFT_SHIFT, SCORE_FRACTION, SUM, WORD
from rtl_gen.golden.vec import LEADING, SIGMOID_REST
from rtl_gen.golden.vec_isa import (
    LANE,
    LINE,
    Dest,
    Element,
    Factor,
    Op,
    Post,
    Reduce,
    RomWalk,
    Table,
    Value,
    Walk,
)
from rtl_gen.golden.vector import EXP_INDEX, REST
from rtl_gen.tiles.lane import SHIFT_BITS, Rescale
from rtl_gen.tiles.macro import address, rom_pins
from rtl_gen.tiles.store import Lines
from rtl_gen.tiles.vec_totals import LaneRow, Totals

WORD_ADDRESS = LANE["a"]
LINE_LOW = LINE.bit_length() - 1  # the lowest bit of a line's number
ROM_ADDRESS = LANE["rom"]
PAIRS = 128 // (2 * WORD)  # words of the ROM in a row, two by two
ON_ROW = PAIRS.bit_length()  # bits of a word's address within a row


def activation_write() -> wiring.Signature:
    """Bytes for A: the row of the program tells which bank; seen from the lane."""
    return wiring.Signature({"valid": Out(1), "dest": Out(LANE["dest"]), "byte": Out(LANE["a"]),
                             "bank": Out(8), "digits": Out(14), "value": Out(8)})  # fmt: skip


class Lane(wiring.Component):
    """Runs one row of the program after another.

    A row is kept twice: for what elements meet up to the multiplier, and for what becomes of results.
    So a new one is taken when the last element of the row before has reached the multiplier.

    Args:
        memory: Words of M.
        rom_banks: Macros of factors and tables.

    Attributes:
        row, count, offset: The row, its elements, what is added to its addresses; taken with `start`.
        start: Take it; only when `free`.
        free, idle: A row can be taken; nothing is under way.
        feeding: Elements for A are under way.
        selected: A token was drawn.
        first_sum, sum: In the next cycle the first of its sums is here; one a cycle follows.
        token, turn, beta, draw: For tables of factors, rotation and sampling.
        activation: What is written to A.
        totals: Registers, and what is found as results pass; the sequencer's while the lane is idle.
        rom, memory: Pins of the macros of factors and tables, and of M.
    """

    def __init__(self, memory: int, rom_banks: int) -> None:
        self.rom_banks = rom_banks
        self.totals, self.lines = Totals(), Lines(memory)
        super().__init__(
            {
                "row": In(LaneRow()), "count": In(LANE["n"]), "offset": In(WORD_ADDRESS), "start": In(1),
                "free": Out(1), "idle": Out(1), "feeding": Out(1), "selected": Out(1), "first_sum": In(1),
                "sum": In(signed(SUM)),
                "token": In(16),
                "turn": In(ROM_ADDRESS), "beta": In(8), "draw": In(32), "activation": Out(activation_write()),
                "rom": Out(rom_pins(128)).array(rom_banks),
                "memory": self.lines.signature.members["macros"],
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.totals = totals = self.totals
        m.submodules.lines = lines = self.lines
        for mine, inner in zip(self.memory, lines.macros, strict=True):
            wiring.connect(m, wiring.flipped(mine), inner)
        m.submodules.rescale = rescale = Rescale()
        row = Signal(LaneRow(), reset_less=True)
        count, o = Signal.like(self.count, reset_less=True), Signal.like(self.count, reset_less=True)
        offset = Signal.like(self.offset, reset_less=True)
        base_a, base_b = (Signal(WORD_ADDRESS, name=f"base_{n}", reset_less=True) for n in "ab")
        pair = row.walk == Walk.PAIR
        k = Signal(reset_less=True)
        stages = Signal(8)  # elements at stage 1 to 8, and which are the first and the last of a row
        firsts = Signal(8)
        lasts = Signal(9)
        element = Signal()
        last = Signal()
        m.d.comb += last.eq((o == count - 1) & (k | ~pair))
        with m.FSM():
            with m.State("FREE"):
                m.d.comb += self.free.eq(~stages[:3].any())
                with m.If(self.start):
                    m.d.sync += [row.eq(self.row), count.eq(self.count), offset.eq(self.offset)]
                    m.d.sync += [base_a.eq(self.row.a + self.offset), base_b.eq(self.row.b + self.offset)]
                    m.d.sync += [o.eq(0), k.eq(0)]
                    m.next = "WAIT"
                    with m.If(self.row.op == Op.VECTOR):
                        m.next = "RUN"
            with m.State("WAIT"):
                m.d.comb += element.eq(self.first_sum)
                with m.If(self.first_sum):
                    m.next = "RUN"
                    with m.If(last):
                        m.next = "FREE"
            with m.State("RUN"):
                m.d.comb += element.eq(1)
                with m.If(last):
                    m.next = "FREE"
        m.d.comb += self.idle.eq(self.free & ~stages.any() & ~lasts.any() & ~lines.busy)
        with m.If(element):
            m.d.sync += k.eq(pair & ~k)
            with m.If(k | ~pair):
                m.d.sync += o.eq(o + 1)
        m.d.sync += [
            stages.eq(Cat(element, stages[:-1])), firsts.eq(Cat(element & (o == 0), firsts[:-1])),
            lasts.eq(Cat(element & last, lasts[:-1])),
        ]  # fmt: skip
        # From the multiplier on the row is another one.
        front, row = row, Signal(LaneRow(), name="row_behind", reset_less=True)
        offset_behind = Signal.like(offset, reset_less=True)
        with m.If(firsts[3]):
            m.d.sync += [row.eq(front), offset_behind.eq(offset)]
        behind, row = row, front
        of_tiles = (Dest.ROM_BYTES, Dest.RAM_BYTES, Dest.RAM_DIGITS)
        m.d.comb += self.feeding.eq(
            (~self.free | stages[3]) & front.dest.matches(*of_tiles)
            | stages[3:].any() & behind.dest.matches(*of_tiles)
        )

        # 0: the word a of M is addressed.
        far = Signal(WORD_ADDRESS)
        m.d.comb += far.eq(1 << row.distance)
        index = Signal(WORD_ADDRESS)
        other = Signal(WORD_ADDRESS)
        butterfly = row.walk == Walk.BUTTERFLY
        m.d.comb += [index.eq(o), other.eq(o)]
        with m.Switch(row.walk):
            with m.Case(Walk.PAIR):
                m.d.comb += index.eq(Cat(k, o[1:]))
            with m.Case(Walk.BUTTERFLY):
                m.d.comb += [index.eq(o & ~far), other.eq(o | far)]
            with m.Case(Walk.SPREAD):
                m.d.comb += index.eq(o << 1)
        at_a, at_b = Signal(WORD_ADDRESS), Signal(WORD_ADDRESS, reset_less=True)
        begins = (o & (LINE - 1)) == 0
        # A line follows the one before it, but for butterflies, which are aligned.
        before = Signal(reset_less=True)
        m.d.comb += [
            at_a.eq(base_a + index), lines.a.eq(element), lines.a_at.eq(at_a),
            lines.a_new.eq((o == 0) & ~k | Mux(butterfly, begins, at_a[LINE_LOW] != before)),
        ]  # fmt: skip
        m.d.sync += at_b.eq(base_b + other)
        with m.If(element):
            m.d.sync += before.eq(at_a[LINE_LOW])
        b_new = Signal(reset_less=True)
        m.d.sync += b_new.eq(begins)
        o1 = Signal.like(o, reset_less=True)
        k1 = Signal(reset_less=True)
        upper1 = Signal(reset_less=True)
        m.d.sync += [o1.eq(o), k1.eq(k), upper1.eq((o & far).any())]

        # 1: the word of the ROM is addressed, by the number of the element or by what was read; so is b.
        a1 = Signal(signed(SUM))
        reads_b = (
            row.value.matches(Value.BUTTERFLY) | row.factor.matches(Factor.B, Factor.SIGMOID)
            | row.element.matches(Element.KEY, Element.VALUE) | row.post.matches(Post.ADD)
        )  # fmt: skip
        m.d.comb += [
            a1.eq(lines.a_word), lines.b.eq(stages[0] & reads_b), lines.b_new.eq(b_new), lines.b_at.eq(at_b),
        ]  # fmt: skip
        table_index = Signal(7)
        rest1 = Signal(SIGMOID_REST)
        late1 = Signal(4)
        distance = self._table(m, row, a1, table_index, rest1, late1)
        at = Signal(ROM_ADDRESS, reset_less=True)
        walk = Signal(ROM_ADDRESS)
        with m.If(row.value == Value.DELTA):
            m.d.comb += walk.eq(table_index << 1)
        with m.Elif(row.rom_walk == RomWalk.ROTARY):
            m.d.comb += walk.eq(self.turn + Cat(k1 ^ o1[0], o1[1:]))
        with m.Elif(row.rom_walk == RomWalk.TOKEN):
            m.d.comb += walk.eq(self.token)
        with m.Else():
            m.d.comb += walk.eq(o1)
        m.d.sync += at.eq(row.rom + walk)
        kept = {"a": a1, "sum": self.sum, "rest": rest1, "late": late1, "minus": k1 & ~o1[0], "k": k1,
                "upper": upper1, "far": distance}  # fmt: skip
        two = self._stage(m, 2, kept)

        # 2: the row is read; two words of it are kept.
        words = self._rom(m, at, stages[1])
        b2 = Signal(signed(SUM))
        m.d.comb += b2.eq(lines.b_word)
        three = self._stage(m, 3, two | {"b": b2})
        low3 = Signal(reset_less=True)
        m.d.sync += low3.eq(at[0])

        # 3: operands.
        word = Signal(WORD)
        m.d.comb += word.eq(words.word_select(low3, WORD))
        value = Signal(signed(SUM + 1), reset_less=True)
        factor = Signal(signed(WORD), reset_less=True)
        shift = Signal(SHIFT_BITS, reset_less=True)
        accumulate = Signal(reset_less=True)
        self._operands(m, row, three, word, words, value, factor)
        base = Signal(signed(9), reset_less=True)
        m.d.sync += base.eq(
            row.shift + totals.of(m, row.plus) - totals.of(m, row.minus) - totals.of(m, row.minus2)
        )
        added = Signal(signed(6))
        with m.Switch(row.element):
            with m.Case(Element.ROM):
                m.d.comb += added.eq(word[12:])
            with m.Case(Element.KEY):
                m.d.comb += added.eq(-three["b"][:4])
            with m.Case(Element.VALUE):
                m.d.comb += added.eq(-three["b"][4:8])
        m.d.sync += [shift.eq(base + added + (LEFT_SHIFT - 1)), accumulate.eq(pair & three["k"])]
        delta = row.value == Value.DELTA
        side = Signal(signed(SUM))
        m.d.comb += side.eq(Mux(delta, words[:WORD], three["b"]))

        # 4 to 6: product, shift, rounding.
        k4 = Signal(reset_less=True)
        m.d.sync += k4.eq(three["k"])
        m.d.comb += [
            rescale.valid.eq(stages[3] & (k4 | ~pair)), rescale.value.eq(value), rescale.factor.eq(factor),
            rescale.shift.eq(shift), rescale.accumulate.eq(accumulate), rescale.down.eq(delta),
            rescale.width.eq(row.width),
        ]  # fmt: skip
        late = {"side": side, "late": three["late"]}
        for n in range(4, 8):
            late = self._stage(m, n, late)

        # 7: what follows.
        delta = behind.value == Value.DELTA
        exponential = delta & ((behind.special[:2] == Table.EXP) | (behind.special[:2] == Table.EXP_DISTANCE))
        total = Signal(signed(SUM + 1))
        m.d.comb += total.eq(rescale.out + late["side"])
        result = Signal(signed(SUM), reset_less=True)
        faded = Signal(WORD)
        m.d.comb += faded.eq(total[:WORD] >> Mux(exponential, late["late"], 0))
        with m.If(delta):
            m.d.sync += result.eq(Mux(behind.post == Post.DRAW, faded >> (EXPONENTIAL - DRAW_BITS), faded))
        with m.Elif(behind.post == Post.ADD):
            most = (1 << (SUM - 1)) - 1
            m.d.sync += result.eq(Mux(total > most, most, Mux(total < ~most, ~most, total)))
        with m.Else():
            m.d.sync += result.eq(rescale.out)
        done = Signal()
        m.d.sync += done.eq(rescale.out_valid)

        # 8: it is written, and taken into account.
        number = Signal.like(o, reset_less=True)
        target = Signal(WORD_ADDRESS)
        m.d.comb += [
            target.eq(behind.d + offset_behind + Mux(behind.walk == Walk.SPREAD, number << 1, number)),
            lines.write.eq(done & (behind.dest == Dest.MEMORY)), lines.to.eq(target), lines.data.eq(result),
            lines.far.eq(behind.walk == Walk.SPREAD), lines.last.eq(lasts[7]),
        ]  # fmt: skip
        bank = Signal(8, reset_less=True)
        within = Signal(WORD_ADDRESS, reset_less=True)
        in_rom = behind.dest == Dest.ROM_BYTES
        out = self.activation
        m.d.comb += [
            out.valid.eq(done), out.dest.eq(behind.dest), out.bank.eq(bank), out.value.eq(result),
            out.digits.eq(result), out.byte.eq(behind.d + Mux(in_rom, within, number)),
            totals.valid.eq(done), totals.row.eq(behind), totals.result.eq(result), totals.at.eq(target),
            totals.first.eq((number == 0) & (offset_behind == 0)), totals.number.eq(number),
            totals.draw.eq(self.draw),
        ]  # fmt: skip
        m.d.comb += [
            totals.finish.eq(lasts[8]), self.selected.eq(lasts[8] & (behind.reduce == Reduce.SELECT)),
        ]  # fmt: skip
        with m.If(firsts[6]):
            m.d.sync += [number.eq(0), bank.eq(0), within.eq(0)]
        with m.Elif(done):
            m.d.sync += [number.eq(number + 1), within.eq(within + 1)]
            with m.If(within == behind.b - 1):
                m.d.sync += [within.eq(0), bank.eq(bank + 1)]
        return m

    def _stage(self, m: Module, number: int, values: dict[str, object]) -> dict[str, Signal]:
        """The same values a cycle later."""
        out = {}
        for name, value in values.items():
            out[name] = Signal(value.shape(), name=f"{name}{number}", reset_less=True)  # type: ignore[attr-defined]
            m.d.sync += out[name].eq(value)
        return out

    def _table(self, m: Module, row: Any, a: Signal, index: Signal, rest: Signal, late: Signal) -> Signal:
        """Which entry, where behind it, and how far an exponential is shifted; returns the distance."""
        table, align = row.special[:2], row.special[2:]
        size = Signal(SUM)
        limit = Signal(WORD)
        wide = Signal(WORD)
        m.d.comb += [
            size.eq(Mux(a < 0, -a, a)), limit.eq((0x8000 >> align) - 1),
            wide.eq(Mux(size > limit, limit, size) << align),
        ]  # fmt: skip
        behind = Signal(signed(SUM + 1))
        distance = Signal(DISTANCE)
        most = (1 << DISTANCE) - 1
        m.d.comb += [
            behind.eq(self.totals.maximum - a),
            distance.eq(Mux(table == Table.EXP, a, Mux(behind > most, most, behind))),
        ]  # fmt: skip
        bits = SCORE_FRACTION - EXP_INDEX
        accumulator = self.totals.accumulator
        with m.Switch(table):
            with m.Case(Table.SIGMOID):
                m.d.comb += [index.eq(wide >> SIGMOID_REST), rest.eq(wide[:SIGMOID_REST])]
            with m.Case(Table.NORMAL):
                top = accumulator[-LEADING:]
                m.d.comb += [
                    index.eq(top - (1 << (LEADING - 2))), rest.eq(accumulator[-LEADING - REST : -LEADING]),
                ]  # fmt: skip
            with m.Default():
                m.d.comb += [index.eq(distance[bits:SCORE_FRACTION]), rest.eq(distance[:bits])]
        far = distance[SCORE_FRACTION:]
        m.d.comb += late.eq(Mux(far > EXPONENTIAL, EXPONENTIAL, far))
        return behind

    def _rom(self, m: Module, at: Signal, valid: object) -> Signal:
        """The even word addressed and the one behind it, a cycle later."""
        row, bank = at[ON_ROW : ON_ROW + 8], at[ON_ROW + 8 :]
        for n, pins in enumerate(self.rom):
            address(m, row, pins.a, pins.b_n)
            m.d.comb += pins.enable.eq(valid & (bank == n if self.rom_banks > 1 else 1))  # type: ignore[operator]
        q = Signal(128)
        if self.rom_banks > 1:
            with m.Switch(bank):
                for n, pins in enumerate(self.rom):
                    with m.Case(n):
                        m.d.comb += q.eq(~pins.q)
        else:
            m.d.comb += q.eq(~self.rom[0].q)
        words = Signal(2 * WORD, reset_less=True)
        m.d.sync += words.eq(q.word_select(at[1:ON_ROW], 2 * WORD))
        return words

    def _operands(
        self, m: Module, row: Any, now: dict[str, Signal], word: Signal, words: Signal, value: Signal,
        factor: Signal,
    ) -> None:  # fmt: skip
        a, b = now["a"], now["b"]
        begin, high, left = row.special[0], row.special[1], row.special[2:]
        scaled = Signal(signed(SUM))
        joined = Signal(signed(SUM))
        m.d.comb += [
            scaled.eq(Mux(high, now["sum"] >> 2, now["sum"]) << left), joined.eq(Mux(begin, 0, a) + scaled),
        ]  # fmt: skip
        with m.Switch(row.value):
            with m.Case(Value.JOIN):
                m.d.sync += value.eq(joined)
            with m.Case(Value.DISTANCE):
                m.d.sync += value.eq(now["far"])
            with m.Case(Value.BUTTERFLY):
                m.d.sync += value.eq(Mux(now["upper"], a - b, a + b))
            with m.Case(Value.DELTA):
                m.d.sync += value.eq(words[WORD:].as_signed())
            with m.Default():
                m.d.sync += value.eq(a)
        turned = word.as_signed()
        with m.If(row.value == Value.DELTA):
            m.d.sync += factor.eq(now["rest"])
        with m.Else(), m.Switch(row.factor):
            with m.Case(Factor.ONE):
                m.d.sync += factor.eq(1)
            with m.Case(Factor.ROM):
                m.d.sync += factor.eq(word[:12].as_signed())
            with m.Case(Factor.ROTARY):
                m.d.sync += factor.eq(Mux(now["minus"], -turned, turned))
            with m.Case(Factor.R):
                m.d.sync += factor.eq(self.totals.r)
            with m.Case(Factor.B):
                m.d.sync += factor.eq(b)
            with m.Case(Factor.A):
                m.d.sync += factor.eq(a)
            with m.Case(Factor.SIGMOID):
                m.d.sync += factor.eq(Mux(a < 0, (1 << (WORD - 1)) - b, b))
            with m.Case(Factor.BETA):
                m.d.sync += factor.eq(self.beta)
