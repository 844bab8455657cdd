"""Memories of the vec tile: macros with one address serve two streams that read and one that writes."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rtl_gen.golden.vec_isa import LINE
from rtl_gen.golden.vec_time import LANE_GAP, SHORTEST
from rtl_gen.tiles.store import Bank, Lines, sram_macros
from tests.rtl_gen.tiles.bench import Macro

WORDS = 64
DEPTH = 12  # cycles from a word that is addressed to the one that is written for it


class Bench(wiring.Component):
    def __init__(self, unit):
        self.unit = unit
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = self.unit
        for n, pins in enumerate(self.unit.macros):
            m.submodules[f"macro{n}"] = macro = Macro(pins.signature)
            wiring.connect(m, pins, macro.pins)
        return m


def simulate(unit, drive):
    sim = Simulator(Bench(unit))
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()


# A row: elements, words read and written from there on, whether b is read, whether every other word is meant.
ROW = st.tuples(
    st.integers(1, 13),
    st.integers(0, 31),
    st.integers(0, 31),
    st.integers(0, 31),
    st.booleans(),
    st.booleans(),
)


def timetable(rows):
    """Cycle by cycle: what is addressed, and what is written for it."""
    a, b, written = {}, {}, {}
    now = 0
    for n, at_a, at_b, to, with_b, far in rows:
        with_b &= not far
        if with_b:
            at_a, at_b = at_a // LINE * LINE, at_b // LINE * LINE
        step = 1 + far
        for o in range(n):
            a[now + o] = (
                at_a + step * o,
                o == 0 or (at_a + step * o) // LINE != (at_a + step * (o - 1)) // LINE,
            )
            if with_b:
                b[now + o + 1] = (at_b + o, o % LINE == 0)
            written[now + o + DEPTH] = (to + step * o, far, o == n - 1)
        now += max(n + LANE_GAP + (2 if far else to % LINE > 0), SHORTEST)
    return a, b, written, now + DEPTH + 6


@settings(max_examples=25, deadline=None, phases=(Phase.generate,))  # shrinking takes minutes
@given(st.booleans(), st.lists(ROW, min_size=4, max_size=12), st.integers(0, 999))
def test_streams_of_any_rows_are_read_and_written_as_if_there_were_three_ports(far, rows, seed):
    # Rows of every other word stand between rows that wait.
    rows = [(*row[:-1], far) for row in rows]
    a, b, written, cycles = timetable(rows)
    values = np.random.default_rng(seed).integers(0, 1 << 24, cycles)
    unit = Lines(WORDS)
    held = {}
    reads = []
    end = {}

    async def drive(ctx):
        async def put(t):
            ctx.set(unit.write, t in written)
            if t in written:
                to, far, last = written[t]
                ctx.set(unit.to, to)
                ctx.set(unit.far, far)
                ctx.set(unit.last, last)
                ctx.set(unit.data, int(values[t]))
                held[to] = (t, int(values[t]))

        for t in range(cycles):
            for name, stream in (("a", a), ("b", b)):
                ctx.set(getattr(unit, name), t in stream)
                if t in stream:
                    at, new = stream[t]
                    ctx.set(getattr(unit, f"{name}_at"), at)
                    ctx.set(getattr(unit, f"{name}_new"), new)
            await put(t)
            await ctx.tick()
            for name, stream in (("a", a), ("b", b)):
                if t in stream:
                    at, _ = stream[t]
                    reads.append((t, at, ctx.get(getattr(unit, f"{name}_word")), dict(held)))
        assert not ctx.get(unit.busy)
        for at in held:
            ctx.set(unit.a, 1)
            ctx.set(unit.a_new, 1)
            ctx.set(unit.a_at, at)
            await ctx.tick()
            end[at] = ctx.get(unit.a_word)

    simulate(unit, drive)
    assert end == {at: value for at, (_, value) in held.items()}
    for t, at, word, then in reads:
        # What was written long before is read; what is on its way may be, or not yet.
        when, value = then.get(at, (-99, 0))
        if when < t - 2 * LINE and not any(to == at for c, (to, *_) in written.items() if t - 16 < c < t):
            assert word == value


def test_words_of_macros_behind_the_first_are_found():
    unit = Lines(128 * LINE + 40)
    assert len(unit.macros) == 2
    where = [0, 5, 128 * LINE - 1, 128 * LINE, 128 * LINE + 39]
    got = []

    async def drive(ctx):
        for n, at in enumerate(where):
            ctx.set(unit.write, 1)
            ctx.set(unit.to, at)
            ctx.set(unit.last, 1)
            ctx.set(unit.data, 1000 + n)
            await ctx.tick()
            ctx.set(unit.write, 0)
            await ctx.tick().repeat(3)
        ctx.set(unit.a_new, 1)
        ctx.set(unit.a, 1)
        for at in where:
            ctx.set(unit.a_at, at)
            await ctx.tick()
            got.append(ctx.get(unit.a_word))

    simulate(unit, drive)
    assert got == [1000 + n for n in range(len(where))]


def test_a_bank_keeps_the_other_byte():
    unit = Bank(300)
    got = []

    async def drive(ctx):
        await ctx.tick()  # the clock begins low
        for to, data, parts in ((7, 0x1234, 3), (299, 0x5678, 3), (7, 0xABAB, 2), (299, 0xCDCD, 1)):
            ctx.set(unit.to, to)
            ctx.set(unit.data, data)
            ctx.set(unit.write, parts)
            await ctx.tick()
        ctx.set(unit.write, 0)
        ctx.set(unit.read, 1)
        for at in (7, 299):
            ctx.set(unit.at, at)
            await ctx.tick()
            got.append(ctx.get(unit.word))

    simulate(unit, drive)
    assert got == [0xAB34, 0x56CD]


@pytest.mark.parametrize(
    ("rows", "macros"), [(1, (8, 1)), (20, (24, 1)), (33, (64, 1)), (128, (128, 1)), (129, (128, 2))]
)
def test_macros_have_sizes_that_can_be_drawn(rows, macros):
    assert sram_macros(rows) == macros
