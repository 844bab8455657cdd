"""Area of tiles: macros with room around them, cells as synthesised."""

__all__ = [
    "MACRO_BITS",
    "RamTileArea",
    "RomTileArea",
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
from base_chip.pdk.constants import values
from rtl_gen.errors import FlowError
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
