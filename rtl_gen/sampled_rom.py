"""The ROM by itself, with the register that samples it: what a split into banks costs in standard cells."""

__all__ = ["TOP", "SampledRom", "sampled_rom_verilog"]

from amaranth.hdl import Elaboratable, Module, Signal

from rtl_gen.golden.rom import RomGeometry
from rtl_gen.romport import RomPort, verilog_with_rom

TOP = "scf_rom"


class SampledRom(Elaboratable):
    """`RomPort` and the row's register, as they are in a tile.

    Args:
        geometry: Banks; word lines, multiplexing and banks are powers of two, or `ValueError` is raised.

    Attributes:
        row, enable: In, from registers outside.
        word: Out, the row addressed in the cycle before.
    """

    def __init__(self, geometry: RomGeometry) -> None:
        self.rom = RomPort(geometry)
        self.row = Signal(len(self.rom.row))
        self.enable = Signal()
        self.word = Signal(geometry.bits, reset_less=True)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = self.rom
        m.d.comb += [self.rom.row.eq(self.row), self.rom.enable.eq(self.enable)]
        with m.If(self.enable):
            m.d.sync += self.word.eq(self.rom.data)
        return m


def sampled_rom_verilog(geometry: RomGeometry) -> str:
    """Verilog of it; the module is called `TOP`. The same geometry gives the same text."""
    rom = SampledRom(geometry)
    return verilog_with_rom(rom, TOP, [rom.row, rom.enable, rom.word])
