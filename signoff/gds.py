"""GDS files for tools that read nothing else."""

__all__ = ["as_gds", "write_gds"]

from pathlib import Path

import klayout.db as db


def as_gds(layout: Path, workdir: Path) -> Path:
    """A GDS file of a layout, for tools that read no OASIS: the file itself, or a copy in `workdir`."""
    if layout.suffix != ".oas":
        return layout.resolve()
    source = db.Layout()
    source.read(str(layout))
    target = workdir / f"{layout.stem}.gds"
    write_gds(source, target)
    return target.resolve()


def write_gds(layout: db.Layout, path: Path, top: str = "") -> None:
    """Write GDS without time stamps: all cells, or only `top` and what it uses."""
    options = db.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_write_timestamps = False
    if top:
        options.select_cell(layout.cell(top).cell_index())
    layout.write(str(path), options)
