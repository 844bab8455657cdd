"""Every instance, cell, transistor and layer of a stitched die accounted for."""

__all__ = ["Contents", "check_assembly", "contents_of"]

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from base_chip.bank.layout import write_layout
from base_chip.harden.block import Block
from base_chip.pdk import load_pdk
from base_chip.pdk.checks import load_checks
from base_chip.tiles import load_tile, macro_layouts
from flow.hardening.blocks import block_of
from flow.pdk.files import PdkFiles
from flow.stitching.routed import routed_of
from flow.stitching.stitch import Stitched
from flow.stitching.tiles import HardTile, macro_places
from signoff.assembly.devices import known_devices, library
from signoff.assembly.layers import Allowed, die_layers
from signoff.assembly.names import Names
from signoff.assembly.npc import ContactMask, contact_mask
from signoff.assembly.placement import Plan, placement
from signoff.assembly.routed import Place
from signoff.readback import read_layout
from signoff.result import CheckResult


@dataclass(frozen=True)
class Contents:
    """What a die of tiles should hold.

    Attributes:
        names: Of the cells that are its own.
        plans: What should stand where in each kind of tile.
        known: Every cell that it may take from elsewhere: of the kit, memories, vias.
    """

    names: Names
    plans: Sequence[Plan]
    known: kdb.Layout


def check_assembly(
    made: Stitched, tiles: Mapping[str, HardTile], files: PdkFiles, scratch: Path
) -> tuple[list[CheckResult], Contents]:
    """Account for all that is on a die, in which no model has vias yet.

    Args:
        made: The die.
        tiles: By kind.
        files: The PDK.
        scratch: Folder for all files; made if missing.

    Returns:
        The rows `placement`, `known_devices`, `die_layers` and that of the contacts' mask, each followed by
        its control's; and what was expected.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    pdk, layout = load_pdk(made.plan.pdk), read_layout(made.file(".gds"))
    facts, layers = load_checks(pdk), pdk.layers
    used = {cell.name for cell in layout.each_cell()}
    expected = contents_of(made.plan.top, tiles, used, files, scratch)
    names, may, mask = expected.names, facts.die_layers, facts.contact_mask
    allowed = Allowed(may.cells, may.vias, may.tiles, may.margin, layers["prBoundary"], may.opening)
    rule = ContactMask(mask.name, layers[mask.name], layers[facts.contact], layers["poly"], mask.enclosure)
    return [
        *placement(layout, expected.plans, scratch),
        *known_devices(layout, expected.known, names, (layers["poly"], layers["diff"]), scratch),
        *die_layers(layout, names, allowed, scratch),
        *contact_mask(layout, names, rule, scratch),
    ], expected


def contents_of(
    die: str, tiles: Mapping[str, HardTile], used: set[str], files: PdkFiles, scratch: Path
) -> Contents:
    """What a die should hold, of its tiles' DEFs and floorplans, the kit and the memories' generators.

    Args:
        die: Cell of the die.
        tiles: By kind.
        used: Cells of which the kit's are read, if it has them.
        files: The PDK.
        scratch: Folder for the memories' layouts.
    """
    plans, vias = [], []
    drawn: dict[str, Path] = {}
    for tile in tiles.values():
        block = block_of(tile.name)
        routed = routed_of(tile.folder, files)
        plans.append(Plan(block.top, routed.cells, routed.vias, _memories(block)))
        vias.append(routed.via_shapes)
        for layout in macro_layouts(load_tile(tile.name)):
            path = drawn.setdefault(layout.top_cell().name, scratch / f"{layout.top_cell().name}.gds")
            write_layout(layout, path)
    pdk = load_pdk(block.pdk)
    kit = [path for path in sorted(files.path("cells").glob("*/*.gds")) if path.stem in used]
    names = Names(die, tuple(plan.cell for plan in plans))
    return Contents(names, plans, library([*kit, *drawn.values()], vias, pdk.layers))


def _memories(block: Block) -> Counter[Place]:
    """Where the floorplan of a tile has its memories."""
    places = macro_places(block).values()
    return Counter((cell, trans.rot, trans.disp.x, trans.disp.y) for cell, trans in places)
