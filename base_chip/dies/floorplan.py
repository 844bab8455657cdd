"""Where the tiles of a die stand, and the ROM macros in them.

From the north: rows of rom tiles, rows of ram tiles, and a row of vec tiles, each under some columns. Tiles
touch, and those of a column have one width. A tile that has a floorplan (`base_chip/tiles`) has its height in
columns of its width; any other's follows from its area: macros as they are drawn, cells as synthesised. All
macros of a die stand on one grid of lines and columns, so that the vias of a line share their records; line
0, the vec tiles', is the lowest.
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
from base_chip.dies.tiles import MACRO_BITS, ram_tiles, rom_macro_um2, rom_tiles, vec_tile_um2
from base_chip.pdk.constants import values
from base_chip.schema import Layer, Name, Point, Um, digest, note
from base_chip.tiles.config import known_tiles, tile_size
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.tiles.macro import WORDS
from rtl_gen.tiles.rom import RomTileSize

STATUS = "planned, not hardened"
FITTING = 0.0, 0.0
GRID = 5  # nm, of manufacturing
STEP = 690  # nm: pitch of bit lines, on which the columns of macros of a die share one grid
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

    @functools.cached_property
    def _pitch(self) -> tuple[int, int]:
        """Of macros in a tile, x and y in nm."""
        plan, halo = RomPlan(MACRO.array), round(2e3 * values(self.pdk, "fabric")["macro_halo"])
        nm = round(plan.spec.process.dbu * 1000)
        return -(-(plan.width * nm + halo) // STEP) * STEP, plan.height * nm + halo

    @functools.cached_property
    def tile_width(self) -> int:
        """Of a column of tiles, nm: the die's width, shared out."""
        return round((self.die[0] - 2 * self.edge) * 1000) // self.rom.columns // STEP * STEP

    @property
    def across(self) -> int:
        """Macros side by side in a rom tile; macro m stands in column m % across of line m // across."""
        return self.tile_width // self._pitch[0]

    @property
    def lines(self) -> int:
        """Lines of macros in a rom tile."""
        return -(-TILE.banks // max(1, self.across))

    @functools.cached_property
    def heights(self) -> dict[str, int]:
        """Of each kind of tile, nm."""
        c, macro = values(self.pdk, "fabric"), rom_macro_um2(self.pdk, MACRO_BITS)
        rom = next(t.um2 for t in rom_tiles(self.pdk) if t.size == TILE)
        ram = next(t.um2 for t in ram_tiles(self.pdk) if t.size.words == self.ram.words)
        factors = math.floor(self.vec.macros * WORDS * MACRO_BITS / c["factor_bits"])
        vec = vec_tile_um2(c, factors, macro)
        width, vec_width = self.tile_width, self.tile_width * min(self.vec.columns, self.rom.columns)
        own = {kind: tile_size(kind) for kind in known_tiles()}
        heights = {
            "rom": max(_height(rom, width), self.lines * self._pitch[1]),
            "ram": _height(ram, width),
            "vec": max(_height(vec, vec_width), self._pitch[1]),
        }
        widths = {"rom": width, "ram": width, "vec": vec_width}
        return heights | {kind: size[1] for kind, size in own.items() if size[0] == widths[kind]}

    @property
    def tiles_height(self) -> int:
        """Of all rows of tiles, nm."""
        h = self.heights
        return self.rom.rows * h["rom"] + self.ram.rows * h["ram"] + h["vec"]

    @functools.cached_property
    def macro_x(self) -> np.ndarray:
        """Left edges of the columns of macros, int64 nm, ascending."""
        left = round(self.edge * 1000)
        at = np.arange(self.rom.columns)[:, None] * self.tile_width + np.arange(self.across) * self._pitch[0]
        return left + at.ravel()

    @functools.cached_property
    def macro_y(self) -> np.ndarray:
        """Lower edges of the lines of macros, int64 nm, ascending: the vec tiles', then the rom tiles'."""
        low, h = round(self.edge * 1000), self.heights
        first = low + h["vec"] + self.ram.rows * h["ram"]
        of_rows = np.arange(self.rom.rows)[:, None] * h["rom"] + np.arange(self.lines) * self._pitch[1]
        return np.concatenate([[low], first + of_rows.ravel()])

    @property
    def rom_geometry(self) -> RomGeometry:
        """Every place of the grid as a bank, line after line; not all have a macro (`present`)."""
        return RomGeometry(len(self.macro_x) * len(self.macro_y), WORDS, MACRO_BITS, 1)

    def bank(self, row: np.ndarray, column: np.ndarray, macro: np.ndarray) -> np.ndarray:
        """Number of a place in the grid: of a macro of a rom tile, or for row -1 of vec tile `column`."""
        row, column, macro = (np.asarray(a) for a in (row, column, macro))
        line = 1 + (self.rom.rows - 1 - row) * self.lines + macro // self.across
        at = line * len(self.macro_x) + column * self.across + macro % self.across
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
        return self.rom.rows - 1 - row, column, inner * self.across + place

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
        """Lower left corner of each bank in nm, int64 [banks, 2]."""
        x, y = np.meshgrid(self.macro_x, self.macro_y)
        return np.stack([x.ravel(), y.ravel()], axis=1)

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
        width = rom.shape[-1]
        out = np.zeros((len(self.macro_y), self.rom.columns, self.across, WORDS, width), np.uint8)
        for row in range(self.rom.rows):
            for macro in range(TILE.banks):
                line = 1 + (self.rom.rows - 1 - row) * self.lines + macro // self.across
                out[line, :, macro % self.across] = rom[row, macro].swapaxes(0, 1)
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
        places = [self.macro_x.tolist(), self.macro_y.tolist(), self.sites.to_json()]
        return digest(_Digested(asdict(self), places))


def _height(um2: float, width: int) -> int:
    """nm, for an area and a width in nm."""
    return math.ceil(um2 * 1e6 / width / GRID) * GRID


@dataclass(frozen=True)
class _Digested:
    fields: dict[str, object]
    places: list[object]
