"""A tile: decoder core and ROM. Emits Verilog."""

__all__ = ["Tile", "tile_verilog"]

from amaranth.hdl import Module

from rtl_gen.core import Core
from rtl_gen.golden.core import CoreConfig
from rtl_gen.host import HostPort
from rtl_gen.romport import RomPort, verilog_with_rom


class Tile(HostPort):
    """One decoder with its ROM."""

    def __init__(self, config: CoreConfig) -> None:
        super().__init__()
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = Core(self.config)
        m.submodules.rom = rom = RomPort(self.config.rom)
        m.d.comb += [
            rom.row.eq(core.rom_row),
            rom.enable.eq(core.rom_enable),
            core.rom_data.eq(rom.data),
            *self.pass_host_to(core),
        ]
        return m


def tile_verilog(config: CoreConfig) -> str:
    """Verilog of the tile; the module is called scf_<name>. The same config gives the same text."""
    tile = Tile(config)
    return verilog_with_rom(tile, f"scf_{config.name}", tile.host_pins())
