"""What crosses the seams of tiles beside steps and sums, and the adder in front of the south one."""

from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from rtl_gen.tiles.ports import Onward, take_reset
from rtl_gen.tiles.rom import RomTile, RomTileSize, rom_tile_verilog
from rtl_gen.tiles.seams import CROSSINGS


def test_the_reset_goes_on_a_cycle_later_and_between_two_rising_edges():
    onward = Onward()
    reset = Signal()
    m = Module()
    m.d.comb += onward.reset.eq(take_reset(m, reset))
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


def test_the_reset_ends_steps_as_it_goes_east_with_the_last_of_them():
    """A rising edge takes it; the falling edge in between still launches the step that came before it."""
    tile = RomTile(RomTileSize(banks=4, rows=1, columns=8))
    seen = []

    async def drive(ctx):
        ctx.set(tile.west.valid, 1)
        for _ in range(3):
            await ctx.tick()
        ctx.set(tile.rst, 1)
        for _ in range(4):
            await ctx.delay(0.6e-6)  # past the falling edge
            seen.append((ctx.get(tile.east.valid), ctx.get(tile.rst_east)))
            await ctx.tick()

    sim = Simulator(tile)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    assert seen == [(1, 0), (1, 1), (0, 1), (0, 1)]
