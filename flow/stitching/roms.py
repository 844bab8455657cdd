"""What place and route is told of the tiles of a die, and where its ROM macros lie."""

__all__ = ["die_blocks", "die_plan", "die_roms", "die_sites", "one_by_one"]

import numpy as np

from base_chip.dies import Floorplan, load_die
from base_chip.harden.block import Block
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch import place_tiles
from base_chip.stitch.roms import RomPlace, rom_places
from base_chip.tiles import load_tile, tile_block
from flow.stitching.tiles import views
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry
from signoff.readback.die import DiePlan


def die_blocks(die: Floorplan) -> dict[str, Block]:
    """What place and route is told of each kind of tile; FlowError when one has no floorplan."""
    facts = load_place_route(load_pdk(die.pdk))
    return {kind: tile_block(load_tile(name), facts) for kind, name in die.tiles.items()}


def die_roms(die: Floorplan) -> tuple[RomPlace, ...]:
    """The ROM macros of a die from the lowest up, those of one height from the left."""
    return rom_places(place_tiles(die, views(die.tiles)), die_blocks(die))


def die_sites(name: str) -> SiteMap:
    """Where each bit of the ROM macros of a die lies."""
    die = load_die(name)
    grid, roms = die.sites, die_roms(die)
    words, bits = grid.shape
    origins, signs = (np.array([getattr(r, a) for r in roms], np.int64) for a in ("origin", "signs"))
    return SiteMap(
        name, RomGeometry(len(roms), words, bits, 1), origins, grid.x, grid.y, grid.via,
        die.program_layers[0], signs,
    )  # fmt: skip


def one_by_one(sites: SiteMap) -> list[range]:
    """The ROM macros as the writer of dies takes them: those of a line of tiles are on no one grid."""
    return [range(n, n + 1) for n in range(sites.rom.banks)]


def die_plan(sites: SiteMap) -> DiePlan:
    """What the reader of dies is told of the ROM macros of a die, which stand on a grid.

    Raises:
        FlowError: They do not, or macros of a column or of a line are not mirrored alike.
    """
    (columns, column), (lines, line) = (np.unique(v, return_inverse=True) for v in sites.origins.T)
    x_signs, y_signs = (np.zeros(len(v), np.int64) for v in (columns, lines))
    x_signs[column], y_signs[line] = sites.signs.T
    present = line * len(columns) + column
    plan = DiePlan(columns, lines, x_signs, y_signs, present, sites.x, sites.y, sites.size, sites.layer)
    alike = np.array_equal(np.stack([x_signs[column], y_signs[line]], 1), sites.signs)
    rising = all((np.diff(plan.axis(n)) > 0).all() for n in range(2)) and (np.diff(present) > 0).all()
    if not (alike and rising):
        raise FlowError(
            "ROM macros of its tiles are not in columns and lines that the die shares",
            where=f"die {sites.base}", hint="Place those of the vec tile on the columns of the rom tile's.",
        )  # fmt: skip
    return plan
