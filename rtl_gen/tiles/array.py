"""Rom tiles joined into an array, as abutment joins them."""

__all__ = ["RomArray"]

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.columns import CODE_BITS
from rtl_gen.tiles.macro import rom_pins
from rtl_gen.tiles.ports import Step, sums
from rtl_gen.tiles.rom import RomTile, RomTileSize


class RomArray(wiring.Component):
    """`rows` by `columns` rom tiles.

    A row of tiles gets its chunk of the inputs at its west edge, one cycle after the row to its north.
    Nothing comes from beyond the north edge, and nothing takes what leaves at the east edge.

    Attributes:
        west: Steps of each row of tiles.
        south: Sums of each column of tiles, of all its rows together.
        banks: Pins of the macros, [row, column, bank].
    """

    def __init__(self, rows: int, columns: int, size: RomTileSize) -> None:
        self.grid, self.size = (rows, columns), size
        steps = stream.Signature(Step(size.rows), always_ready=True)
        pins = Out(rom_pins(CODE_BITS * size.columns))
        super().__init__(
            {
                "west": In(steps).array(rows),
                "south": Out(sums()).array(columns),
                "banks": pins.array(rows, columns, size.banks),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, columns = self.grid
        tiles = [[RomTile(self.size) for _ in range(columns)] for _ in range(rows)]
        for r in range(rows):
            for c in range(columns):
                m.submodules[f"tile{r}_{c}"] = tile = tiles[r][c]
                west = tiles[r][c - 1].east if c else wiring.flipped(self.west[r])
                wiring.connect(m, west, tile.west)
                if r:
                    wiring.connect(m, tiles[r - 1][c].south, tile.north)
                for n in range(self.size.banks):
                    wiring.connect(m, tile.banks[n], wiring.flipped(self.banks[r][c][n]))
        for c in range(columns):
            wiring.connect(m, tiles[-1][c].south, wiring.flipped(self.south[c]))
        return m
