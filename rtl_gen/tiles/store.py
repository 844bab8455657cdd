"""Memories of the vec tile over SRAM macros of one address: reads and writes take turns."""

__all__ = ["LINE", "Bank", "Lines", "sram_macros"]

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import SUM
from rtl_gen.golden.vec_isa import LANE, LINE
from rtl_gen.tiles.macro import address, ram_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS

LINE_BITS = SUM * LINE
LOW = LINE.bit_length() - 1
BYTE = 8
MOST_ROWS = 128  # of a macro; half a period is too short to read a higher one


def sram_macros(rows: int) -> tuple[int, int]:
    """How many rows an SRAM macro has, and how many macros there are, if that many rows are needed."""
    count = -(-rows // MOST_ROWS)
    step = 8 if rows <= 32 else 32
    return (MOST_ROWS if count > 1 else -(-rows // step) * step), count


class Bank(wiring.Component):
    """Activations of a row of tiles: a word of two bytes is read, or bytes are written.

    Args:
        words: Of two bytes.

    Attributes:
        read, at, word: A word is addressed; it is here in the next cycle.
        write, to, data: Bytes of a word that are written. Not in a cycle with `read`.
        macros: Pins of the macros.
    """

    def __init__(self, words: int) -> None:
        rows, count = sram_macros(words)
        width = 2 * ACTIVATION_BITS
        super().__init__(
            {
                "read": In(1), "at": In(16), "word": Out(width), "write": In(2), "to": In(LANE["a"]),
                "data": In(width), "macros": Out(ram_pins(rows, width)).array(count),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        at = Signal(max(len(self.at), len(self.to)))
        m.d.comb += at.eq(Mux(self.read, self.at, self.to))
        q = Signal(len(self.word))
        _drive(m, self.macros, at, self.read, self.write, self.data, q)
        word = Signal.like(self.word, reset_less=True)
        m.d.sync += word.eq(q)
        m.d.comb += self.word.eq(word)
        return m


class Lines(wiring.Component):
    """M: words in lines of four. Two streams of words are read and one is written, a word per cycle each.

    The elements of a row follow each other, so a stream needs a line in every fourth cycle. The line of b is
    read one cycle after that of a, and b begins a line where it is read. Written words are collected to
    lines, which wait for a free cycle. With the idle cycles that the lane has between rows (`LANE_GAP`,
    `SHORTEST`, `pause`) one line that waits and one that is collected are enough.

    Args:
        words: As many as are needed.

    Attributes:
        a, a_new, a_at: The line of this word is read if it is another than that of the word before.
        a_word: The word addressed in the cycle before.
        b, b_new, b_at, b_word: The same of the other stream, one cycle later.
        write, to, far, last, data: A word is written; `far` if the next is two words on; `last` of
            its row.
        busy: There are words that have not been written.
        macros: Pins of the macros.
    """

    def __init__(self, words: int) -> None:
        rows, count = sram_macros(-(-words // LINE))
        at, flag, word = In(LANE["a"]), In(1), Out(SUM)
        super().__init__(
            {
                "a": flag, "a_new": flag, "a_at": at, "a_word": word,
                "b": flag, "b_new": flag, "b_at": at, "b_word": word,
                "write": flag, "to": at, "far": flag, "last": flag, "data": In(SUM), "busy": Out(1),
                "macros": Out(ram_pins(rows, LINE_BITS)).array(count),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        q = Signal(LINE_BITS)
        read_a = Signal()
        read_b = Signal()
        m.d.comb += [read_a.eq(self.a & self.a_new), read_b.eq(self.b & self.b_new)]
        for name, read in (("a", read_a), ("b", read_b)):
            line = Signal(LINE_BITS, name=f"line_{name}", reset_less=True)
            low = Signal(LOW, name=f"low_{name}", reset_less=True)
            with m.If(read):
                m.d.sync += line.eq(q)
            m.d.sync += low.eq(getattr(self, f"{name}_at")[:LOW])
            m.d.comb += getattr(self, f"{name}_word").eq(line.word_select(low, SUM))

        full = Signal()
        whole = Signal()
        line, mask, to = self._collect(m, full, whole)
        turn = Signal()
        m.d.comb += [turn.eq(full & ~read_a & ~read_b), whole.eq(~full | turn)]
        number = Mux(read_a, self.a_at[LOW:], Mux(read_b, self.b_at[LOW:], to))
        parts = Cat(bit.replicate(SUM // BYTE) for bit in mask)
        _drive(m, self.macros, number, read_a | read_b, Mux(turn, parts, 0), line, q)
        return m

    def _collect(self, m: Module, full: Signal, free: Signal) -> tuple[Signal, Signal, Signal]:
        """Words to lines; returns the one that waits to be written while `full`."""
        line = Signal(LINE_BITS, reset_less=True)
        mask = Signal(LINE)
        to = Signal(LANE["a"] - LOW, reset_less=True)
        kept = Signal(LINE_BITS, reset_less=True)
        have = Signal(LINE)
        number = Signal.like(to, reset_less=True)
        complete = Signal()  # what is kept waits for the line before it
        low = self.to[:LOW]
        ends = Signal()
        m.d.comb += ends.eq(self.last | low.all() | self.far & low[-1])
        merged = Signal(LINE_BITS)
        parts = Signal(LINE)
        m.d.comb += parts.eq(Mux(complete, 0, have) | 1 << low)
        for n in range(LINE):
            word = slice(SUM * n, SUM * (n + 1))
            m.d.comb += merged[word].eq(Mux(low == n, self.data, kept[word]))
        with m.If(free):
            m.d.sync += full.eq(0)
        with m.If(free & complete):
            m.d.sync += [line.eq(kept), mask.eq(have), to.eq(number), full.eq(1), complete.eq(0), have.eq(0)]
        with m.If(self.write):
            m.d.sync += [kept.eq(merged), number.eq(self.to[LOW:]), have.eq(parts)]
            with m.If(ends & free & ~complete):
                m.d.sync += [line.eq(merged), mask.eq(parts), to.eq(self.to[LOW:]), full.eq(1), have.eq(0)]
            with m.Elif(ends):
                m.d.sync += complete.eq(1)
        m.d.comb += self.busy.eq(full | have.any())
        return line, mask, to


def _drive(
    m: Module, macros: list[wiring.PureInterface], at: Value, read: Value, write: Value, data: Value,
    q: Signal,
) -> None:  # fmt: skip
    """Address one of some macros, and give what it reads."""
    rows = len(macros[0].a) * len(macros[0].b_n)
    bits = (rows - 1).bit_length()
    row, bank = at[:bits], at[bits:]
    for n, pins in enumerate(macros):
        mine = Value.cast(bank == n if len(macros) > 1 else 1)
        address(m, row, pins.a, pins.b_n)
        m.d.comb += [
            pins.enable.eq(read & mine), pins.write.eq(Mux(mine, write, 0)), pins.d.eq(data),
        ]  # fmt: skip
    if len(macros) == 1:
        m.d.comb += q.eq(macros[0].q)
        return
    with m.Switch(bank):
        for n, pins in enumerate(macros):
            with m.Case(n):
                m.d.comb += q.eq(pins.q)
