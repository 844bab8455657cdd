"""Parts of a lane of the vector unit: the multiplier with its shifter, and the exponent of a vector."""

__all__ = ["RESCALE", "Largest", "Rescale"]

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.formats import LEFT_SHIFT, SUM, WORD
from rtl_gen.golden.vec_isa import LESS, Width
from rtl_gen.tiles.multiply import carry_save

SHIFT_BITS = 6  # of what the shifter is told: LEFT_SHIFT - 1 more than the shift to the right
WIDTH_BITS = 3
RESCALE = 5  # cycles from operands to the result


class Rescale(wiring.Component):
    """saturate(round(value * factor / 2 ** shift)): one result a cycle, five cycles after its operands.

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
        valid = Signal(RESCALE)
        m.d.sync += valid.eq(Cat(self.valid, valid[:-1]))
        *_, shift = _delayed(m, self.shift, 2)
        *_, down = _delayed(m, self.down, 3)
        *_, width = _delayed(m, self.width, 4)
        # 1: the product, as two numbers; with those of the product before it if that is added.
        product = Signal(signed(SUM + 1 + WORD), reset_less=True)
        parts = [Signal(len(product), name=f"product{n}", reset_less=True) for n in range(2)]
        before = tuple(part & self.accumulate.replicate(len(part)) for part in parts)
        found = carry_save(m, self.value, self.factor, before)
        m.d.sync += [part.eq(number) for part, number in zip(parts, found, strict=True)]
        # 2: their sum.
        m.d.sync += product.eq(parts[0] + parts[1])
        # 3: shifted, with one bit below for rounding; of what is above the widest result, whether it is sign.
        wide = Signal(signed(SUM + 1 + WORD + LEFT_SHIFT))
        m.d.comb += wide.eq((product << LEFT_SHIFT) >> shift)
        keep = SUM + 1
        near = Signal(signed(keep), reset_less=True)
        beyond = Signal(reset_less=True)
        negative = Signal(reset_less=True)
        top = wide[keep - 1 :]
        m.d.sync += [
            near.eq(wide), beyond.eq(top.any() & ~top.all()), negative.eq(wide[-1]),
        ]  # fmt: skip
        # 4: rounded.
        rounded = Signal(signed(keep), reset_less=True)
        far = Signal(reset_less=True)
        below = Signal(reset_less=True)
        m.d.sync += [rounded.eq((near + ~down) >> 1), far.eq(beyond), below.eq(negative)]
        # 5: saturated.
        out = Signal(signed(SUM), reset_less=True)
        with m.Switch(width):
            for width in Width:
                with m.Case(width):
                    above = rounded[width.bits - 1 :]
                    over = far | (above.any() & ~above.all())
                    least, most = -(1 << (width.bits - 1)), (1 << (width.bits - 1)) - 1
                    m.d.sync += out.eq(Mux(over, Mux(below, least, most), rounded))
        m.d.comb += [self.out.eq(out), self.out_valid.eq(valid[-1])]
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


def _delayed(m: Module, value: Value, cycles: int) -> list[Signal]:
    """A value one, two ... cycles later."""
    out: list[Signal] = []
    for n in range(cycles):
        out.append(Signal(value.shape(), name=f"{value.name}{n + 1}", reset_less=True))
        m.d.sync += out[-1].eq(out[-2] if n else value)
    return out
