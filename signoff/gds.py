"""GDS files for tools that read nothing else."""

__all__ = ["write_gds"]

from pathlib import Path

import klayout.db as db


def write_gds(layout: db.Layout, path: Path, top: str = "") -> None:
    """Write GDS without time stamps: all cells, or only `top` and what it uses."""
    options = db.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_write_timestamps = False
    if top:
        options.select_cell(layout.cell(top).cell_index())
    layout.write(str(path), options)
