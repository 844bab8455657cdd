"""Passes as steps: sums are not lost in a lane that works, and do not meet those of another tile."""

import itertools

import pytest
from amaranth.sim import Simulator

from rtl_gen.golden.vec_isa import BLOCK
from rtl_gen.golden.vec_time import LANE_GAP
from rtl_gen.tiles.vec_issue import Issue

ROM_ROWS = 1


def commits(rows, sums, *, waits=lambda t: False, holds=lambda t: False, cycles=120):
    """Cycles in which the last step of each pass leaves, and those in which rows are read."""
    unit, sent, reads = Issue(ROM_ROWS, 1), [], []

    async def drive(ctx):
        ctx.set(unit.sums, sums)
        left = list(rows)
        for t in range(cycles):
            if left:
                for name, value in ({"drain": 1, "x": 0} | left[0]).items():
                    ctx.set(getattr(unit.row, name), value)
            ctx.set(unit.go, bool(left))
            ctx.set(unit.waits, waits(t))
            ctx.set(unit.holds, holds(t))
            await ctx.delay(1e-7)
            if ctx.get(unit.commit):
                sent.append(t)
            if ctx.get(unit.order.valid) and ctx.get(unit.order.row) and not ctx.get(unit.order.seek):
                reads.append(t)
            if left and ctx.get(unit.done):
                left.pop(0)
            await ctx.tick()

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return sent, reads


def test_passes_of_one_tile_follow_each_other_as_their_sums_do():
    sent, _ = commits([{"only": 2, "n": 3}] * 3, sums=8)
    assert [b - a for a, b in itertools.pairwise(sent)] == [8 + LANE_GAP + 1] * 2


@pytest.mark.parametrize("column", [0, 20])
def test_a_pass_of_another_tile_waits_for_sums_that_nobody_takes(column):
    sent, _ = commits([{"only": 2, "n": 3, "column": column}, {"only": 3, "n": 3}], sums=8)
    assert sent[1] - sent[0] == BLOCK - column + 1


def test_a_pass_waits_for_a_lane_that_works():
    free, _ = commits([{"only": 2, "n": 3}], sums=8)
    busy, _ = commits([{"only": 2, "n": 3}], sums=8, waits=lambda t: t < 50)
    assert free[0] < 50
    assert busy == [50]


def test_no_row_is_read_while_activations_are_written():
    _, free = commits([{"only": 2, "n": 3}], sums=8)
    _, held = commits([{"only": 2, "n": 3}], sums=8, holds=lambda t: t < 40)
    assert len(free) == len(held) == 3
    assert free[0] < held[0] == 40
