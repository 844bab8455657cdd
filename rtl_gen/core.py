"""The decoder core: sequencer and datapath around one ROM register."""

__all__ = ["Core"]

from amaranth.hdl import Module, Signal

from rtl_gen.datapath import Datapath
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import ROW_BITS
from rtl_gen.host import HostPort
from rtl_gen.sequencer import Sequencer


class Core(HostPort):
    """The whole decoder but for the ROM; it talks to the host.

    Attributes:
        rom_row, rom_enable: Out, registers: the row to read in this cycle.
        rom_data: In, the row, valid at the end of the cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        super().__init__()
        self.config = config
        self.rom_row = Signal(config.row_bits)
        self.rom_enable = Signal()
        self.rom_data = Signal(ROW_BITS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = seq = Sequencer(self.config)
        m.submodules.datapath = data = Datapath(self.config)
        word = Signal(ROW_BITS, reset_less=True)
        with m.If(seq.row_enable):
            m.d.sync += word.eq(self.rom_data)
        m.d.comb += [
            self.rom_row.eq(seq.row),
            self.rom_enable.eq(seq.row_enable),
            seq.word.eq(word),
            data.row.eq(word),
            *self.pass_host_to(seq),
        ]
        for name in (
            "op",
            "shift",
            "init",
            "pair",
            "start_maximum",
            "valid",
            "element",
            "beta",
            "draw",
            "normalise",
            "load_factor",
            "factor_lane",
            "factor_exponent",
        ):
            m.d.comb += getattr(data, name).eq(getattr(seq, name))
        for name in (
            "table_valid",
            "table_index",
            "busy",
            "accumulator",
            "maximum_index",
            "selected",
            "lane_exponent",
        ):
            m.d.comb += getattr(seq, name).eq(getattr(data, name))
        return m
