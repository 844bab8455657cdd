"""Columns of multiply-accumulate: exact sums, which leave while the next ones grow."""

__all__ = ["SLOT_BITS", "ByteProducts", "Plane", "SlotProducts", "Sums"]

import enum

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.ports import ACTIVATION_BITS

SLOT_BITS = 4  # of a row for each column
MULTIPLE_BITS = ACTIVATION_BITS + SLOT_BITS
PLANE_BITS = 3
PHASE_BITS = 2


class Sums(wiring.Component):
    """A sum a column. At the end of a pass all are taken into a second set of registers, and read from there.

    Args:
        columns: How many.
        rows: Products of a column in a cycle.
        product_bits, sum_bits: Widths, signed.

    Attributes:
        products: [column][row].
        accumulate: Add the products.
        first: With `accumulate`: to zero, not to the sum so far.
        take: The sums that are there now are to be held.
        index: Which held sum `held` shows.
    """

    def __init__(self, columns: int, rows: int, product_bits: int, sum_bits: int) -> None:
        self.columns, self.rows, self.sum_bits = columns, rows, sum_bits
        super().__init__(
            {
                "products": In(signed(product_bits)).array(columns, rows),
                "accumulate": In(1),
                "first": In(1),
                "take": In(1),
                "index": In(max(1, (columns - 1).bit_length())),
                "held": Out(signed(sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held = []
        for j in range(self.columns):
            total = Signal(signed(self.sum_bits), name=f"sum{j}", reset_less=True)
            kept = Signal(signed(self.sum_bits), name=f"held{j}", reset_less=True)
            with m.If(self.accumulate):
                m.d.sync += total.eq(Mux(self.first, 0, total) + sum(self.products[j]))
            with m.If(self.take):
                m.d.sync += kept.eq(total)
            held.append(kept)
        m.d.comb += self.held.eq(Array(held)[self.index])
        return m


class Plane(enum.IntEnum):
    """How the four bits that a row has for a column are read: width and sign of a weight's digit.

    A row of digits of 2 bits has two inputs for each activation of a step, of 1 bit four.
    """

    SIGNED4 = 0
    UNSIGNED4 = 1
    SIGNED2 = 2
    UNSIGNED2 = 3
    UNSIGNED1 = 4

    @classmethod
    def of(cls, width: int, signed: bool) -> "Plane":
        """The plane of digits of a width and a sign; ValueError if there is none."""
        for plane in cls:
            if plane.name == f"{'' if signed else 'UN'}SIGNED{width}":
                return plane
        raise ValueError(f"no plane of {'signed' if signed else 'unsigned'} digits of {width} bits")


class SlotProducts(wiring.Component):
    """Products of int8 activations and the four bits that a row has for each column.

    A product is the sum of two selections, one by the two low bits and one by the two high ones, each of
    three shared multiples or 0. What a plane of codes means is in these multiples alone, formed once and
    registered:

    | plane | low bits select | high bits select |
    |---|---|---|
    | signed 4 | x, 2x, 3x | 4x, -8x, -4x |
    | unsigned 4 | x, 2x, 3x | 4x, 8x, 12x |
    | signed 2 | a, -2a, -a | b, -2b, -b |
    | unsigned 2 | a, 2a, 3a | b, 2b, 3b |
    | unsigned 1 | a, b, a + b | c, d, c + d |

    Inputs of a row that are not those of this step count as 0.

    Attributes:
        x: Activations, a cycle before their slots.
        plane: Likewise.
        phase: Likewise: which activations of the row they are, 0 the first.
        slots: Row after row, column 0 lowest.
        products: [column][row], with the slots.
    """

    BITS = MULTIPLE_BITS

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(ACTIVATION_BITS), rows)),
                "plane": In(PLANE_BITS),
                "phase": In(PHASE_BITS),
                "slots": In(SLOT_BITS * columns * rows),
                "products": Out(signed(self.BITS)).array(columns, rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for r in range(self.rows):
            low, high = self._multiples(m, r)
            for j in range(self.columns):
                slot = self.slots.word_select(r * self.columns + j, SLOT_BITS)
                m.d.comb += self.products[j][r].eq(Array(high)[slot[2:]] + Array(low)[slot[:2]])
        return m

    def _input(self, m: Module, r: int, width: int, number: int) -> Signal:
        """Input `number` of row r in a plane of a width, or 0 if it is not one of this step's."""
        at = r * (SLOT_BITS // width) + number
        x = Signal(signed(ACTIVATION_BITS), name=f"input{r}_{width}_{number}")
        m.d.comb += x.eq(Mux(self.phase == at // self.rows, self.x[at % self.rows], 0))
        return x

    def _multiples(self, m: Module, r: int) -> tuple[list[Value], list[Value]]:
        a, b = (self._input(m, r, 2, n) for n in range(2))
        e = [self._input(m, r, 1, n) for n in range(4)]
        wide = self.plane <= Plane.UNSIGNED4
        is_signed = (self.plane == Plane.SIGNED4) | (self.plane == Plane.SIGNED2)
        low = Signal(signed(ACTIVATION_BITS), name=f"low{r}")
        high = Signal(signed(ACTIVATION_BITS + 2), name=f"high{r}")
        m.d.comb += [low.eq(Mux(wide, self.x[r], a)), high.eq(Mux(wide, self.x[r] << 2, b))]
        names = [f"{half}{r}_{n}" for half in ("low", "high") for n in (1, 2, 3)]
        widths = [MULTIPLE_BITS - 2] * 3 + [MULTIPLE_BITS] * 3
        kept = [Signal(signed(w), name=n, reset_less=True) for n, w in zip(names, widths, strict=True)]
        with m.If(self.plane == Plane.UNSIGNED1):
            m.d.sync += [k.eq(v) for k, v in zip(kept, (*_both(e[0], e[1]), *_both(e[2], e[3])), strict=True)]
        with m.Else():
            m.d.sync += [k.eq(v) for k, v in zip(kept, (
                *_digits(low, is_signed & ~wide), *_digits(high, is_signed),
            ), strict=True)]  # fmt: skip
        return [Const(0), *kept[:3]], [Const(0), *kept[3:]]


def _digits(x: Signal, negative: Value) -> tuple[Value, Value, Value]:
    """x times 1, 2, 3; with `negative` times 1, -2, -1."""
    return x, Mux(negative, -(x << 1), x << 1), Mux(negative, -x, (x << 1) + x)


def _both(x: Signal, y: Signal) -> tuple[Value, Value, Value]:
    return x, y, x + y


class ByteProducts(wiring.Component):
    """Products of one int8 activation and int8 words.

    Attributes:
        x: The activation, a cycle before its words.
        words: Column 0 lowest.
        products: [column][0], with the words.
    """

    BITS = 2 * ACTIVATION_BITS

    def __init__(self, columns: int) -> None:
        self.columns = columns
        super().__init__(
            {
                "x": In(signed(ACTIVATION_BITS)),
                "words": In(ACTIVATION_BITS * columns),
                "products": Out(signed(self.BITS)).array(columns, 1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x = Signal(signed(ACTIVATION_BITS), reset_less=True)
        m.d.sync += x.eq(self.x)
        for j in range(self.columns):
            word = self.words.word_select(j, ACTIVATION_BITS).as_signed()
            m.d.comb += self.products[j][0].eq(x * word)
        return m
