"""Tiles that a die is stitched from: their hardened artifacts, drawn."""

__all__ = [
    "HardTile", "artifact", "checked", "hard_tile", "hardened", "macro_places", "planned", "shipped",
    "views",
]  # fmt: skip

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from base_chip.bank.layout import write_layout
from base_chip.harden.artifact import Bindings, HardenedTile
from base_chip.harden.block import Block, Macro, Orientation
from base_chip.harden.cells import cell_lef
from base_chip.harden.streamout import stream_out
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch import TileView, drawn_view, read_view
from base_chip.tiles import kind_of, known_tiles, load_tile, macro_layouts, tile_block
from flow.hardening.blocks import load_block
from flow.pdk.files import PdkFiles
from rtl_gen.errors import ExitCode, FlowError

TURNS: Mapping[Orientation, kdb.Trans] = {
    "R0": kdb.Trans.R0,
    "R180": kdb.Trans.R180,
    "MX": kdb.Trans.M0,
    "MY": kdb.Trans.M90,
}


@dataclass(frozen=True)
class HardTile:
    """A hardened tile.

    Attributes:
        name: Of its file in base_chip/tiles.
        view: As its neighbours see it.
        folder: Files of its artifact, unpacked.
        gds: Its layout.
        lef: Of its cells and macros.
        macros: Memories in it.
    """

    name: str
    view: TileView
    folder: Path
    gds: Path
    lef: Path
    macros: Sequence[Macro]


def artifact(name: str) -> HardenedTile:
    """The artifact of the tile that ships.

    Raises:
        FlowError: It is not hardened (MISSING_TOOL), or its manifest is damaged.
    """
    if name not in known_tiles():
        raise FlowError(
            f"tile {name} cannot be hardened yet: it has no floorplan",
            where="base_chip/tiles",
            hint=f"Known: {', '.join(known_tiles())} (docs/fabric.md says what exists).",
            code=ExitCode.MISSING_TOOL,
        )
    return HardenedTile.read(HardenedTile.home(name), name)


def shipped(name: str) -> HardenedTile | None:
    """The artifact of the tile that ships, routed or of its mapped logic alone; None if there is none.

    Raises:
        FlowError: Its manifest is damaged.
    """
    return HardenedTile.read(HardenedTile.home(name), name) if HardenedTile.ships(name) else None


def planned(block: Block, macros: Sequence[kdb.Layout], scratch: Path) -> kdb.Layout:
    """A tile that is not placed and routed: its outline, and its memories where they will lie.

    Args:
        block: What place and route is told of it.
        macros: Layouts of its memories.
        scratch: Folder for files; made if missing.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    pdk, layout = load_pdk(block.pdk), kdb.Layout()
    layout.dbu = pdk.dbu
    for macro in macros:
        path = scratch / f"{macro.top_cell().name}.gds"
        write_layout(macro, path)
        layout.read(str(path))
    top = layout.create_cell(block.top)
    width, height = (round(v * 1000) for v in block.die)
    top.shapes(layout.layer(*pdk.layers["prBoundary"])).insert(kdb.Box(0, 0, width, height))
    for name, trans in macro_places(block).values():
        top.insert(kdb.CellInstArray(layout.cell(name).cell_index(), trans))
    return layout


def macro_places(block: Block) -> dict[str, tuple[str, kdb.Trans]]:
    """Cell of each memory, and where its floorplan has it (nm), by instance."""
    return {
        name: (
            block.macros[name].name,
            kdb.Trans(TURNS[block.places[name].orient], round(x * 1000), round(y * 1000)),
        )
        for name, (x, y) in block.origins().items()
    }


def checked(kept: HardenedTile, name: str, files: PdkFiles) -> HardenedTile:
    """The artifact of a tile; FlowError when it is damaged or no longer fits."""
    block, rtl = load_block(name)
    facts = load_place_route(load_pdk(block.pdk))
    kept.check(block, Bindings.now(block, rtl, cell_lef(files.path("cells"), facts.library)))
    return kept


def hardened(kept: HardenedTile, name: str, files: PdkFiles, scratch: Path) -> HardTile:
    """The tile of that name that ships, drawn in a folder.

    Raises:
        FlowError: Its artifact is damaged or no longer fits.
    """
    tile, (block, _) = load_tile(name), load_block(name)
    return hard_tile(kind_of(tile), block, checked(kept, name, files), macro_layouts(tile), files, scratch)


def hard_tile(
    kind: str,
    block: Block,
    kept: HardenedTile,
    macros: Sequence[kdb.Layout],
    files: PdkFiles,
    scratch: Path,
) -> HardTile:
    """Draw a hardened tile.

    Args:
        kind: rom, ram or vec.
        block: What it was made from.
        kept: Its artifact.
        macros: Layouts of its memories.
        files: The PDK.
        scratch: Folder for all files; made if missing.
    """
    folder = scratch / kind
    folder.mkdir(parents=True, exist_ok=True)
    for name in kept.sums:
        (folder / name).write_bytes(kept.content(name))
    if not kept.routed:
        raise FlowError(
            f"tile {block.name} is mapped to cells, but not placed and routed",
            where=str(kept.folder),
            hint=f"On a machine with OpenROAD run: sc-flow base build {block.name}",
            code=ExitCode.MISSING_TOOL,
        )
    pdk = load_pdk(block.pdk)
    library, kit = load_place_route(pdk).library, files.path("cells")
    routed = (folder / "layout.def").read_text("utf-8")
    lef = folder / "cells.lef"
    lef.write_text(cell_lef(kit, library) + "".join(macro.lef for macro in block.memories))
    layouts = []
    for layout in macros:
        layouts.append(folder / f"{layout.top_cell().name}.gds")
        write_layout(layout, layouts[-1])
    used = set(re.findall(rf"\b{library}__\w+", routed))
    cells = [path for path in sorted(kit.glob("*/*.gds")) if path.stem in used]
    streamed = stream_out(folder / "layout.def", [files.path("tech_lef"), lef], [*cells, *layouts], pdk)
    gds = folder / "tile.gds"
    write_layout(streamed.layout, gds)
    return HardTile(block.name, read_view(kind, routed), folder, gds, lef, block.memories)


def views(tiles: Mapping[str, str]) -> dict[str, TileView]:
    """What is known of each kind of tile, by its name: of its artifact, else of its floorplan."""
    found = {}
    for kind, name in tiles.items():
        kept, tile = shipped(name), load_tile(name)
        if kept is not None and kept.routed:
            found[kind] = read_view(kind, kept.content("layout.def").decode())
        else:
            found[kind] = drawn_view(kind, tile_block(tile, load_place_route(load_pdk(tile.pdk))))
    return found
