"""Parts of a lane against the golden model's functions."""

import numpy as np
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden.arith import saturate
from rtl_gen.golden.formats import LARGEST_SHIFT, LEFT_SHIFT
from rtl_gen.golden.vec_isa import LESS, Width
from rtl_gen.golden.vector import mantissas, rescale
from rtl_gen.tiles.lane import RESCALE, Largest, Rescale
from rtl_gen.tiles.verilog import component_verilog


def run_rescale(operands):
    unit, got = Rescale(), []

    async def drive(ctx):
        for n in range(len(operands) + RESCALE + 1):
            ctx.set(unit.valid, n < len(operands))
            value, factor, shift, width = operands[min(n, len(operands) - 1)]
            ctx.set(unit.value, value)
            ctx.set(unit.factor, factor)
            ctx.set(unit.shift, shift + LEFT_SHIFT - 1)
            ctx.set(unit.width, width)
            await ctx.tick()
            if ctx.get(unit.out_valid):
                got.append(ctx.get(unit.out))

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return got


def expected(operands):
    return [int(saturate(rescale(np.array(v) * f, s), w.bits)) for v, f, s, w in operands]


EDGES = [-(1 << 23), -(1 << 23) + 1, -129, -128, -1, 0, 1, 127, 128, (1 << 23) - 1]
WORDS = st.integers(-(1 << 15), (1 << 15) - 1)
OPERAND = st.tuples(
    st.integers(-(1 << 23), (1 << 23) - 1) | st.sampled_from(EDGES),
    st.integers(-(1 << 15), (1 << 15) - 1) | st.sampled_from([-(1 << 15), -1, 0, 1, (1 << 15) - 1]),
    st.integers(1 - LEFT_SHIFT, LARGEST_SHIFT),
    st.sampled_from(Width),
)


@settings(max_examples=12, deadline=None)
@given(st.lists(OPERAND, min_size=20, max_size=60))
def test_every_product_is_shifted_rounded_and_saturated_as_the_golden_model_does(operands):
    assert run_rescale(operands) == expected(operands)


def test_all_shifts_of_the_extremes():
    operands = [
        (value, factor, shift, width)
        for value in (-(1 << 23), -1, 1, (1 << 23) - 1)
        for factor in (-(1 << 15), (1 << 15) - 1, 1)
        for shift in range(1 - LEFT_SHIFT, LARGEST_SHIFT + 1)
        for width in Width
    ]
    assert run_rescale(operands) == expected(operands)


def test_halves_are_rounded_up():
    operands = [(v, 1, 1, Width.MANTISSA) for v in (-3, -2, -1, 0, 1, 2, 3)]
    assert run_rescale(operands) == [-1, -1, 0, 0, 1, 1, 2]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=6), st.sampled_from(range(3)))
def test_the_exponent_of_a_vector_is_the_least_with_which_it_fits(vectors, less):
    unit, got = Largest(), []

    async def drive(ctx):
        ctx.set(unit.less, less)
        for vector in vectors:
            for n, value in enumerate(vector):
                ctx.set(unit.valid, 1)
                ctx.set(unit.first, n == 0)
                ctx.set(unit.value, value >> (3 * n))
                await ctx.tick()
            ctx.set(unit.valid, 0)
            ctx.set(unit.value, -(1 << 15))
            await ctx.tick()
            got.append(ctx.get(unit.exponent))

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    scaled = [[value >> (3 * n) for n, value in enumerate(vector)] for vector in vectors]
    assert got == [int(mantissas(np.array(v), LESS[less] + 1)[1][0]) for v in scaled]


def test_a_size_of_128_needs_the_next_exponent_whatever_its_sign():
    for value, exponent in ((127, 0), (-127, 0), (128, 1), (-128, 1), (-32768, 9), (32767, 8)):
        assert int(mantissas(np.array([value]))[1][0]) == exponent


def test_two_products_are_added_before_they_are_rounded_and_a_rest_can_be_dropped():
    unit, got = Rescale(), []
    pairs = [(3, 5, -7, 9, 2), (-1000, 2047, 999, -2047, 11), (1, 1, 1, 1, 3)]

    async def drive(ctx):
        ctx.set(unit.width, Width.SUM)
        for a, f, b, g, shift in pairs:
            for down in (0, 1):
                ctx.set(unit.down, down)
                ctx.set(unit.shift, shift + LEFT_SHIFT - 1)
                for n, (value, factor) in enumerate(((a, f), (b, g))):
                    ctx.set(unit.valid, n)
                    ctx.set(unit.accumulate, n)
                    ctx.set(unit.value, value)
                    ctx.set(unit.factor, factor)
                    await ctx.tick()
                ctx.set(unit.valid, 0)
                await ctx.tick().repeat(RESCALE - 1)
                got.append(ctx.get(unit.out))

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    want = [
        (a * f + b * g + (0 if down else 1 << (s - 1))) >> s for a, f, b, g, s in pairs for down in (0, 1)
    ]
    assert got == want


def test_verilog_is_the_same_each_time():
    assert component_verilog(Rescale(), "scf_rescale") == component_verilog(Rescale(), "scf_rescale")
