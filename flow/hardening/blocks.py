"""Blocks that can be hardened, by name: tiles."""

__all__ = ["block_of", "load_block"]

from base_chip.harden.block import Block
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import load_tile, tile_block, tile_rtl


def load_block(name: str) -> tuple[Block, str]:
    """A tile and its Verilog, which takes some seconds.

    Raises:
        FlowError: There is none of that name (USAGE), or its file does not hold what it should.
    """
    return block_of(name), tile_rtl(load_tile(name))


def block_of(name: str) -> Block:
    """A tile without its Verilog; FlowError as `load_block`."""
    tile = load_tile(name)
    return tile_block(tile, load_place_route(load_pdk(tile.pdk)))
