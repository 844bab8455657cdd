"""A base of one small bank and a few hundred cells, which OpenROAD places and routes in a minute."""

__all__ = ["TINY", "tiny_verilog"]

from amaranth.hdl import Module, Signal

from base_chip.config import BaseConfig, parse_base
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.host import HostPort
from rtl_gen.romport import RomPort, verilog_with_rom

# 32 word lines, so that the straps of the bank's both supplies meet one of the power grid. Limits say nothing
# here: the decoder of even the smallest ones would be thousands of cells.
YAML = """
name: tiny
pdk: sky130
program_layers: [[69, 44]]
limits: {dim: 2, hidden: 2, layers: 1, heads: 1, kv_dim: 2, vocab: 2, context: 2}
engine: {columns: 2, slot_bits: 4, group_steps: false}
rom: {banks: 1, word_lines: 32, bits: 8, mux: 2}
floorplan:
  die: [126.04, 103.36]
  banks: [[105.8, 32.64]]
hardening:
  core: [[5.52, 10.88], [120.52, 92.48]]
  density: 0.42
  target_ns: 45
  signoff_ns: {slow: 50, typical: 20, fast: 20}
"""
TINY: BaseConfig = parse_base(YAML, where="tiny.yaml")


class TinyTile(HostPort):
    """Every byte from the host is the number of a row, which is multiplied by the byte before and added."""

    def __init__(self, rom: RomGeometry) -> None:
        super().__init__()
        self.geometry = rom

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.rom = rom = RomPort(self.geometry)
        number, word = (Signal(8, reset_less=True) for _ in range(2))  # without reset: behind clock gates
        factor, total = Signal(4, reset_less=True), Signal(12, reset_less=True)
        reading, read = Signal(), Signal()
        m.d.comb += [
            self.rx_ready.eq(~reading & ~read & (~self.tx_valid | self.tx_ready)),
            rom.row.eq(number),
            rom.enable.eq(reading),
            self.tx_data.eq(total[4:]),
        ]
        m.d.sync += [reading.eq(0), read.eq(reading)]
        with m.If(self.tx_ready):
            m.d.sync += self.tx_valid.eq(0)
        with m.If(self.rx_valid & self.rx_ready):
            m.d.sync += [number.eq(self.rx_data), factor.eq(number), reading.eq(1)]
        with m.If(reading):
            m.d.sync += word.eq(rom.data)
        with m.If(read):
            m.d.sync += [total.eq(total + word * factor), self.tx_valid.eq(1)]
        return m


def tiny_verilog() -> str:
    """Verilog of a tile with the ports of every base; the module is called scf_tiny."""
    tile = TinyTile(TINY.rom)
    return verilog_with_rom(tile, "scf_tiny", tile.host_pins())
