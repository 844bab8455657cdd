"""The routed design of a hardened tile, as checks read it."""

__all__ = ["routed_of"]

from flow.pdk.files import PdkFiles
from flow.stitching.tiles import HardTile
from signoff.assembly.routed import Routed, read_macros, read_vias


def routed_of(tile: HardTile, files: PdkFiles) -> Routed:
    """Its DEF, with the cells and memories of its own LEF and the vias of the process."""
    vias = read_vias(files.path("tech_lef").read_text("utf-8"))
    text = (tile.folder / "layout.def").read_text("utf-8")
    return Routed(text, read_macros(tile.lef.read_text("utf-8")), vias)
