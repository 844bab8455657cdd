"""Parts of a lane of the vector unit: the multiplier with its shifter, and the exponent of a vector."""

__all__ = ["Largest", "Rescale"]

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import ACTIVATION, LARGEST_SHIFT, LEFT_SHIFT, SUM, WORD

SHIFT_BITS = 6  # of what the shifter is told: LEFT_SHIFT - 1 more than the shift to the right


class Width(enum.Enum, shape=2):  # type: ignore[call-arg]
    """To how many bits a result saturates."""

    MANTISSA = 0
    WORD = 1
    SUM = 2


WIDTHS = {Width.MANTISSA: ACTIVATION, Width.WORD: WORD, Width.SUM: SUM}


class Rescale(wiring.Component):
    """saturate(round(value * factor / 2 ** shift)): one result a cycle, three cycles after its operands.

    It is `golden.vector.rescale` with `golden.arith.saturate`, for every shift that the former takes.

    Attributes:
        valid, value, factor: Operands.
        shift: To the right, plus 15.
        width: Of the result.
        out_valid, out: The result.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1), "value": In(signed(SUM)), "factor": In(signed(WORD)), "shift": In(SHIFT_BITS),
                "width": In(Width), "out_valid": Out(1), "out": Out(signed(SUM)),
            }
        )  # fmt: skip
        assert LARGEST_SHIFT + LEFT_SHIFT - 1 < 1 << SHIFT_BITS

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # 1: the product.
        product = Signal(signed(SUM + WORD), reset_less=True)
        shift = Signal(SHIFT_BITS, reset_less=True)
        width1 = Signal(Width, reset_less=True)
        valid1 = Signal()
        m.d.sync += [
            product.eq(self.value * self.factor), shift.eq(self.shift), width1.eq(self.width),
            valid1.eq(self.valid),
        ]  # fmt: skip
        # 2: shifted, with one bit below for rounding; of what is above the widest result, whether it is sign.
        wide = Signal(signed(SUM + WORD + LEFT_SHIFT))
        m.d.comb += wide.eq((product << LEFT_SHIFT) >> shift)
        keep = SUM + 1
        near = Signal(signed(keep), reset_less=True)
        beyond = Signal(reset_less=True)
        negative = Signal(reset_less=True)
        width2 = Signal(Width, reset_less=True)
        valid2 = Signal()
        top = wide[keep - 1 :]
        m.d.sync += [
            near.eq(wide), beyond.eq(top.any() & ~top.all()), negative.eq(wide[-1]), width2.eq(width1),
            valid2.eq(valid1),
        ]  # fmt: skip
        # 3: rounded and saturated.
        rounded = Signal(signed(keep))
        m.d.comb += rounded.eq((near + 1) >> 1)
        out = Signal(signed(SUM), reset_less=True)
        out_valid = Signal()
        m.d.sync += out_valid.eq(valid2)
        with m.Switch(width2):
            for width, bits in WIDTHS.items():
                with m.Case(width):
                    above = rounded[bits - 1 :]
                    over = beyond | (above.any() & ~above.all())
                    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
                    m.d.sync += out.eq(Mux(over, Mux(negative, least, most), rounded))
        m.d.comb += [self.out.eq(out), self.out_valid.eq(out_valid)]
        return m


class Largest(wiring.Component):
    """The exponent with which the mantissas of a vector fit: as `golden.vector.mantissas` finds it.

    Args:
        bits: Of an element.

    Attributes:
        valid, value: An element.
        first: With `valid`: of a new vector.
        exponent: For mantissas of 8 bits, of the elements up to the cycle before.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(
            {
                "valid": In(1), "first": In(1), "value": In(signed(bits)),
                "exponent": Out(range(bits - ACTIVATION + 2)),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        seen = Signal(self.bits, reset_less=True)
        size = Signal(self.bits)
        m.d.comb += size.eq(Mux(self.value < 0, -self.value, self.value))
        with m.If(self.valid):
            m.d.sync += seen.eq(Mux(self.first, 0, seen) | size)
        # A bit of the size that is set asks for the exponent that leaves it below the sign.
        above = Cat(seen[n:].any() for n in range(ACTIVATION - 1, self.bits))
        with m.Switch(above):
            for e in range(len(above) + 1):
                with m.Case((1 << e) - 1):
                    m.d.comb += self.exponent.eq(e)
        return m
