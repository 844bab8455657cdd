"""Columns of multiply-accumulate: exact sums, which leave while the next ones grow."""

__all__ = ["PLANE_BITS", "SLOT_BITS", "ByteProducts", "SlotProducts", "Sums"]

from amaranth.hdl import Array, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.tile import Plane
from rtl_gen.tiles.ports import ACTIVATION_BITS

SLOT_BITS = 4  # of a row for each column
MULTIPLE_BITS = ACTIVATION_BITS + 2
PLANE_BITS = 4


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


class SlotProducts(wiring.Component):
    """Products of int8 activations and the four bits that a row has for each column.

    A product is 4 * high + low, each selected by two of the bits: 0 or one of three shared multiples of the
    activation, formed once and registered. What a plane of codes means is in these multiples alone:

    | low or high half | multiples |
    |---|---|
    | unsigned, or the low half of signed digits of 4 bits | x, 2x, 3x |
    | signed | x, -2x, -x |
    | its lower bit alone | x, 0, x |
    | its upper bit alone | 0, x, x |
    | not read | 0, 0, 0 |

    Attributes:
        x: Activations, a cycle before their slots.
        plane: Likewise, the number of a `Plane`.
        slots: Row after row, column 0 lowest.
        products: [column][row], with the slots.
    """

    BITS = MULTIPLE_BITS + 2

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(ACTIVATION_BITS), rows)),
                "plane": In(PLANE_BITS),
                "slots": In(SLOT_BITS * columns * rows),
                "products": Out(signed(self.BITS)).array(columns, rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        told = [self._half(m, low) for low in (0, 2)]
        for r in range(self.rows):
            low, high = (self._multiples(m, r, *half) for half in told)
            for j in range(self.columns):
                slot = self.slots.word_select(r * self.columns + j, SLOT_BITS)
                m.d.comb += self.products[j][r].eq((high[slot[2:]] << 2) + low[slot[:2]])
        return m

    def _half(self, m: Module, low: int) -> tuple[str, Signal]:
        """What the plane makes of two bits: that they are signed, that it reads the lower, and the upper."""
        name = "high" if low else "low"
        told = Signal(3, name=f"{name}_half")
        with m.Switch(self.plane):
            for p in Plane:
                reads = [low + n in range(p.low, p.low + p.width) for n in range(2)]
                if any(reads):
                    negative = p.signed and p.low + p.width == low + 2
                    with m.Case(p.number):
                        m.d.comb += told.eq(negative | reads[0] << 1 | reads[1] << 2)
        return name, told

    def _multiples(self, m: Module, r: int, name: str, told: Signal) -> Array:
        x, (negative, lower, upper) = self.x[r], told
        both = lower & upper
        kept = [Signal(signed(MULTIPLE_BITS), name=f"{name}{r}_{n}", reset_less=True) for n in range(1, 4)]
        m.d.sync += [
            kept[0].eq(Mux(lower, x, 0)),
            kept[1].eq(Mux(both, Mux(negative, -(x << 1), x << 1), Mux(upper, x, 0))),
            kept[2].eq(Mux(both, Mux(negative, -x, (x << 1) + x), Mux(lower | upper, x, 0))),
        ]
        return Array([Const(0, signed(1)), *kept])


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
