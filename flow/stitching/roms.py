"""What place and route is told of the tiles of a die, and where its ROM macros lie."""

__all__ = ["die_blocks", "die_roms", "die_sites"]

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
from rtl_gen.golden.rom import RomGeometry


def die_blocks(die: Floorplan) -> dict[str, Block]:
    """What place and route is told of each kind of tile; FlowError when one has no floorplan."""
    facts = load_place_route(load_pdk(die.pdk))
    return {kind: tile_block(load_tile(kind), facts) for kind in die.kinds}


def die_roms(die: Floorplan) -> tuple[RomPlace, ...]:
    """The ROM macros of a die from the lowest up, those of one height from the left."""
    return rom_places(place_tiles(die, views(die.kinds)), die_blocks(die))


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
