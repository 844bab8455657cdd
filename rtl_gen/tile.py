"""A tile: decoder core and ROM. Emits Verilog."""

__all__ = ["Tile", "tile_verilog"]

from amaranth.hdl import Elaboratable, Module, Signal

from rtl_gen.core import Core
from rtl_gen.golden.core import CoreConfig
from rtl_gen.romport import RomPort, verilog_with_rom


class Tile(Elaboratable):
    """One decoder with its ROM and a host byte stream.

    Attributes:
        rx_data, rx_valid, rx_ready: Bytes from the host, taken when valid and ready.
        tx_data, tx_valid, tx_ready: Bytes to the host.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.rx_data = Signal(8)
        self.rx_valid = Signal()
        self.rx_ready = Signal()
        self.tx_data = Signal(8)
        self.tx_valid = Signal()
        self.tx_ready = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = Core(self.config)
        m.submodules.rom = rom = RomPort(self.config.rom)
        m.d.comb += [
            rom.row.eq(core.rom_row),
            rom.enable.eq(core.rom_enable),
            core.rom_data.eq(rom.data),
            core.rx_data.eq(self.rx_data),
            core.rx_valid.eq(self.rx_valid),
            self.rx_ready.eq(core.rx_ready),
            self.tx_data.eq(core.tx_data),
            self.tx_valid.eq(core.tx_valid),
            core.tx_ready.eq(self.tx_ready),
        ]
        return m


def tile_verilog(config: CoreConfig) -> str:
    """Verilog of the tile; the module is called scf_<name>. The same config gives the same text."""
    tile = Tile(config)
    ports = [tile.rx_data, tile.rx_valid, tile.rx_ready, tile.tx_data, tile.tx_valid, tile.tx_ready]
    return verilog_with_rom(tile, f"scf_{config.name}", ports)
