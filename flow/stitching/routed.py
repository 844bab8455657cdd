"""The routed design of a hardened tile, as checks read it."""

__all__ = ["routed_of"]

from pathlib import Path

from flow.pdk.files import PdkFiles
from signoff.assembly.routed import Routed, read_macros, read_vias


def routed_of(folder: Path, files: PdkFiles) -> Routed:
    """The DEF in a tile's folder, with the cells of the LEF beside it and the vias of the process."""
    text, cells = ((folder / name).read_text("utf-8") for name in ("layout.def", "cells.lef"))
    return Routed(text, read_macros(cells), read_vias(files.path("tech_lef").read_text("utf-8")))
