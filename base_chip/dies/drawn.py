"""Macros of dies as they are drawn."""

__all__ = ["macro_cell"]

import klayout.db as kdb

from base_chip.arrays.layout import build_rom
from base_chip.arrays.spec import RomSpec


def macro_cell(layout: kdb.Layout, spec: RomSpec) -> kdb.Cell:
    """The cell of a macro in a layout; drawn if the layout, which then takes its grid, has none yet."""
    cell = layout.cell(spec.name)
    if cell is None:
        drawn = build_rom(spec)
        layout.dbu = drawn.dbu
        cell = layout.create_cell(spec.name)
        cell.copy_tree(drawn.cell(spec.name))
    return cell
