"""Area of tiles, and how the matrices of a model lie on an array of them."""

__all__ = [
    "MACRO_BITS",
    "Phase",
    "RamTileArea",
    "RomTileArea",
    "phases",
    "ram_tiles",
    "rom_macro_um2",
    "rom_tiles",
    "vec_tile_um2",
]

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources

from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from flow.planning.lines import values
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.columns import SLOT_BITS
from rtl_gen.tiles.macro import WORDS
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize

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


@functools.cache
def rom_macro_um2(pdk: str, bits: int) -> float:
    """Area of a ROM macro of 256 words as it is drawn, with room around it."""
    plan = RomPlan(RomSpec(WORDS, bits, pdk=pdk).array)
    dbu, halo = plan.spec.process.dbu, values(pdk, "fabric")["macro_halo"]
    return (plan.width * dbu + 2 * halo) * (plan.height * dbu + 2 * halo)


def _ram_macro_um2(size: RamTileSize, c: dict[str, float]) -> float:
    """Area of an SRAM macro with room around it; its cells are taken as square."""
    area = size.words * MACRO_BITS * c["ram_bit"]
    width = math.sqrt(area * MACRO_BITS / size.words)
    return (width + 2 * c["macro_halo"]) * (area / width + 2 * c["macro_halo"])


@dataclass(frozen=True)
class RamTileArea:
    """A size of ram tile, and what it takes with everything in it."""

    size: RamTileSize
    um2: float


def _synthesised(pdk: str, kind: str) -> list[dict[str, int]]:
    path = resources.files("base_chip.pdk").joinpath(pdk, "tiles.json")
    if not path.is_file():
        raise FlowError(f"no tiles were synthesised for {pdk}", hint="They exist for sky130.")
    found: list[dict[str, int]] = json.loads(path.read_text("utf-8"))[kind]
    return found


@functools.cache
def rom_tiles(pdk: str) -> tuple[RomTileArea, ...]:
    """Every rom tile that was synthesised for a PDK.

    Raises:
        FlowError: None was.
    """
    c = values(pdk, "fabric")
    found = []
    for t in _synthesised(pdk, "rom"):
        size = RomTileSize(t["banks"], t["rows"], t["columns"], t["sum_bits"])
        macro = rom_macro_um2(pdk, SLOT_BITS * size.columns)
        found.append(RomTileArea(size, size.banks * macro + t["um2"] / c["utilisation"], t["cells"]))
    return tuple(found)


@functools.cache
def ram_tiles(pdk: str) -> tuple[RamTileArea, ...]:
    """Every ram tile that was synthesised for a PDK.

    Raises:
        FlowError: None was.
    """
    c = values(pdk, "fabric")
    found = []
    for t in _synthesised(pdk, "ram"):
        size = RamTileSize(t["words"], t["columns"], t["step_rows"])
        macro = _ram_macro_um2(size, c)
        found.append(RamTileArea(size, size.macros * macro + t["um2"] / c["utilisation"]))
    return tuple(found)


def vec_tile_um2(c: dict[str, float], factors: int, rom_macro: float) -> float:
    """Area of a vec tile whose ROM holds so many factors, in whole macros of `rom_macro` um2."""
    macros = max(1, math.ceil(factors * c["factor_bits"] / (WORDS * MACRO_BITS)))
    return macros * rom_macro + c["vec_cells"] / c["utilisation"]


@dataclass(frozen=True)
class Phase:
    """Matrices that share their input and are multiplied in one go.

    Attributes:
        outputs: Those with codes of 4 bits.
        wide: Those with codes of 6: a pass of 4-bit digits, and two half as long of 2-bit ones in the same
            rows.
        products: Multiplications a sum in a lane of the vector unit.
    """

    name: str
    inputs: int
    outputs: int
    wide: int = 0
    products: float = 1.0

    def passes(self, grid: tuple[int, int], size: RomTileSize) -> tuple[tuple[int, int, int], ...]:
        """Passes on a grid of tiles: how many, steps of each, and sums that leave each column of tiles."""
        steps = math.ceil(math.ceil(self.inputs / grid[0]) / size.rows)
        found = []
        for outputs, kinds in ((self.outputs, ((1, steps),)), (self.wide, ((1, steps), (2, -(-steps // 2))))):
            count = math.ceil(outputs / (grid[1] * size.columns))
            words = math.ceil(outputs / (count * grid[1])) if count else 0
            found += [(count * times, length, words) for times, length in kinds if count]
        return tuple(found)

    def rows(self, grid: tuple[int, int], size: RomTileSize) -> int:
        """Rows that every tile spends on it; two passes of 2-bit digits share theirs."""
        narrow = math.ceil(self.outputs / (grid[1] * size.columns))
        wide = math.ceil(self.wide / (grid[1] * size.columns))
        steps = math.ceil(math.ceil(self.inputs / grid[0]) / size.rows)
        return narrow * steps + wide * (steps + -(-steps // 2))

    @property
    def all_outputs(self) -> int:
        return self.outputs + self.wide

    @property
    def read(self) -> int:
        """Weights times the passes that read them."""
        return self.inputs * (self.outputs + 2 * self.wide)


def phases(shape: Shape, c: dict[str, float]) -> tuple[tuple[Phase, ...], Phase]:
    """The phases of one layer, and the head. k, v, embedding and head have codes of 6 bits, others of 4."""
    layer = (
        Phase("qkv", shape.dim, shape.q_dim, 2 * shape.kv_dim, c["products_qkv"]),
        Phase("o", shape.q_dim, shape.dim),
        Phase("gate_up", shape.dim, 2 * shape.hidden, 0, c["products_gate_up"]),
        Phase("down", shape.hidden, shape.dim),
    )
    return layer, Phase("head", shape.dim, 0, shape.vocab)
