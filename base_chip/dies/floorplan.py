"""Where the tiles of a die stand, and the ROM macros in them.

From the north: rows of rom tiles, rows of ram tiles, and a row of vec tiles. Tiles touch. Each has the size
of the one that is hardened (`base_chip/tiles`); macros of rom tiles stand as in that one. A vec
tile under several columns does not exist: it is planned as wide as they are, as high as that under one, with
its ROM macros below those of rom tiles. Macros of a die are on one grid of lines and columns; line 0 is the
vec tiles'.

The die of one column has a vec tile that exists, and `flow.stitching.roms` says where all its macros are.
"""

__all__ = ["STATUS", "Floorplan", "RamRows", "RomGrid", "VecRow"]

import functools
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import numpy as np

from base_chip.arrays.layout import rom_sites
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.bank import SiteGrid
from base_chip.dies.tiles import MACRO_BITS
from base_chip.harden.block import SIGNS
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.schema import Layer, Name, Point, Um, digest, note
from base_chip.tiles.config import RomTileConfig, load_tile, tile_size
from base_chip.tiles.floorplan import plan_tile
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.tiles.macro import WORDS
from rtl_gen.tiles.rom import RomTileSize

STATUS = "planned, not hardened"
FITTING = 0.0, 0.0
GRID = 5  # nm, of manufacturing
TILE = RomTileSize()
MACRO = RomSpec(WORDS, MACRO_BITS, mux=TILE.mux)
VEC_MACRO = RomSpec(WORDS, MACRO_BITS)  # of the vec tiles: as large, with its sites where those of MACRO are


@dataclass(frozen=True)
class RomGrid:
    """Rows and columns of rom tiles."""

    rows: Annotated[int, note("rows of rom tiles: each takes its share of a matrix' inputs", ge=1)]
    columns: Annotated[int, note("columns of tiles, which share the width of the die", ge=1)]


@dataclass(frozen=True)
class RamRows:
    """Rows of ram tiles, one for each column of tiles."""

    rows: Annotated[int, note("rows of ram tiles", ge=0)]
    words: Annotated[Literal[64, 128, 256], note("words of a ram tile")]


@dataclass(frozen=True)
class VecRow:
    """The row of vec tiles."""

    columns: Annotated[int, note("columns of tiles above a vec tile", ge=1)]
    macros: Annotated[int, note("ROM macros of a vec tile: factors, tables and program", ge=1)]
    tile: Annotated[Name, note("the vec tile of one column, a file of base_chip/tiles")] = "vec"


@dataclass(frozen=True)
class Floorplan:
    """A die of tiles."""

    name: Annotated[Name, note("name of the base, as of its file")]
    pdk: Annotated[Name, note("process, a folder of base_chip/pdk")]
    program_layers: Annotated[
        tuple[Layer], note("GDS layer and datatype of the one layer that differs between models")
    ]
    edge: Annotated[Um, note("margin on each side: seal ring, pads, power ring")]
    rom: Annotated[RomGrid, note("the rom tiles, in the north")]
    ram: Annotated[RamRows, note("the ram tiles, below them")]
    vec: Annotated[VecRow, note("the vec tiles, in the south")]
    link_bytes: Annotated[int, note("link to the next die, of each vec tile", "byte per cycle", ge=1)]
    context: Annotated[int, note("positions that a plan assumes by default", ge=1)]
    die: Annotated[Point, note("width and height; by default what the tiles and the margin take")] = FITTING

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of tile, in the order of their rows from the north."""
        return ("rom", "ram", "vec") if self.ram.rows else ("rom", "vec")

    @property
    def tiles(self) -> dict[str, str]:
        """Which tile each kind is, a file of base_chip/tiles."""
        return {kind: self.vec.tile if kind == "vec" else kind for kind in self.kinds}

    @property
    def one_column(self) -> bool:
        """Whether a vec tile has a program for it: then it runs a model by itself."""
        return self.rom.columns == 1

    @property
    def vecs(self) -> int:
        """vec tiles."""
        return -(-self.rom.columns // self.vec.columns)

    @property
    def weights(self) -> int:
        """4-bit weights that the rom tiles hold."""
        return self.rom.rows * self.rom.columns * TILE.weights

    @property
    def planned(self) -> tuple[str, ...]:
        """Kinds of tile that do not exist as this die has them."""
        return () if self.one_column else ("vec",)

    @property
    def tile_width(self) -> int:
        """Of a column of tiles, nm."""
        return tile_size("rom")[0]

    @property
    def across(self) -> int:
        """Macros side by side in a rom tile."""
        return len(_tile_grid().x)

    @property
    def lines(self) -> int:
        """Lines of macros in a rom tile."""
        return len(_tile_grid().y)

    @property
    def order(self) -> list[int]:
        """Place of each macro of a rom tile, counted line after line from the lowest, each from the left."""
        grid = _tile_grid()
        found: list[int] = (grid.line * self.across + grid.column).tolist()
        return found

    @property
    def heights(self) -> dict[str, int]:
        """Of each kind of tile, nm."""
        tiles = {"rom": "rom", "ram": "ram", "vec": self.vec.tile}
        return {kind: tile_size(name)[1] for kind, name in tiles.items()}

    @property
    def tiles_height(self) -> int:
        """Of all rows of tiles, nm."""
        h = self.heights
        return self.rom.rows * h["rom"] + self.ram.rows * h["ram"] + h["vec"]

    @functools.cached_property
    def macro_x(self) -> np.ndarray:
        """Where the cells' origins of each column of macros come to lie, int64 nm, ascending."""
        left = round(self.edge * 1000)
        tiles = left + np.arange(self.rom.columns)[:, None] * self.tile_width
        at: np.ndarray = tiles + _tile_grid().x + self._size[0] * (_tile_grid().x_signs < 0)
        return at.ravel()

    @functools.cached_property
    def macro_y(self) -> np.ndarray:
        """Likewise of each line of macros: the vec tiles', then the rom tiles'."""
        low, h, grid = round(self.edge * 1000), self.heights, _tile_grid()
        first = low + h["vec"] + self.ram.rows * h["ram"]
        of_rows = (
            first + np.arange(self.rom.rows)[:, None] * h["rom"] + grid.y + self._size[1] * (grid.y_signs < 0)
        )
        return np.concatenate([[low + grid.y[0]], of_rows.ravel()])

    @functools.cached_property
    def x_signs(self) -> np.ndarray:
        """int64, -1 for each column of macros that are mirrored in x."""
        return np.tile(_tile_grid().x_signs, self.rom.columns)

    @functools.cached_property
    def y_signs(self) -> np.ndarray:
        """int64, -1 for each line of macros that are mirrored in y; those of vec tiles are not."""
        return np.concatenate([[1], np.tile(_tile_grid().y_signs, self.rom.rows)])

    @property
    def _size(self) -> tuple[int, int]:
        """Of a macro, nm."""
        plan = RomPlan(MACRO.array)
        return plan.width, plan.height

    @property
    def rom_geometry(self) -> RomGeometry:
        """Every place of the grid as a bank, line after line; not all have a macro (`present`)."""
        return RomGeometry(len(self.macro_x) * len(self.macro_y), WORDS, MACRO_BITS, 1)

    def bank(self, row: np.ndarray, column: np.ndarray, macro: np.ndarray) -> np.ndarray:
        """Number of a place in the grid: of a macro of a rom tile, or for row -1 of vec tile `column`."""
        row, column, macro = (np.asarray(a) for a in (row, column, macro))
        grid = _tile_grid()
        of_tile = np.where(row < 0, 0, macro)  # a vec tile may have more
        line = 1 + (self.rom.rows - 1 - row) * self.lines + grid.line[of_tile]
        at = line * len(self.macro_x) + column * self.across + grid.column[of_tile]
        found: np.ndarray = np.where(row < 0, column * self.vec.columns * self.across + macro, at)
        return found

    @functools.cached_property
    def present(self) -> np.ndarray:
        """Banks at which there is a macro, ascending."""
        rom = np.indices((self.rom.rows, self.rom.columns, TILE.banks)).reshape(3, -1)
        vec = np.indices((self.vecs, self.vec.macros)).reshape(2, -1)
        return np.sort(np.concatenate([self.bank(*rom), self.bank(np.full(vec.shape[1], -1), *vec)]))

    def tile_of(self, bank: int) -> tuple[int, int, int] | None:
        """Inverse of `bank`: row (-1 for a vec tile), column and macro; None where there is no macro."""
        if bank not in self.present:
            return None
        line, at = divmod(bank, len(self.macro_x))
        if line == 0:
            column, macro = divmod(at, self.vec.columns * self.across)
            return -1, column, macro
        row, inner = divmod(line - 1, self.lines)
        column, place = divmod(at, self.across)
        grid = _tile_grid()
        macro = int(np.flatnonzero((grid.line == inner) & (grid.column == place))[0])
        return self.rom.rows - 1 - row, column, macro

    def macro_of(self, bank: int) -> RomSpec:
        """The macro at a place of the grid.

        Raises:
            ValueError: There is none.
        """
        tile = self.tile_of(bank)
        if tile is None:
            raise ValueError(f"no macro at place {bank}")
        return VEC_MACRO if tile[0] < 0 else MACRO

    def tile_box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Left, bottom, right and top of a rom tile, nm; row -1 for a vec tile."""
        left, h = round(self.edge * 1000), self.heights
        if row < 0:
            first = column * self.vec.columns
            stop = min(first + self.vec.columns, self.rom.columns)
            return left + first * self.tile_width, left, left + stop * self.tile_width, left + h["vec"]
        bottom = left + h["vec"] + self.ram.rows * h["ram"] + (self.rom.rows - 1 - row) * h["rom"]
        x = left + column * self.tile_width
        return x, bottom, x + self.tile_width, bottom + h["rom"]

    def tile_places(self) -> Iterator[tuple[str, int, int, tuple[int, int]]]:
        """Kind, row, column and lower left corner (nm) of every tile, row by row from the north."""
        left, h = round(self.edge * 1000), self.heights
        for row in range(self.rom.rows):
            for column in range(self.rom.columns):
                yield "rom", row, column, self.tile_box(row, column)[:2]
        for row in range(self.ram.rows):
            y = left + h["vec"] + (self.ram.rows - 1 - row) * h["ram"]
            for column in range(self.rom.columns):
                yield "ram", self.rom.rows + row, column, (left + column * self.tile_width, y)
        for number in range(self.vecs):
            at = self.tile_box(-1, number)[:2]
            yield "vec", self.rom.rows + self.ram.rows, number * self.vec.columns, at

    def origins(self) -> np.ndarray:
        """Where the origin of each bank's cell comes to lie, nm, int64 [banks, 2]."""
        return _pairs(self.macro_x, self.macro_y)

    def signs(self) -> np.ndarray:
        """int64 [banks, 2], -1 where a bank is mirrored in x, in y."""
        return _pairs(self.x_signs, self.y_signs)

    @functools.cached_property
    def sites(self) -> SiteGrid:
        """Of one macro, of a rom or of a vec tile."""
        return rom_sites(MACRO)

    def lay(self, rom: np.ndarray, vec: np.ndarray) -> np.ndarray:
        """Contents of tiles as those of banks.

        Args:
            rom: uint8 [rows, macros, words, columns, bytes of a word] of all rom tiles.
            vec: uint8 [vec tiles, macros, words, bytes of a word].

        Returns:
            uint8 [banks * words, bytes of a word], 0 where there is no macro.
        """
        width, grid = rom.shape[-1], _tile_grid()
        out = np.zeros((len(self.macro_y), self.rom.columns, self.across, WORDS, width), np.uint8)
        for row in range(self.rom.rows):
            first = 1 + (self.rom.rows - 1 - row) * self.lines
            for macro, (line, column) in enumerate(zip(grid.line, grid.column, strict=True)):
                out[first + line, :, column] = rom[row, macro].swapaxes(0, 1)
        flat = out.reshape(-1, WORDS, width)
        numbers = np.indices((self.vecs, self.vec.macros)).reshape(2, -1)
        flat[self.bank(np.full(numbers.shape[1], -1), *numbers)] = vec.reshape(-1, WORDS, width)
        return flat.reshape(-1, width)

    def fitted(self) -> "Floorplan":
        """With just the room that its tiles take, each as wide as the rom tile."""
        width = round(self.rom.columns * tile_size("rom")[0] / 1000 + 2 * self.edge, 3)
        wide = replace(self, die=(width, math.inf))
        high = math.ceil(wide.tiles_height / GRID) * GRID / 1000 + 2 * self.edge
        return replace(self, die=(width, round(high, 3)))

    def digest(self) -> str:
        """SHA-256 over every field and over where macros and their sites are."""
        grid = self.x_signs.tolist(), self.y_signs.tolist(), self.order
        places = [self.macro_x.tolist(), self.macro_y.tolist(), *grid, self.sites.to_json()]
        return digest(_Digested(asdict(self), places))


@dataclass(frozen=True, eq=False)
class _TileGrid:
    """Where the macros of a rom tile stand, as it is hardened.

    Attributes:
        x, y: Left edges of their columns and lower edges of their lines from the tile's corner, int64 nm.
        x_signs, y_signs: -1 where the macros of a column are mirrored in x, those of a line in y.
        column, line: Of each macro.
    """

    x: np.ndarray
    y: np.ndarray
    x_signs: np.ndarray
    y_signs: np.ndarray
    column: np.ndarray
    line: np.ndarray


@functools.cache
def _tile_grid() -> _TileGrid:
    tile, plan = load_tile("rom"), RomPlan(MACRO.array)
    assert isinstance(tile, RomTileConfig)
    found = plan_tile(tile, (plan.width, plan.height), load_place_route(load_pdk(tile.pdk)))
    at = np.array([(p.x, p.y) for p in found.places])
    (x, column), (y, line) = (
        np.unique(np.rint(v * 1000).astype(np.int64), return_inverse=True) for v in at.T
    )
    signs = np.array([SIGNS[p.orient] for p in found.places])
    x_signs, y_signs = (np.zeros(len(v), np.int64) for v in (x, y))
    x_signs[column], y_signs[line] = signs.T
    assert (x_signs[column] == signs[:, 0]).all()
    assert (y_signs[line] == signs[:, 1]).all()
    return _TileGrid(x, y, x_signs, y_signs, column, line)


def _pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of each place of the grid its x and its y, line after line."""
    across, up = np.meshgrid(x, y)
    return np.stack([across.ravel(), up.ravel()], axis=1)


@dataclass(frozen=True)
class _Digested:
    fields: dict[str, object]
    places: list[object]
