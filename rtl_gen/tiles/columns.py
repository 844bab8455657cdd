"""Columns of multiply-accumulate: exact sums, which leave while the next ones grow."""

__all__ = ["Columns"]

from amaranth.hdl import Array, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.ports import ACTIVATION_BITS

CODE_BITS = 4
MULTIPLE_BITS = ACTIVATION_BITS + 2


class Columns(wiring.Component):
    """`columns` sums of products of int8 activations and 4-bit codes.

    What depends on an activation alone is formed once and registered: x, 3x, -x; 2x and -2x are wires. A code
    is 4 * high + low with high in -2 .. 1 and low in 0 .. 3, so a product is two 4-way selections. All
    products of a cycle and the sum before meet in one adder. At the end of a pass all sums are taken into a
    second set of registers at once, from which they are read one a cycle.

    Args:
        columns: Codes on a row.
        rows: Rows a cycle.
        sum_bits: Width of a sum; exact for 2 ** (sum_bits - 11) - 1 inputs a pass.

    Attributes:
        x: Activations, a cycle before their codes.
        codes: Row after row, column 0 lowest.
        accumulate: With `codes`: add their products.
        first: With `accumulate`: to zero, not to the sum so far.
        take: The sums that are there now are to be held.
        index: Which held sum `held` shows.
    """

    def __init__(self, columns: int, rows: int, sum_bits: int) -> None:
        self.columns, self.rows, self.sum_bits = columns, rows, sum_bits
        super().__init__(
            {
                "x": In(data.ArrayLayout(signed(ACTIVATION_BITS), rows)),
                "codes": In(CODE_BITS * columns * rows),
                "accumulate": In(1),
                "first": In(1),
                "take": In(1),
                "index": In(max(1, (columns - 1).bit_length())),
                "held": Out(signed(sum_bits)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        chosen = []
        for r in range(self.rows):
            x = self.x[r]
            one = Signal(signed(ACTIVATION_BITS), name=f"one{r}", reset_less=True)
            three = Signal(signed(MULTIPLE_BITS), name=f"three{r}", reset_less=True)
            minus = Signal(signed(ACTIVATION_BITS + 1), name=f"minus{r}", reset_less=True)
            m.d.sync += [one.eq(x), three.eq((x << 1) + x), minus.eq(-x)]
            low = Array([Signal(signed(MULTIPLE_BITS), name=f"low{r}_{i}") for i in range(4)])
            high = Array([Signal(signed(MULTIPLE_BITS), name=f"high{r}_{i}") for i in range(4)])
            m.d.comb += [low[i].eq(v) for i, v in enumerate((0, one, one << 1, three))]
            m.d.comb += [high[i].eq(v) for i, v in enumerate((0, one, minus << 1, minus))]
            chosen.append((low, high))
        held = Array(
            [Signal(signed(self.sum_bits), name=f"held{j}", reset_less=True) for j in range(self.columns)]
        )
        for j in range(self.columns):
            total = Signal(signed(self.sum_bits), name=f"sum{j}", reset_less=True)
            products = 0
            for r, (low, high) in enumerate(chosen):
                code = self.codes.word_select(r * self.columns + j, CODE_BITS)
                product = Signal(signed(MULTIPLE_BITS + 2), name=f"product{r}_{j}")
                m.d.comb += product.eq((high[code[2:]] << 2) + low[code[:2]])
                products = products + product
            with m.If(self.accumulate):
                m.d.sync += total.eq(Mux(self.first, 0, total) + products)
            with m.If(self.take):
                m.d.sync += held[j].eq(total)
        m.d.comb += self.held.eq(held[self.index])
        return m
