"""Memory macros as tiles see them: plain digital pins, an address in two one-hot parts."""

__all__ = [
    "IN_GROUP",
    "WORDS",
    "Enclosed",
    "RamMacro",
    "RomMacro",
    "WithMacros",
    "address",
    "low_clock",
    "macro_of",
    "macro_ports",
    "ram_macro_name",
    "ram_pins",
    "rom_macro_name",
    "rom_pins",
]

from collections.abc import Callable, Sequence

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

WORDS = 256
IN_GROUP = 8  # words that one of `b_n` addresses together
GROUPS = WORDS // IN_GROUP


def rom_pins(bits: int, mux: int = 1) -> wiring.Signature:
    """Pins of one ROM macro of 256 words, seen from the tile.

    Inputs come from registers of the rising edge and are steady while the clock is low. With `enable` the
    word of the one high `a` and the one low `b_n` is read from the falling edge on, and `q` has it before the
    next rising edge. q is low where there is a via, and stays until the next read.

    Args:
        bits: Of a word.
        mux: Neighbouring bits that share an output: the one high `select`, an input like the others, says
            which of them is read. With 1 there is none.
    """
    pins = {"enable": Out(1), "a": Out(IN_GROUP), "b_n": Out(GROUPS), "q": In(bits // mux)}
    return wiring.Signature(pins | {"select": Out(mux)} if mux > 1 else pins)


def ram_pins(words: int, bits: int) -> wiring.Signature:
    """Pins of one SRAM macro, seen from the tile: a port that reads as the ROM's does, and one that writes
    bytes.

    With `enable` the addressed word is read while the clock is low, and the bytes whose `write` is high are
    written from `d`. `q` has the word before the next rising edge and keeps it until the next read. What is
    read in the cycle in which its word is written is not defined.

    Args:
        words, bits: Size.
    """
    return wiring.Signature(
        {
            "enable": Out(1), "a": Out(IN_GROUP), "b_n": Out(words // IN_GROUP), "q": In(bits),
            "write": Out(bits // 8), "d": Out(bits),
        }
    )  # fmt: skip


def address(m: Module, word: Value, a: Value, b_n: Value) -> None:
    """Drive the two parts of an address from a word's number."""
    low = IN_GROUP.bit_length() - 1
    m.d.comb += [a.eq(1 << word[:low]), b_n.eq(~(1 << word[low : low + (len(b_n) - 1).bit_length()]))]


def low_clock(m: Module) -> None:
    """Make `low`, the domain of the inverted clock, in which a tile addresses its macros and they read.

    So an address has half a period to its register and half a period to the macros, which read while the
    tile's clock is high, and what they give has a whole period until the next rising edge.
    """
    m.domains.low = ClockDomain("low", local=True, reset_less=True)
    m.d.comb += ClockSignal("low").eq(~ClockSignal())


def rom_macro_name(bits: int, mux: int = 1) -> str:
    """Module name of the ROM macro, as `base_chip` generates it."""
    return f"scf_rom_{WORDS}x{bits}" + (f"_mux{mux}" if mux > 1 else "")


def macro_ports(name: str, pins: wiring.Signature) -> str:
    """Verilog that declares the ports of a macro."""
    ports = "".join(
        f", {'input' if member.flow == Out else 'output'} [{Value.cast(value).shape().width - 1}:0] {path[0]}"
        for path, member, value in pins.flatten(pins.create())
    )
    return f"module {name}(input clk{ports});\nendmodule\n"


class RomMacro(wiring.Component):
    """An instance of the ROM macro, for Verilog; with the inverted clock if it is `low`."""

    def __init__(self, bits: int, mux: int = 1, *, low: bool = False) -> None:
        self.bits, self.mux, self.low = bits, mux, low
        super().__init__({"pins": In(rom_pins(bits, mux))})

    def elaborate(self, platform: object) -> Module:
        return _instance(rom_macro_name(self.bits, self.mux), self.pins, self.low)


def ram_macro_name(words: int, bits: int) -> str:
    """Module name of the SRAM macro, as `base_chip` is to generate it."""
    return f"scf_ram_{words}x{bits}"


class RamMacro(wiring.Component):
    """An instance of the SRAM macro, for Verilog."""

    def __init__(self, words: int, bits: int, *, low: bool = False) -> None:
        self.words, self.bits, self.low = words, bits, low
        super().__init__({"pins": In(ram_pins(words, bits))})

    def elaborate(self, platform: object) -> Module:
        return _instance(ram_macro_name(self.words, self.bits), self.pins, self.low)


def macro_of(pins: wiring.PureInterface, *, low: bool) -> "RomMacro | RamMacro":
    """The macro that has these pins; with the inverted clock if it is `low`."""
    if hasattr(pins, "write"):
        return RamMacro(IN_GROUP * len(pins.b_n), len(pins.q), low=low)
    mux = len(pins.select) if hasattr(pins, "select") else 1
    return RomMacro(mux * len(pins.q), mux, low=low)


class Enclosed(wiring.Component):
    """A part of a die with its macros; its other ports are its own.

    Args:
        inner: The part; its `low` are the ports whose macros have the inverted clock.
        names: Its ports that are pins of macros.
    """

    def __init__(self, inner: wiring.Component, names: Sequence[str]) -> None:
        self.inner, self.names = inner, names
        super().__init__({k: v for k, v in inner.signature.members.items() if k not in names})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = inner = self.inner
        for name, member in self.signature.members.items():
            mine, theirs = getattr(self, name), getattr(inner, name)
            if member.is_port:
                m.d.comb += theirs.eq(mine) if member.flow == In else mine.eq(theirs)
                continue
            if not isinstance(mine, list):
                mine, theirs = [mine], [theirs]
            for outer, port in zip(mine, theirs, strict=True):
                wiring.connect(m, wiring.flipped(outer), port)
        for name in self.names:
            for n, pins in enumerate(getattr(inner, name)):
                m.submodules[f"{name}_{n}"] = macro = macro_of(pins, low=name in inner.low)
                wiring.connect(m, pins, macro.pins)
        return m


class WithMacros(wiring.Component):
    """A tile with its macros.

    Args:
        tile: Its `banks` are the pins of the macros.
        macro: Makes one of them.
    """

    def __init__(self, tile: wiring.Component, macro: Callable[[], wiring.Component]) -> None:
        self.tile, self.macro = tile, macro
        super().__init__({k: v for k, v in tile.signature.members.items() if k != "banks"})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.tile = self.tile
        m.d.comb += [
            self.tile.rst.eq(self.rst), self.clk_east.eq(self.tile.clk_east),
            self.rst_east.eq(self.tile.rst_east),
        ]  # fmt: skip
        for name in ("west", "east", "north", "south"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(self.tile, name))
        for n, pins in enumerate(self.tile.banks):
            m.submodules[f"bank{n}"] = macro = self.macro()
            wiring.connect(m, pins, macro.pins)
        return m


def _instance(name: str, pins: wiring.PureInterface, low: bool) -> Module:
    m = Module()
    ports = {
        f"{'i' if member.flow == In else 'o'}_{path[0]}": value
        for path, member, value in pins.signature.flatten(pins)
    }
    clk = ~ClockSignal() if low else ClockSignal()
    m.submodules.macro = Instance(name, i_clk=clk, **ports)
    return m
