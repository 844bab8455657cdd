"""Supplies inside of a hardened tile, by metal alone."""

__all__ = ["tile_supplies"]

from pathlib import Path

from base_chip.pdk import Pdk
from flow.pdk.files import PdkFiles
from flow.stitching.routed import routed_of
from flow.stitching.tiles import HardTile
from flow.tasks.wiring import stack_of
from signoff.readback import read_layout
from signoff.result import CheckResult
from signoff.supplies import supplies


def tile_supplies(tile: HardTile, pdk: Pdk, files: PdkFiles, scratch: Path) -> list[CheckResult]:
    """The rows `supplies` and `supplies_control` of a tile; reports go into `scratch`, made if missing."""
    scratch.mkdir(parents=True, exist_ok=True)
    layout = read_layout(tile.gds)
    return supplies(layout, tile.view.cell, routed_of(tile.folder, files), stack_of(pdk), scratch)
