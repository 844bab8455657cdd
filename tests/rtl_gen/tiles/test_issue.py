"""Passes as steps: sums are not lost in a lane that works, and do not meet those of another tile."""

import itertools

import pytest
from amaranth.sim import Simulator

from rtl_gen.golden.vec_isa import BLOCK, Op, Row, Write, X
from rtl_gen.golden.vec_time import LANE_GAP, Clock
from rtl_gen.tiles.vec_issue import Issue
from rtl_gen.tiles.vec_steps import Source

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


def test_bytes_of_the_host_become_steps_that_write_as_they_come():
    unit, written = Issue(ROM_ROWS, 1), []
    offered = [(5, 3), (6, 200), (11, 7), (30, 128)]  # from a cycle on, a byte

    async def drive(ctx):
        for name, value in {"only": 2, "n": len(offered), "x": X.HOST, "write": Write.ALONG}.items():
            ctx.set(getattr(unit.row, name), value)
        ctx.set(unit.go, 1)
        left = list(offered)
        for t in range(60):
            here = bool(left) and t >= left[0][0]
            ctx.set(unit.host.valid, here)
            ctx.set(unit.host.payload, left[0][1] if here else 0x55)
            ctx.set(unit.holds, t == 12)
            await ctx.delay(1e-7)
            order = unit.order
            if ctx.get(order.valid) and ctx.get(order.last):
                assert ctx.get(order.source) == Source.LITERAL
                assert not ctx.get(order.row)
                written.append((t, ctx.get(order.at)))
            if here and ctx.get(unit.host.ready):
                left.pop(0)
            if ctx.get(unit.done):
                ctx.set(unit.go, 0)
            await ctx.tick()
        assert not left

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    assert [byte for _, byte in written] == [byte for _, byte in offered]
    assert all(t >= came for (t, _), (came, _) in zip(written, offered, strict=True))


@pytest.mark.parametrize("takes", [lambda t: True, lambda t: t % 3 == 0, lambda t: t > 40])
def test_bytes_that_are_sent_wait_for_who_takes_them(takes):
    """Seven, from word 5 on; what is read is here two cycles after its address, and no longer."""
    unit, sent = Issue(ROM_ROWS, 1), []
    row = Row(Op.STEPS, {"n": 7, "offset": 5, "write": Write.SEND})

    async def drive(ctx):
        for name in ("n", "offset", "write"):
            ctx.set(getattr(unit.row, name), getattr(row, name))
        ctx.set(unit.go, 1)
        read = [None, None, None]
        for t in range(80):
            ctx.set(unit.said, takes(t))
            ctx.set(unit.holds, t in (0, 1, 2, 11))
            await ctx.delay(1e-7)
            assert not ctx.get(unit.order.valid)
            read = [ctx.get(unit.order.at) if ctx.get(unit.fetch) else None, *read[:2]]
            if ctx.get(unit.says) and takes(t):
                sent.append((t, 2 * read[2] + ctx.get(unit.high)))
            if ctx.get(unit.done):
                ctx.set(unit.go, 0)
            await ctx.tick()

    sim = Simulator(unit)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    assert [byte for _, byte in sent] == list(range(10, 17))
    if takes(1):
        # The clock has the row in its register in the cycle before `holds` ends the first time.
        clock = Clock(2, 1, now=2)
        assert [t for t, _ in sent[:4]] == clock.send(row)[:4]
