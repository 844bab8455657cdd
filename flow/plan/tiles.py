"""Area of tiles, and how the matrices of a model lie on an array of them."""

__all__ = ["Phase", "RomTileArea", "phases", "ram_tile_um2", "rom_tiles", "vec_tile_um2"]

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources

from flow.plan.lines import values
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.rom import SLOT_BITS, WORDS, RomTileSize

RAM_ROWS, RAM_COLUMNS, RAM_BITS = (64, 128, 256), 32, 8
MACRO_BITS = 128


@dataclass(frozen=True)
class RomTileArea:
    """A size of rom tile, and what synthesis of its RTL gave.

    Attributes:
        um2: Everything in it: macros with room around them, cells in their rows.
        cells: Standard cells.
    """

    size: RomTileSize
    um2: float
    cells: int

    @property
    def um2_a_weight(self) -> float:
        return self.um2 / self.size.weights


def _macro_um2(bits: int, bit: float, halo: float, lines: int = WORDS) -> float:
    """Area of a macro with its halo; its cells are about square."""
    area = lines * bits * bit
    width = math.sqrt(area * bits / lines)
    return (width + 2 * halo) * (area / width + 2 * halo)


@functools.cache
def rom_tiles(pdk: str) -> tuple[RomTileArea, ...]:
    """Every rom tile that was synthesised for a PDK.

    Raises:
        FlowError: None was.
    """
    path = resources.files("base_chip.pdk").joinpath(pdk, "tiles.json")
    if not path.is_file():
        raise FlowError(f"no tiles were synthesised for {pdk}", hint="They exist for sky130.")
    c = values(pdk, "fabric")
    found = []
    for t in json.loads(path.read_text("utf-8"))["rom"]:
        size = RomTileSize(t["banks"], t["rows"], t["columns"], t["sum_bits"])
        macro = _macro_um2(SLOT_BITS * size.columns, c["rom_bit"], c["macro_halo"])
        found.append(RomTileArea(size, size.banks * macro + t["um2"] / c["utilisation"], t["cells"]))
    return tuple(found)


def ram_tile_um2(rows: int, c: dict[str, float]) -> float:
    """Area of a ram tile: two SRAM macros of `rows` x 128 bits and 32 columns."""
    macros = RAM_COLUMNS * RAM_BITS // MACRO_BITS
    cells = RAM_COLUMNS * c["ram_column"] / c["utilisation"]
    return macros * _macro_um2(MACRO_BITS, c["ram_bit"], c["macro_halo"], rows) + cells


def vec_tile_um2(c: dict[str, float], factors: int) -> float:
    """Area of a vec tile whose ROM holds so many factors, in whole macros."""
    macros = max(1, math.ceil(factors * c["factor_bits"] / (WORDS * MACRO_BITS)))
    return macros * _macro_um2(MACRO_BITS, c["rom_bit"], c["macro_halo"]) + c["vec_cells"] / c["utilisation"]


@dataclass(frozen=True)
class Phase:
    """Matrices that share their input and are multiplied in one go.

    Attributes:
        outputs: Columns that they take: two an output where codes have 6 bits.
        products: Multiplications a sum in a lane of the vector unit.
    """

    name: str
    inputs: int
    outputs: int
    products: float = 1.0

    def steps(self, tile_rows: int, tile_columns: int, size: RomTileSize) -> tuple[int, int]:
        """Passes on an array of tiles, and steps of a pass: the rows that an address counts."""
        passes = math.ceil(self.outputs / (tile_columns * size.columns))
        return passes, math.ceil(math.ceil(self.inputs / tile_rows) / size.rows)

    def words(self, tile_columns: int, passes: int) -> int:
        """Sums that leave each column of tiles after a pass: outputs are spread evenly."""
        return math.ceil(self.outputs / (passes * tile_columns))

    def rows(self, tile_rows: int, tile_columns: int, size: RomTileSize) -> int:
        """Addressed rows that every tile spends on it."""
        passes, steps = self.steps(tile_rows, tile_columns, size)
        return passes * steps


def phases(shape: Shape, c: dict[str, float]) -> tuple[tuple[Phase, ...], Phase]:
    """The phases of one layer, and the head. k, v, embedding and head have codes of 6 bits, others of 4."""
    qkv = shape.q_dim + 2 * 2 * shape.kv_dim
    layer = (
        Phase("qkv", shape.dim, qkv, c["products_qkv"]),
        Phase("o", shape.q_dim, shape.dim),
        Phase("gate_up", shape.dim, 2 * shape.hidden, c["products_gate_up"]),
        Phase("down", shape.hidden, shape.dim),
    )
    return layer, Phase("head", shape.dim, 2 * shape.vocab)
