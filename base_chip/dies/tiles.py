"""Area of tiles: macros with room around them, cells as synthesised.

Cells take as much room as those of the hardened tile of that kind do, whose size has so its own area.
"""

__all__ = [
    "MACRO_BITS",
    "RamTileArea",
    "RomTileArea",
    "ram_tiles",
    "rom_macro_um2",
    "rom_tiles",
    "tile_um2",
]

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources

from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.pdk.constants import values
from base_chip.tiles.config import RamTileConfig, load_tile, tile_size
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
    sizes = [
        (RomTileSize(t["banks"], t["rows"], t["columns"], t["sum_bits"]), t) for t in _synthesised(pdk, "rom")
    ]
    macros = [size.banks * rom_macro_um2(pdk, SLOT_BITS * size.columns) for size, _ in sizes]
    hardened = [size for size, _ in sizes].index(RomTileSize())
    filled = _filled("rom", sizes[hardened][1]["um2"], macros[hardened])
    return tuple(
        RomTileArea(size, m + t["um2"] / filled, t["cells"])
        for (size, t), m in zip(sizes, macros, strict=True)
    )


@functools.cache
def ram_tiles(pdk: str) -> tuple[RamTileArea, ...]:
    """Every ram tile that was synthesised for a PDK.

    Raises:
        FlowError: None was.
    """
    c, tile = values(pdk, "fabric"), load_tile("ram")
    assert isinstance(tile, RamTileConfig)
    sizes = [(RamTileSize(t["words"], t["columns"], t["step_rows"]), t) for t in _synthesised(pdk, "ram")]
    macros = [size.macros * _ram_macro_um2(size, c) for size, _ in sizes]
    hardened = [size for size, _ in sizes].index(tile.size.ram())
    filled = _filled("ram", sizes[hardened][1]["um2"], macros[hardened])
    return tuple(RamTileArea(size, m + t["um2"] / filled) for (size, t), m in zip(sizes, macros, strict=True))


@functools.cache
def tile_um2(kind: str) -> float:
    """Area of a tile that is hardened."""
    width, height = tile_size(kind)
    return width * height / 1e6


def _filled(kind: str, cells: float, macros: float) -> float:
    """Share of what the macros of the hardened tile leave that its cells take, as mapped."""
    return cells / (tile_um2(kind) - macros)
