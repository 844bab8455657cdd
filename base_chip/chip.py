"""A base chip and a metal config put together to a chip."""

__all__ = ["cell_name", "merge_chip"]

import re
from pathlib import Path

import klayout.db as kdb

from base_chip.bank.layout import write_layout
from rtl_gen.errors import ExitCode, FlowError


def cell_name(text: str) -> str:
    """A name that GDS allows for a cell: letters, digits and underscores."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def merge_chip(base: Path, metal: Path, *outputs: Path, model: str) -> str:
    """Write a chip: one instance of the base's top cell and one of the metal config's, at the same origin.

    Args:
        base: GDS or OASIS of the base chip.
        metal: OASIS of the metal config.
        outputs: Files to write, GDS or OASIS by their suffix; the same input gives the same bytes.
        model: Name of the model.

    Returns:
        Name of the chip's top cell, `scf_<base>_<model>`.

    Raises:
        FlowError: An input is damaged or not for this base, or an output cannot be written.
    """
    layout, metal_layout = _read(base), _read(metal)
    base_cell, metal_cell = layout.top_cell(), metal_layout.top_cell()
    if metal_cell.name != f"{base_cell.name}_metal":
        raise FlowError(
            f"the metal config's cell is {metal_cell.name}, expected {base_cell.name}_metal",
            where=str(metal),
            hint="Write the metal config for this base.",
        )
    copy = layout.create_cell(metal_cell.name)
    copy.copy_tree(metal_cell)
    top = layout.create_cell(cell_name(f"{base_cell.name}_{model}"))
    for cell in (base_cell, copy):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    for path in outputs:
        _write(layout, path)
    return str(top.name)


def _read(path: Path) -> kdb.Layout:
    layout = kdb.Layout()
    try:
        layout.read(str(path))
        layout.top_cell()
        _ = [c.name for c in layout.each_cell()]  # a damaged name cannot be decoded, now or later
    except (RuntimeError, UnicodeDecodeError, MemoryError) as e:
        raise FlowError(
            f"not a layout with one top cell, or damaged ({e})",
            where=str(path),
            hint="Build it again.",
        ) from e
    if not layout.cells() or layout.dbu != 0.001:
        raise FlowError(
            f"{layout.cells()} cells in units of {layout.dbu} um, expected cells in units of 0.001 um",
            where=str(path),
        )
    return layout


def _write(layout: kdb.Layout, path: Path) -> None:
    try:
        write_layout(layout, path)
    except (RuntimeError, OSError) as e:
        raise FlowError(
            f"cannot write the layout ({e})",
            where=str(path),
            hint="Check the output directory and its free space.",
            code=ExitCode.OUTPUT,
        ) from e
