"""The ROM macro as tiles see it: plain digital pins, an address in two one-hot halves."""

__all__ = ["RomMacro", "predecoded", "rom_macro_name", "rom_macro_ports", "rom_pins"]

from amaranth.hdl import ClockSignal, Instance, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

HALF_LINES = 16
WORD_LINES = HALF_LINES * HALF_LINES


def rom_pins(bits: int) -> wiring.Signature:
    """Pins of one ROM macro, seen from the tile.

    A rising edge with `enable` begins the read of word line 16 * high + low; `q` has it before the next
    rising edge, and holds it until another read.

    Args:
        bits: Bits on a word line.
    """
    return wiring.Signature(
        {"enable": Out(1), "high": Out(HALF_LINES), "low": Out(HALF_LINES), "q": In(bits)}
    )


def predecoded(m: Module, line: Value, high: Value, low: Value) -> None:
    """Drive the two one-hot halves of an address from a word line's number."""
    half = HALF_LINES.bit_length() - 1
    m.d.comb += [low.eq(1 << line[:half]), high.eq(1 << line[half : 2 * half])]


def rom_macro_name(bits: int) -> str:
    """Module name of the macro of 256 word lines."""
    return f"scf_rom_{WORD_LINES}x{bits}"


def rom_macro_ports(bits: int) -> str:
    """Verilog that declares the ports of the macro."""
    top = HALF_LINES - 1
    return (
        f"module {rom_macro_name(bits)}(input clk, input enable, input [{top}:0] high, input [{top}:0] low,"
        f" output [{bits - 1}:0] q);\nendmodule\n"
    )


class RomMacro(wiring.Component):
    """An instance of the macro, for Verilog."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"pins": In(rom_pins(bits))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.macro = Instance(
            rom_macro_name(self.bits), i_clk=ClockSignal(), i_enable=self.pins.enable, i_high=self.pins.high,
            i_low=self.pins.low, o_q=self.pins.q,
        )  # fmt: skip
        return m
