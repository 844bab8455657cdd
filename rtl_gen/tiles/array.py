"""Tiles joined into an array, as abutment joins them."""

__all__ = ["TileArray"]

from collections.abc import Sequence

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.ports import Step, sums
from rtl_gen.tiles.ram import RamTile, RamTileSize
from rtl_gen.tiles.rom import RomTile, RomTileSize

Size = RomTileSize | RamTileSize


def _tile(size: Size) -> RomTile | RamTile:
    return RomTile(size) if isinstance(size, RomTileSize) else RamTile(size)


def _activations(size: Size) -> int:
    return size.rows if isinstance(size, RomTileSize) else size.step_rows


class TileArray(wiring.Component):
    """Rows of rom or ram tiles, all of the same number of columns.

    A row of tiles gets its chunk of the inputs at its west edge, two cycles after the row to its north.
    Nothing comes from beyond the north edge, and nothing takes what leaves at the east edge.

    Args:
        rows: What each row of tiles is made of, from north to south; at least one.
        columns: Tiles in a row.

    Attributes:
        rst: Of the tiles at the west edge.
        west: Steps of each row of tiles.
        south: Sums of each column of tiles, of all its rows together.
        banks0, banks1 ...: Pins of the macros of each row of tiles, [column, macro].
    """

    def __init__(self, rows: Sequence[Size], columns: int) -> None:
        self.tiles = [[_tile(size) for _ in range(columns)] for size in rows]
        steps = [stream.Signature(Step(_activations(size)), always_ready=True) for size in rows]
        if any(s != steps[0] for s in steps):
            raise ValueError("all tiles of an array take as many activations in a step")
        members: dict[str, wiring.Member] = {
            "rst": In(1),
            "west": In(steps[0]).array(len(rows)),
            "south": Out(sums()).array(columns),
        }
        for r, row in enumerate(self.tiles):
            pins = row[0].signature.members["banks"]
            members[f"banks{r}"] = Out(pins.signature).array(columns, *pins.dimensions)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for r, row in enumerate(self.tiles):
            banks = getattr(self, f"banks{r}")
            for c, tile in enumerate(row):
                m.submodules[f"tile{r}_{c}"] = tile
                west = row[c - 1].east if c else wiring.flipped(self.west[r])
                wiring.connect(m, west, tile.west)
                m.d.comb += tile.rst.eq(row[c - 1].rst_east if c else self.rst)
                if r:
                    wiring.connect(m, self.tiles[r - 1][c].south, tile.north)
                for inner, outer in zip(tile.banks, banks[c], strict=True):
                    wiring.connect(m, inner, wiring.flipped(outer))
        for c, south in enumerate(self.south):
            wiring.connect(m, self.tiles[-1][c].south, wiring.flipped(south))
        return m
