"""A rom tile of four macros of 256 x 32 bits, which is placed and routed in minutes; and four of it stitched.

`python -m tests.tiny_tile ARTIFACT FOLDER` stitches an artifact that was kept, and draws it.
"""

import sys
from pathlib import Path

import msgspec

from base_chip.arrays.layout import build_rom
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import load_timing
from base_chip.harden.artifact import HardenedTile
from base_chip.harden.block import Block
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import parse_tile, tile_block
from flow.pdk.files import PdkFiles
from flow.pdk.providers import find_pdk
from flow.stitching.run import four, pictures
from flow.stitching.stitch import Stitched, stitch
from flow.stitching.tiles import HardTile, hard_tile

MACRO = RomSpec(256, 32)
TILE = parse_tile(
    """
name: tiny
kind: rom
pdk: sky130
size: {banks: 4, rows: 1, columns: 8}
pitches: [10, 26]
margin: [0.92, 2.72]
macros: {edge: 3, back: [4, 4], halo: [10, 4]}
layer_adjustment: {met1: 0.5, met2: 0.3, met3: 0.3, met4: 0.3, met5: 0.3}
clock_layer: met3
density: 0.4
dont_use: []
target_ns: 50
""",
    where="tiny.yaml",
)


def tiny_block() -> Block:
    """What place and route is told; the macro of 32 bits is given the timing of the one of 128."""
    timing = msgspec.structs.replace(load_timing(RomSpec(256, 128)), bits=MACRO.bits)
    return tile_block(TILE, load_place_route(load_pdk(TILE.pdk)), timing)


def stitch_quad(
    block: Block, kept: HardenedTile, files: PdkFiles, folder: Path
) -> tuple[Stitched, dict[str, HardTile]]:
    """Two by two tiles in `folder`/out, and the tile."""
    tiles = {"rom": hard_tile("rom", block, kept, [build_rom(MACRO)], files, folder / "tiles")}
    plan = four("quad", tiles["rom"].view, load_pdk(TILE.pdk))
    return stitch(plan, {"rom": tiles["rom"].gds}, TILE.target_ns, folder / "out"), tiles


if __name__ == "__main__":
    artifact, out = map(Path, sys.argv[1:])
    made, _ = stitch_quad(
        tiny_block(), HardenedTile.read(artifact, TILE.name), find_pdk(load_pdk(TILE.pdk)), out
    )
    print(*pictures(made), sep="\n")
