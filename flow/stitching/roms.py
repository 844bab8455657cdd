"""A die of one column of tiles as its tiles have it: sizes, clock period, places of its ROM macros."""

__all__ = ["die_blocks", "die_column", "die_period", "die_roms", "die_sites"]

import numpy as np

from base_chip.dies import Floorplan, load_die
from base_chip.harden.block import Block
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch import place_tiles
from base_chip.stitch.roms import RomPlace, rom_places
from base_chip.tiles import load_tile, tile_block
from base_chip.tiles.config import RamTileConfig, RomTileConfig, VecTileConfig
from flow.stitching.tiles import views
from metal_configs.compile.program.fit import Column
from metal_configs.sitemap import SiteMap
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry


def die_column(die: Floorplan) -> Column:
    """What the compiler has to know of a die.

    Raises:
        FlowError: It has several columns, or more rows than its vec tile feeds (USAGE).
    """
    rom, ram, vec = (load_tile(kind) for kind in ("rom", "ram", "vec"))
    assert isinstance(rom, RomTileConfig)
    assert isinstance(ram, RamTileConfig)
    assert isinstance(vec, VecTileConfig)
    fed, there = (vec.size.rom_rows, vec.size.ram_rows), (die.rom.rows, die.ram.rows)
    if not die.one_column or there[0] > fed[0] or there[1] > fed[1]:
        raise FlowError(
            f"{there[0]} rows of rom tiles and {there[1]} of ram tiles in {die.rom.columns} columns; the vec"
            f" tile sends steps to one column of at most {fed[0]} and {fed[1]}",
            where=f"die {die.name}",
            hint="Correct rom, ram and vec of the floorplan, or base_chip/tiles/vec.yaml.",
            code=ExitCode.USAGE,
        )
    return Column(rom.size.rom(), there[0], ram.size.ram(), there[1], vec.size.vec())


def die_period(die: Floorplan) -> float:
    """The clock period that all tiles of a die are made for, ns."""
    return max(load_tile(kind).target_ns for kind in die.kinds)


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
