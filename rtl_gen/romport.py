"""The ROM's periphery in standard cells: row decoder, word-line drivers, column multiplexer."""

__all__ = ["RomPort"]

from amaranth.hdl import Cat, ClockSignal, Elaboratable, Instance, Module, Signal

from rtl_gen.golden.rom import RomGeometry


def bank_module(geometry: RomGeometry) -> str:
    """Name of the bank macro, which `base_chip.bank` generates."""
    return f"scf_bank_{geometry.word_lines}x{geometry.bit_lines}"


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
        # Two one-hot halves: a word line is one AND of two of them and the evaluation phase.
        half = line_bits // 2
        low = Signal(1 << half)
        high = Signal(1 << (line_bits - half))
        m.d.comb += [low.eq(1 << line[:half]), high.eq(1 << line[half:])]
        levels = []
        for b in range(g.banks):
            evaluate = Signal(name=f"evaluate{b}")
            word_lines = Signal(g.word_lines, name=f"word_lines{b}")
            bit_lines = Signal(g.bit_lines, name=f"bit_lines{b}")
            selected = self.enable & (bank == b) if g.banks > 1 else self.enable
            m.d.comb += evaluate.eq(selected & ~ClockSignal())
            m.d.comb += word_lines.eq(
                Cat(high[i >> half] & low[i & ((1 << half) - 1)] & evaluate for i in range(g.word_lines))
            )
            m.submodules[f"bank{b}"] = Instance(
                bank_module(g), i_WL=word_lines, i_PRE_N=evaluate, o_BL=bit_lines
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
