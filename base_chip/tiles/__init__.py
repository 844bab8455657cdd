"""Tiles: floorplans of the blocks that all dies are made of (docs/fabric.md)."""

__all__ = [
    "TileConfig",
    "kind_of",
    "known_tiles",
    "load_tile",
    "macro_layouts",
    "parse_tile",
    "tile_block",
    "tile_rtl",
    "tile_size",
]

from base_chip.tiles.block import tile_block
from base_chip.tiles.config import TileConfig, kind_of, known_tiles, load_tile, parse_tile, tile_size
from base_chip.tiles.parts import macro_layouts, tile_rtl
