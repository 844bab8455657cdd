"""The decoder core: sequencer and datapath around one ROM register."""

__all__ = ["Core"]

from amaranth.hdl import Elaboratable, Module, Signal

from rtl_gen.datapath import Datapath
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import ROW_BITS
from rtl_gen.sequencer import Sequencer


class Core(Elaboratable):
    """The whole decoder but for the ROM.

    Attributes:
        rom_row, rom_enable: Out, registers: the row to read in this cycle.
        rom_data: In, the row, valid at the end of the cycle.
        rx_data, rx_valid, rx_ready: Bytes from the host, taken when valid and ready.
        tx_data, tx_valid, tx_ready: Bytes to the host.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.rom_row = Signal(config.row_bits)
        self.rom_enable = Signal()
        self.rom_data = Signal(ROW_BITS)
        self.rx_data = Signal(8)
        self.rx_valid = Signal()
        self.rx_ready = Signal()
        self.tx_data = Signal(8)
        self.tx_valid = Signal()
        self.tx_ready = Signal()

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
            seq.rx_data.eq(self.rx_data),
            seq.rx_valid.eq(self.rx_valid),
            self.rx_ready.eq(seq.rx_ready),
            self.tx_data.eq(seq.tx_data),
            self.tx_valid.eq(seq.tx_valid),
            seq.tx_ready.eq(self.tx_ready),
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
