"""A die of one column of tiles: rom tiles, ram tiles south of them, and a vec tile that drives them."""

__all__ = ["Die", "die_verilog"]

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.array import TileArray
from rtl_gen.tiles.macro import Enclosed
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import MACROS, VecTile, VecTileSize
from rtl_gen.tiles.verilog import component_verilog


class Die(wiring.Component):
    """The tiles, joined; their macros are outside.

    Args:
        rom, ram, vec: Sizes of the tiles.
        rows: Of rom and of ram tiles; at most as many as the vec tile sends steps to.

    Attributes:
        rst: Reset. The die begins in the second cycle without it.
        rx, tx: Bytes of the host.
        banks0, banks1 ...: Pins of the macros of each row of tiles.
        program, rom, memory, rom_inputs, ram_inputs: Those of the vec tile.
        macros, low: Names of all these, and of those that have the inverted clock.
    """

    def __init__(self, rom: RomTileSize, ram: RamTileSize, vec: VecTileSize, rows: tuple[int, int]) -> None:
        self.rows = [rom] * rows[0] + [ram] * rows[1]
        self.skipped = vec.rom_rows - rows[0]
        self.array = TileArray(self.rows, 1)
        self.vec = VecTile(vec)
        members: dict[str, wiring.Member] = {
            "rst": In(1),
            "rx": In(stream.Signature(8)),
            "tx": Out(stream.Signature(8)),
        } | {name: self.vec.signature.members[name] for name in MACROS}
        for r in range(len(self.rows)):
            pins = self.array.signature.members[f"banks{r}"]
            members[f"banks{r}"] = Out(pins.signature).array(pins.dimensions[1])
        banks = [f"banks{r}" for r in range(len(self.rows))]
        self.macros, self.low = (*MACROS, *banks), (*self.vec.low, *banks)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.array, m.submodules.vec = array, vec = self.array, self.vec
        m.d.comb += [array.rst.eq(self.rst), vec.rst.eq(self.rst)]
        for sent, taken in zip(vec.west[self.skipped :][: len(self.rows)], array.west, strict=True):
            wiring.connect(m, sent, taken)
        wiring.connect(m, array.south[0], vec.north)
        wiring.connect(m, wiring.flipped(self.rx), vec.rx)
        wiring.connect(m, wiring.flipped(self.tx), vec.tx)
        for name in MACROS:
            for outer, inner in zip(getattr(self, name), getattr(vec, name), strict=True):
                wiring.connect(m, wiring.flipped(outer), inner)
        for r in range(len(self.rows)):
            for outer, inner in zip(getattr(self, f"banks{r}"), getattr(array, f"banks{r}")[0], strict=True):
                wiring.connect(m, wiring.flipped(outer), inner)
        return m


def die_verilog(rom: RomTileSize, ram: RamTileSize, vec: VecTileSize, rows: tuple[int, int]) -> str:
    """Verilog of a die with its macros, module `scf_die`. The same sizes give the same text."""
    die = Die(rom, ram, vec, rows)
    return component_verilog(Enclosed(die, die.macros), "scf_die")
