"""The byte link: nothing is lost, doubled or reordered, however long the wires and whoever waits."""

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.tiles.byte_link import LinkIn, LinkOut
from rtl_gen.tiles.verilog import component_verilog


class Pair(wiring.Component):
    """Two dies with `delay` more registers on every wire between them."""

    def __init__(self, room, delay):
        self.room, self.delay = room, delay
        self.reset = Signal()
        super().__init__({"sent": In(stream.Signature(8)), "came": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.a = a = LinkOut(self.room)
        m.submodules.b = b = LinkIn(self.room)
        wiring.connect(m, wiring.flipped(self.sent), a.bytes)
        wiring.connect(m, wiring.flipped(self.came), b.bytes)
        for source, sink in (
            (a.wires.data, b.wires.data), (a.wires.valid, b.wires.valid), (b.wires.credit, a.wires.credit),
        ):  # fmt: skip
            for n in range(self.delay):
                held = Signal.like(source, name=f"wire{n}")
                m.d.sync += held.eq(source)
                source = held
            m.d.comb += sink.eq(source)
        return m


def transfer(room, delay, offers, takes, cycles, reset_at=None):
    """Offer and take bytes where `offers` and `takes` say so, over and over; what came, with its cycle."""
    pair, came, number = Pair(room, delay), [], 0

    async def drive(ctx):
        nonlocal number
        for cycle in range(cycles):
            ctx.set(pair.reset, cycle == reset_at)
            ctx.set(pair.sent.payload, number & 255)
            ctx.set(pair.sent.valid, offers[cycle % len(offers)])
            ctx.set(pair.came.ready, takes[cycle % len(takes)])
            if cycle != reset_at:
                if ctx.get(pair.came.valid) and takes[cycle % len(takes)]:
                    came.append((cycle, ctx.get(pair.came.payload)))
                number += offers[cycle % len(offers)] and ctx.get(pair.sent.ready)
            await ctx.tick()

    sim = Simulator(ResetInserter(pair.reset)(pair))
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return came, number


FLAGS = st.lists(st.booleans(), min_size=1, max_size=9).filter(any)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), st.integers(0, 4), FLAGS, FLAGS)
def test_bytes_come_once_and_in_order(room, delay, offers, takes):
    came, sent = transfer(room, delay, offers, takes, 150)
    assert [b for _, b in came] == [n & 255 for n in range(len(came))]
    assert 0 < len(came) <= sent <= len(came) + room


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_a_byte_a_cycle_with_the_room_that_is_said(delay):
    came, _ = transfer(6 + 2 * delay, delay, [1], [1], 80)
    first = came[0][0]
    assert [cycle for cycle, _ in came] == list(range(first, 80))


@pytest.mark.parametrize("delay", [0, 2])
def test_who_takes_nothing_stops_the_sender_and_loses_nothing(delay):
    came, sent = transfer(4, delay, [1], [0], 40)
    assert (came, sent) == ([], 4)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 60), st.integers(0, 3))
def test_after_a_reset_only_later_bytes_come(moment, delay):
    came, _ = transfer(5, delay, [1, 1, 0], [1, 0, 1, 1], 120, reset_at=moment)
    after = [b for cycle, b in came if cycle > moment]
    assert len(after) > 10
    assert after == [(after[0] + n) & 255 for n in range(len(after))]


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_no_room_is_refused():
    for side in (LinkIn, LinkOut):
        with pytest.raises(ValueError, match="one byte at least, not for 0"):
            side(0)


def test_verilog_is_the_same_each_time():
    for side in (LinkIn, LinkOut):
        assert component_verilog(side(8), "scf_link") == component_verilog(side(8), "scf_link")
