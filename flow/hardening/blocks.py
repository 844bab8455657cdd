"""Blocks that can be hardened, by name: bases and tiles."""

__all__ = ["load_block"]

import base_chip.config
import rtl_gen.tile
from base_chip.harden.block import Block, base_block
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import known_tiles, load_tile, tile_block, tile_rtl


def load_block(name: str) -> tuple[Block, str]:
    """A base or a tile, and its Verilog, which takes some seconds.

    Raises:
        FlowError: There is none of that name (USAGE), or its file does not hold what it should.
    """
    if name in known_tiles():
        tile = load_tile(name)
        return tile_block(tile, load_place_route(load_pdk(tile.pdk))), tile_rtl(tile)
    base = base_chip.config.load_base(name)
    block = base_block(base, load_place_route(load_pdk(base.pdk)))
    return block, rtl_gen.tile.tile_verilog(base.core())
