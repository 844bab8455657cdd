"""The matrix-vector engine: one ROM row a cycle, every column multiplies and accumulates."""

__all__ = ["Engine"]

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal, signed

ACTIVATION_BITS = 8
SLOT_BITS = 4


class Engine(Elaboratable):
    """`columns` accumulators fed by one row of 4-bit weights.

    What depends on the activation alone is formed once: x, 2x, 3x, -x, -2x. A weight is
    4 * high + low with high in -2 .. 1 and low in 0 .. 3, so a column is two 4-way selections
    (one multiplexer cell a bit) and a three-operand sum. An idle cycle adds zero: gating the shared
    multiples costs 20 cells where an enable would cost one multiplexer for every accumulator bit.

    Args:
        columns: Weights on a row.
        column_bits: Width of an accumulator; the caller makes it wide enough for exact sums.

    Attributes:
        activation: In, signed 8 bits.
        weights: In, 4 bits a column, column 0 lowest.
        enable: In, accumulate this cycle.
        first: In, with enable: start from zero.
        sums: Out, one signed accumulator a column, a cycle later.
    """

    def __init__(self, columns: int, column_bits: int) -> None:
        self.columns, self.column_bits = columns, column_bits
        self.activation = Signal(signed(ACTIVATION_BITS))
        self.weights = Signal(SLOT_BITS * columns)
        self.enable = Signal()
        self.first = Signal()
        self.sums = [Signal(signed(column_bits), name=f"sum{j}", reset_less=True) for j in range(columns)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x = Signal(signed(ACTIVATION_BITS))
        restart = Signal()
        m.d.comb += [
            x.eq(self.activation & self.enable.replicate(ACTIVATION_BITS)),
            restart.eq(self.enable & self.first),
        ]
        wide = ACTIVATION_BITS + 2
        low = Array([Signal(signed(wide), name=f"low{i}") for i in range(4)])
        high = Array([Signal(signed(wide), name=f"high{i}") for i in range(4)])
        for i, multiple in enumerate((0, x, x << 1, (x << 1) + x)):
            m.d.comb += low[i].eq(multiple)
        for i, multiple in enumerate((0, x, -(x << 1), -x)):
            m.d.comb += high[i].eq(multiple)
        for j, total in enumerate(self.sums):
            w = self.weights.word_select(j, SLOT_BITS)
            product = Signal(signed(wide + 2), name=f"product{j}")
            m.d.comb += product.eq((high[w[2:]] << 2) + low[w[:2]])
            m.d.sync += total.eq(Mux(restart, 0, total) + product)
        return m
