"""The lane of a `vec` tile: an element a cycle through reading, tables, product, rounding, and writing."""

__all__ = ["Lane", "activation_write", "pause"]

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import EXPONENTIAL, LEFT_SHIFT, SUM, WORD
from rtl_gen.golden.sampling import DRAW_BITS
from rtl_gen.golden.vec_isa import (
    LANE,
    LINE,
    OF_TILES,
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
from rtl_gen.golden.vec_tables import SIGMOID_REST
from rtl_gen.golden.vec_time import FOUND, SHORTEST
from rtl_gen.tiles.lane import RESCALE, SHIFT_BITS, Rescale
from rtl_gen.tiles.macro import address, rom_pins
from rtl_gen.tiles.store import Lines
from rtl_gen.tiles.vec_operands import operands, scaled, table_entry
from rtl_gen.tiles.vec_totals import LaneRow, Totals

WORD_ADDRESS = LANE["a"]
LINE_LOW = LINE.bit_length() - 1  # the lowest bit of a line's number
ROM_ADDRESS = LANE["rom"]
PAIRS = 128 // (2 * WORD)  # words of the ROM in a row, two by two
ON_ROW = PAIRS.bit_length()  # bits of a word's address within a row
WRITTEN = 8 + RESCALE  # the stage in which a result is written


def activation_write() -> wiring.Signature:
    """Bytes for A: the row of the program tells which bank; seen from the lane."""
    return wiring.Signature({"valid": Out(1), "dest": Out(LANE["dest"]), "byte": Out(LANE["a"]),
                             "bank": Out(8), "digits": Out(14), "value": Out(8)})  # fmt: skip


def pause(row: Any) -> Mux:
    """Further idle cycles behind a row, in which M writes words that begin no line, or are apart."""
    return Mux(row.walk == Walk.SPREAD, 2, row.d[:LINE_LOW].any())


class Lane(wiring.Component):
    """Runs one row of the program after another.

    A row travels with its elements, a copy for every two stages, so that rows follow each other with one idle
    cycle between them.

    Domains: `sync`, and `low`, in which its ROM is addressed (`macro.low_clock`).

    Args:
        memory: Words of M.
        rom_banks: Macros of factors and tables.
        rom_rows: Rows of rom tiles.

    Attributes:
        row, count, offset: The row, its elements, what is added to its addresses; taken with `start`.
        start: Take it; only when `free`.
        free: A row can be taken.
        found: Also one that needs what rows before it find.
        empty, idle: Nothing is under way; and all is written.
        working: Elements of a vector are read: sums could not be taken.
        feeding: Elements for A are under way.
        selected: A token was drawn.
        first_sum, sum: Five cycles later the first of its sums is here; one a cycle follows.
        token, turn, beta, draw: For tables of factors, rotation and sampling.
        skipped: Rows of rom tiles that are not there; activations begin behind their banks.
        activation: What is written to A.
        totals: Registers, and what is found as results pass; the sequencer's while the lane is idle.
        rom, memory: Pins of the macros of factors and tables, and of M.
    """

    def __init__(self, memory: int, rom_banks: int, rom_rows: int) -> None:
        self.rom_banks = rom_banks
        self.totals, self.lines = Totals(), Lines(memory)
        super().__init__(
            {
                "row": In(LaneRow()), "count": In(LANE["n"]), "offset": In(WORD_ADDRESS), "start": In(1),
                "free": Out(1), "found": Out(1), "empty": Out(1), "idle": Out(1), "working": Out(1),
                "feeding": Out(1), "selected": Out(1), "first_sum": In(1), "sum": In(signed(SUM)),
                "token": In(16),
                "turn": In(ROM_ADDRESS), "beta": In(8), "draw": In(32), "skipped": In(range(rom_rows)),
                "activation": Out(activation_write()),
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
        fresh = Signal(reset_less=True)  # not a further chunk of a row
        count, o = Signal.like(self.count, reset_less=True), Signal.like(self.count, reset_less=True)
        pair = row.walk == Walk.PAIR
        k = Signal(reset_less=True)
        stages = Signal(WRITTEN)  # elements at stage 1 and behind; which begin and end a row
        firsts = Signal(WRITTEN)
        lasts = Signal(WRITTEN + 1)
        element = Signal()
        last = Signal()
        m.d.comb += last.eq((o == count - 1) & (k | ~pair))
        young = Signal(range(SHORTEST))
        with m.If(element & last & (young <= pause(row))):
            m.d.sync += young.eq(pause(row))
        with m.Elif(young != 0):
            m.d.sync += young.eq(young - 1)
        with m.FSM():
            with m.State("FREE"):
                m.d.comb += self.free.eq(young == 0)
                with m.If(self.start):
                    m.d.sync += young.eq(SHORTEST - 1)
                    m.d.sync += [
                        row.eq(self.row), count.eq(self.count), fresh.eq(self.offset == 0),
                        row.a.eq(self.row.a + self.offset), row.d.eq(self.row.d + self.offset),
                    ]  # fmt: skip
                    with m.If(self.row.dest != Dest.ROM_BYTES):  # where it is no word of M
                        m.d.sync += row.b.eq(self.row.b + self.offset)
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
                m.d.comb += [element.eq(1), self.working.eq(row.op == Op.VECTOR)]
                with m.If(last):
                    m.next = "FREE"
        m.d.comb += [
            self.found.eq(self.free & ~stages[: FOUND - 1].any()),
            self.empty.eq(self.free & ~stages.any() & ~lasts.any()), self.idle.eq(self.empty & ~lines.busy),
        ]  # fmt: skip
        with m.If(element):
            m.d.sync += k.eq(pair & ~k)
            with m.If(k | ~pair):
                m.d.sync += o.eq(o + 1)
        m.d.sync += [
            stages.eq(Cat(element, stages[:-1])), firsts.eq(Cat(element & (o == 0), firsts[:-1])),
            lasts.eq(Cat(element & last, lasts[:-1])),
        ]  # fmt: skip
        # The row at stages 0 and 1, 2 and 3 ...
        rows, fresh_at = [row], [fresh]
        for n in range(1, (WRITTEN + 1) // 2 + 1):
            rows.append(Signal(LaneRow(), name=f"row{2 * n}", reset_less=True))
            fresh_at.append(Signal(name=f"fresh{2 * n}", reset_less=True))
            with m.If(firsts[2 * n - 2]):
                m.d.sync += [rows[n].eq(rows[n - 1]), fresh_at[n].eq(fresh_at[n - 1])]
        active = [~self.free | stages[0], *(stages[n : n + 2].any() for n in range(1, WRITTEN, 2))]
        feeds = [a & r.dest.matches(*OF_TILES) for a, r in zip(active, rows[:-1], strict=True)]
        m.d.comb += self.feeding.eq(Cat(feeds).any())

        # 0: which words of M.
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
        at_a = Signal(WORD_ADDRESS)
        at_b = Signal(WORD_ADDRESS)
        begins = Signal()
        m.d.comb += [at_a.eq(row.a + index), at_b.eq(row.b + other), begins.eq((o & (LINE - 1)) == 0)]
        new = Signal()  # a line follows the one before it, but for butterflies, which are aligned
        before = Signal(reset_less=True)
        m.d.comb += new.eq((o == 0) & ~k | Mux(butterfly, begins, at_a[LINE_LOW] != before))
        m.d.sync += before.eq(at_a[LINE_LOW])
        upper = (o & far).any()
        one = self._stage(
            m, 1, {"at_a": at_a, "at_b": at_b, "new": new, "begins": begins, "o": o, "k": k, "upper": upper}
        )

        # 1: a is addressed.
        m.d.comb += [lines.a.eq(stages[0]), lines.a_new.eq(one["new"]), lines.a_at.eq(one["at_a"])]
        reads_b = (
            row.value.matches(Value.BUTTERFLY) | row.factor.matches(Factor.B, Factor.SIGMOID)
            | row.element.matches(Element.KEY, Element.VALUE) | row.post.matches(Post.ADD)
        )  # fmt: skip
        told = {name: one[name] for name in ("at_b", "o", "k", "upper")}
        two = self._stage(m, 2, told | {"new_b": one["begins"] & reads_b})

        # 2: a is here, b is addressed.
        row2, row4, row6, *_, row12, row14 = rows[1:]
        m.d.comb += [lines.b.eq(stages[1]), lines.b_new.eq(two["new_b"]), lines.b_at.eq(two["at_b"])]
        a2 = Signal(signed(SUM))
        m.d.comb += a2.eq(lines.a_word)
        three = self._stage(m, 3, {"a": a2} | {name: two[name] for name in ("o", "k", "upper")})

        # 3: what addresses the ROM: the number of the element, or what was read; b is here.
        table_index = Signal(7)
        rest = Signal(SIGMOID_REST)
        late = Signal(4)
        distance = table_entry(m, totals, row2, three["a"], table_index, rest, late)
        b3 = Signal(signed(SUM))
        walk = Signal(ROM_ADDRESS)
        m.d.comb += b3.eq(lines.b_word)
        with m.Switch(row2.rom_walk):
            with m.Case(RomWalk.ROTARY):
                m.d.comb += walk.eq(self.turn + Cat(three["k"] ^ three["o"][0], three["o"][1:]))
            with m.Case(RomWalk.TOKEN):
                m.d.comb += walk.eq(self.token)
            with m.Default():
                m.d.comb += walk.eq(three["o"])
        kept = {"a": three["a"], "b": b3, "rest": rest, "late": late, "k": three["k"], "far": distance,
                "minus": three["k"] & ~three["o"][0], "upper": three["upper"]}  # fmt: skip
        tabled = row2.value == Value.DELTA
        four = self._stage(m, 4, kept | {"index": table_index, "linear": (row2.rom + walk)[:ROM_ADDRESS]})
        tabled4 = Signal(reset_less=True)
        m.d.sync += tabled4.eq(tabled)

        # 4: a word of the ROM is addressed, in the middle of the cycle.
        place = Signal(ROM_ADDRESS)
        m.d.comb += place.eq(Mux(tabled4, row4.rom + (four["index"] << 1), four["linear"]))
        words = self._rom(m, place, stages[3])
        five = self._stage(m, 5, {name: four[name] for name in kept})

        # 5: its row is read, and two words of it are kept; a sum comes.
        six = self._stage(m, 6, five | {"sum": scaled(m, row4, self.sum)})
        low5 = Signal(reset_less=True)
        low6 = Signal(reset_less=True)
        m.d.sync += [low5.eq(place[0]), low6.eq(low5)]

        # 6: operands.
        word = Signal(WORD)
        m.d.comb += word.eq(words.word_select(low6, WORD))
        value = Signal(signed(SUM + 1), reset_less=True)
        factor = Signal(signed(WORD), reset_less=True)
        shift = Signal(SHIFT_BITS, reset_less=True)
        accumulate = Signal(reset_less=True)
        operands(m, totals, self.beta, row6, six, word, words, value, factor)

        def of(register: Any) -> Any:
            return totals.of(register, row4.context)

        base = Signal(signed(9), reset_less=True)
        m.d.sync += base.eq(row4.shift + of(row4.plus) - of(row4.minus) - of(row4.minus2))
        added = Signal(signed(6))
        with m.Switch(row6.element):
            with m.Case(Element.ROM):
                m.d.comb += added.eq(word[12:])
            with m.Case(Element.KEY):
                m.d.comb += added.eq(-six["b"][:4])
            with m.Case(Element.VALUE):
                m.d.comb += added.eq(-six["b"][4:8])
        m.d.sync += [
            shift.eq(base + added + (LEFT_SHIFT - 1)), accumulate.eq((row6.walk == Walk.PAIR) & six["k"]),
        ]  # fmt: skip
        side = Signal(signed(SUM))
        m.d.comb += side.eq(Mux(row6.value == Value.DELTA, words[:WORD], six["b"]))

        # 7 to 11: product, shift, rounding.
        k7 = Signal(reset_less=True)
        m.d.sync += k7.eq(six["k"])
        m.d.comb += [
            rescale.valid.eq(stages[6] & (k7 | (row6.walk != Walk.PAIR))), rescale.value.eq(value),
            rescale.factor.eq(factor), rescale.shift.eq(shift), rescale.accumulate.eq(accumulate),
            rescale.down.eq(row6.value == Value.DELTA), rescale.width.eq(row6.width),
        ]  # fmt: skip
        beside = {"side": side, "late": six["late"]}
        for n in range(7, 8 + RESCALE):
            beside = self._stage(m, n, beside)

        # 12: what follows.
        delta = row12.value == Value.DELTA
        exponential = delta & ((row12.special[:2] == Table.EXP) | (row12.special[:2] == Table.EXP_DISTANCE))
        total = Signal(signed(SUM + 1))
        m.d.comb += total.eq(rescale.out + beside["side"])
        result = Signal(signed(SUM), reset_less=True)
        faded = Signal(WORD)
        m.d.comb += faded.eq(total[:WORD] >> Mux(exponential, beside["late"], 0))
        with m.If(delta):
            m.d.sync += result.eq(Mux(row12.post == Post.DRAW, faded >> (EXPONENTIAL - DRAW_BITS), faded))
        with m.Elif(row12.post == Post.ADD):
            most = (1 << (SUM - 1)) - 1
            m.d.sync += result.eq(Mux(total > most, most, Mux(total < ~most, ~most, total)))
        with m.Else():
            m.d.sync += result.eq(rescale.out)
        done = Signal()
        m.d.sync += done.eq(rescale.out_valid)

        # 13: it is written, and taken into account.
        number = Signal.like(o, reset_less=True)
        target = Signal(WORD_ADDRESS)
        m.d.comb += [
            target.eq(row12.d + Mux(row12.walk == Walk.SPREAD, number << 1, number)),
            lines.write.eq(done & (row12.dest == Dest.MEMORY)), lines.to.eq(target), lines.data.eq(result),
            lines.far.eq(row12.walk == Walk.SPREAD), lines.last.eq(lasts[WRITTEN - 1]),
        ]  # fmt: skip
        bank = Signal(8, reset_less=True)
        within = Signal(WORD_ADDRESS, reset_less=True)
        in_rom = row12.dest == Dest.ROM_BYTES
        out = self.activation
        m.d.comb += [
            out.valid.eq(done), out.dest.eq(row12.dest), out.bank.eq(bank), out.value.eq(result),
            out.digits.eq(result), out.byte.eq(row12.d + Mux(in_rom, within, number)),
            totals.valid.eq(done), totals.row.eq(row12), totals.ended.eq(row14), totals.result.eq(result),
            totals.at.eq(target),
            totals.first.eq((number == 0) & fresh_at[-2]), totals.number.eq(number),
            totals.draw.eq(self.draw),
        ]  # fmt: skip
        m.d.comb += [
            totals.finish.eq(lasts[WRITTEN]),
            self.selected.eq(lasts[WRITTEN] & (row14.reduce == Reduce.SELECT)),
        ]  # fmt: skip
        with m.If(firsts[WRITTEN - 2]):
            m.d.sync += [number.eq(0), bank.eq(self.skipped), within.eq(0)]
        with m.Elif(done):
            m.d.sync += [number.eq(number + 1), within.eq(within + 1)]
            with m.If(within == row12.b - 1):
                m.d.sync += [within.eq(0), bank.eq(bank + 1)]
        return m

    def _stage(self, m: Module, number: int, values: dict[str, object]) -> dict[str, Signal]:
        """The same values a cycle later."""
        out = {}
        for name, value in values.items():
            out[name] = Signal(value.shape(), name=f"{name}{number}", reset_less=True)  # type: ignore[attr-defined]
            m.d.sync += out[name].eq(value)
        return out

    def _rom(self, m: Module, at: Signal, valid: object) -> Signal:
        """The even word addressed and the one behind it, two cycles later.

        It is addressed by registers of the falling edge, and read in the cycle behind that.
        """
        held = Signal.like(at, name="rom_at", reset_less=True)
        m.d.low += held.eq(at)
        for n, pins in enumerate(self.rom):
            enable = Signal(name=f"rom_enable{n}")
            m.d.low += enable.eq(valid & (at[ON_ROW + 8 :] == n if self.rom_banks > 1 else 1))  # type: ignore[operator]
            address(m, held[ON_ROW : ON_ROW + 8], pins.a, pins.b_n)
            m.d.comb += pins.enable.eq(enable)
        later = Signal.like(at, name="rom_row", reset_less=True)
        m.d.sync += later.eq(at)
        q = Signal(128)
        with m.Switch(later[ON_ROW + 8 :] if self.rom_banks > 1 else 0):
            for n, pins in enumerate(self.rom):
                with m.Case(n):
                    m.d.comb += q.eq(~pins.q)
        words = Signal(2 * WORD, reset_less=True)
        m.d.sync += words.eq(q.word_select(later[1:ON_ROW], 2 * WORD))
        return words
