"""A die of one column of tiles: rom tiles, ram tiles south of them, and a vec tile that drives them."""

__all__ = ["Die", "die_verilog"]

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.array import TileArray
from rtl_gen.tiles.columns import SLOT_BITS
from rtl_gen.tiles.macro import RamMacro, RomMacro, rom_pins
from rtl_gen.tiles.ports import component_verilog
from rtl_gen.tiles.ram import MACRO_BITS, RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTile, VecTileSize


class Die(wiring.Component):
    """The tiles, joined; their macros are outside.

    Attributes:
        rx, tx: Bytes of the host.
        banks0, banks1 ...: Pins of the macros of each row of tiles.
        program, rom: Those of the vec tile.
    """

    def __init__(self, rom: RomTileSize, ram: RamTileSize, vec: VecTileSize) -> None:
        self.rows = [rom] * vec.rom_rows + [ram] * vec.ram_rows
        self.array = TileArray(self.rows, 1)
        self.vec = VecTile(vec)
        members: dict[str, wiring.Member] = {
            "rx": In(stream.Signature(8)),
            "tx": Out(stream.Signature(8)),
            "program": Out(rom_pins(128)).array(vec.program_banks),
            "rom": Out(rom_pins(128)).array(vec.rom_banks),
        }
        for r in range(len(self.rows)):
            pins = self.array.signature.members[f"banks{r}"]
            members[f"banks{r}"] = Out(pins.signature).array(pins.dimensions[1])
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.array, m.submodules.vec = array, vec = self.array, self.vec
        for sent, taken in zip(vec.west, array.west, strict=True):
            wiring.connect(m, sent, taken)
        wiring.connect(m, array.south[0], vec.north)
        wiring.connect(m, wiring.flipped(self.rx), vec.rx)
        wiring.connect(m, wiring.flipped(self.tx), vec.tx)
        for name in ("program", "rom"):
            for outer, inner in zip(getattr(self, name), getattr(vec, name), strict=True):
                wiring.connect(m, wiring.flipped(outer), inner)
        for r in range(len(self.rows)):
            for outer, inner in zip(getattr(self, f"banks{r}"), getattr(array, f"banks{r}")[0], strict=True):
                wiring.connect(m, wiring.flipped(outer), inner)
        return m


class _WithMacros(wiring.Component):
    def __init__(self, die: Die) -> None:
        self.die = die
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.die = die = self.die
        wiring.connect(m, wiring.flipped(self.rx), die.rx)
        wiring.connect(m, wiring.flipped(self.tx), die.tx)
        macros: dict[str, list[RomMacro | RamMacro]] = {
            "program": [RomMacro(128) for _ in die.program], "rom": [RomMacro(128) for _ in die.rom],
        }  # fmt: skip
        for r, size in enumerate(die.rows):
            name = f"banks{r}"
            macros[name] = [
                RomMacro(SLOT_BITS * size.columns)
                if isinstance(size, RomTileSize)
                else RamMacro(size.words, MACRO_BITS)
                for _ in getattr(die, name)
            ]
        for name, each in macros.items():
            for n, (pins, macro) in enumerate(zip(getattr(die, name), each, strict=True)):
                m.submodules[f"{name}_{n}"] = macro
                wiring.connect(m, pins, macro.pins)
        return m


def die_verilog(rom: RomTileSize, ram: RamTileSize, vec: VecTileSize) -> str:
    """Verilog of a die with its macros, module `scf_die`. The same sizes give the same text."""
    return component_verilog(_WithMacros(Die(rom, ram, vec)), "scf_die")
