"""Parts of a lane of the vector unit: the multiplier with its shifter, and the exponent of a vector."""

__all__ = ["Largest", "Rescale"]

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import LEFT_SHIFT, SUM, WORD
from rtl_gen.golden.vec_isa import LESS, Width

SHIFT_BITS = 6  # of what the shifter is told: LEFT_SHIFT - 1 more than the shift to the right
WIDTH_BITS = 3


class Rescale(wiring.Component):
    """saturate(round(value * factor / 2 ** shift)): one result a cycle, three cycles after its operands.

    It is `golden.vector.rescale` with `golden.arith.saturate`, for every shift that the former takes.

    Attributes:
        valid, value, factor: Operands; the value is a bit wider than a sum, as the difference of two is.
        accumulate: With `valid` or one cycle before: the product is added to the one before.
        shift: To the right, plus 15.
        down: Round down, not half up.
        width: Of the result, a `Width`.
        out_valid, out: The result.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1), "value": In(signed(SUM + 1)), "factor": In(signed(WORD)), "accumulate": In(1),
                "shift": In(SHIFT_BITS), "down": In(1), "width": In(WIDTH_BITS), "out_valid": Out(1),
                "out": Out(signed(SUM)),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # 1: the product.
        product = Signal(signed(SUM + 1 + WORD), reset_less=True)
        shift = Signal(SHIFT_BITS, reset_less=True)
        down1 = Signal(reset_less=True)
        down2 = Signal(reset_less=True)
        width1 = Signal(WIDTH_BITS, reset_less=True)
        valid1 = Signal()
        m.d.sync += [
            product.eq(Mux(self.accumulate, product, 0) + self.value * self.factor), shift.eq(self.shift),
            width1.eq(self.width), valid1.eq(self.valid), down1.eq(self.down),
        ]  # fmt: skip
        # 2: shifted, with one bit below for rounding; of what is above the widest result, whether it is sign.
        wide = Signal(signed(SUM + 1 + WORD + LEFT_SHIFT))
        m.d.comb += wide.eq((product << LEFT_SHIFT) >> shift)
        keep = SUM + 1
        near = Signal(signed(keep), reset_less=True)
        beyond = Signal(reset_less=True)
        negative = Signal(reset_less=True)
        width2 = Signal(WIDTH_BITS, reset_less=True)
        valid2 = Signal()
        top = wide[keep - 1 :]
        m.d.sync += [
            near.eq(wide), beyond.eq(top.any() & ~top.all()), negative.eq(wide[-1]), width2.eq(width1),
            valid2.eq(valid1), down2.eq(down1),
        ]  # fmt: skip
        # 3: rounded and saturated.
        rounded = Signal(signed(keep))
        m.d.comb += rounded.eq((near + ~down2) >> 1)
        out = Signal(signed(SUM), reset_less=True)
        out_valid = Signal()
        m.d.sync += out_valid.eq(valid2)
        with m.Switch(width2):
            for width in Width:
                with m.Case(width):
                    above = rounded[width.bits - 1 :]
                    over = beyond | (above.any() & ~above.all())
                    least, most = -(1 << (width.bits - 1)), (1 << (width.bits - 1)) - 1
                    m.d.sync += out.eq(Mux(over, Mux(negative, least, most), rounded))
        m.d.comb += [self.out.eq(out), self.out_valid.eq(out_valid)]
        return m


class Largest(wiring.Component):
    """The exponent with which the mantissas of a vector fit: as `golden.vector.mantissas` finds it.

    Attributes:
        valid, value: An element.
        first: With `valid`: of a new vector.
        less: Which of `LESS`: how wide mantissas are to be.
        exponent: Of the elements up to the cycle before.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1), "first": In(1), "value": In(signed(SUM)), "less": In(2),
                "exponent": Out(range(SUM - min(LESS) + 1)),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        seen = Signal(SUM, reset_less=True)
        size = Signal(SUM)
        m.d.comb += size.eq(Mux(self.value < 0, -self.value, self.value))
        with m.If(self.valid):
            m.d.sync += seen.eq(Mux(self.first, 0, seen) | size)
        # A bit of the size that is set asks for the exponent that leaves it below the sign.
        with m.Switch(self.less):
            for n, less in enumerate(LESS):
                with m.Case(n):
                    above = Cat(seen[n:].any() for n in range(less, SUM))
                    with m.Switch(above):
                        for e in range(len(above) + 1):
                            with m.Case((1 << e) - 1):
                                m.d.comb += self.exponent.eq(e)
        return m
