"""What crosses the seams of tiles beside steps and sums, and the adder in front of the south one."""

import numpy as np
from amaranth.hdl import ClockDomain, Module, ResetSignal, Signal, signed
from amaranth.sim import Simulator

from rtl_gen.tiles.ports import SUM_BITS, Onward
from rtl_gen.tiles.rom import RomTileSize, rom_tile_verilog
from rtl_gen.tiles.seams import CROSSINGS, prefix_sum


def test_the_adder_of_few_levels_adds():
    a, b, out = Signal(signed(20)), Signal(signed(SUM_BITS)), Signal(signed(SUM_BITS))
    m = Module()
    m.d.comb += out.eq(prefix_sum(a, b))
    rng = np.random.default_rng(3)
    edges = [-(1 << 19), -1, 0, 1, (1 << 19) - 1]
    pairs = [(x, y) for x in edges for y in (*edges, -(1 << 23), (1 << 23) - 1)]
    pairs += zip(rng.integers(-(1 << 19), 1 << 19, 300), rng.integers(-(1 << 23), 1 << 23, 300), strict=True)

    async def drive(ctx):
        for x, y in pairs:
            ctx.set(a, int(x))
            ctx.set(b, int(y))
            await ctx.delay(1e-9)
            total = (int(x) + int(y) + (1 << 23)) % (1 << 24) - (1 << 23)
            assert ctx.get(out) == total, (x, y)

    sim = Simulator(m)
    sim.add_testbench(drive)
    sim.run()


def test_the_reset_goes_on_a_cycle_later_and_between_two_rising_edges():
    onward = Onward()
    reset = Signal()
    m = Module()
    m.domains.sync = ClockDomain()
    m.d.comb += ResetSignal().eq(reset)
    m.submodules.onward = onward

    async def drive(ctx):
        await ctx.tick()
        for value in (1, 1, 0, 1, 0, 0, 1, 0):
            ctx.set(reset, value)
            await ctx.delay(0.6e-6)  # past the falling edge
            before = ctx.get(onward.rst_east)
            await ctx.tick()
            assert ctx.get(onward.rst_east) == before  # the rising edge takes the reset and shows nothing
            await ctx.delay(0.6e-6)
            assert ctx.get(onward.rst_east) == value
            await ctx.tick()

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()


def test_every_port_of_a_tile_crosses_a_seam_once():
    text = rom_tile_verilog(RomTileSize(banks=4, rows=1, columns=8)).split("module scf_rom_tile(")[1]
    ports = sorted(name.strip() for name in text.split(")")[0].split(","))
    assert sorted(p for crossing in CROSSINGS.values() for pair in crossing for p in pair) == ports
