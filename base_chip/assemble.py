"""Put layouts together: banks to a base chip, a base chip and a metal config to a chip."""

__all__ = ["assemble_base", "cell_name", "convert", "merge_chip"]

import itertools
import re
from pathlib import Path

import klayout.db as kdb

from base_chip.bank.layout import build_bank, write_layout
from base_chip.bank.spec import BankSpec
from base_chip.config import BaseConfig
from base_chip.pdk import load_pdk
from rtl_gen.errors import ExitCode, FlowError


def cell_name(text: str) -> str:
    """A name that GDS allows for a cell: letters, digits and underscores."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)


def assemble_base(config: BaseConfig) -> kdb.Layout:
    """Lay out a base: its banks at their places in a die, in top cell `scf_<base>`.

    Raises:
        FlowError: A bank lies outside the die or overlaps another.
    """
    spec = BankSpec.of(config.rom, config.pdk)
    layout = build_bank(spec)
    outline = layout.layer(*load_pdk(config.pdk).layers["prBoundary"])
    bank = layout.cell(spec.name)
    die = kdb.Box(0, 0, *config.floorplan.die_nm())
    box = bank.bbox_per_layer(outline)
    placed = [box.moved(x, y) for x, y in config.floorplan.banks_nm()]
    _check_places(config, die, placed)
    top = layout.create_cell(cell_name(f"scf_{config.name}"))
    top.shapes(outline).insert(die)
    for x, y in config.floorplan.banks_nm():
        top.insert(kdb.CellInstArray(bank.cell_index(), kdb.Trans(x, y)))
    return layout


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


def convert(source: Path, target: Path) -> None:
    """Write a layout in the format of another suffix, for instance a metal config as GDS.

    Raises:
        FlowError: The source is damaged, or the target cannot be written.
    """
    _write(_read(source), target)


def _check_places(config: BaseConfig, die: kdb.Box, placed: list[kdb.Box]) -> None:
    for n, box in enumerate(placed):
        if not box.inside(die):
            raise _misplaced(config, f"bank {n} covers {_um(box)}, outside the die {_um(die)}")
    for (n, a), (m, b) in itertools.combinations(enumerate(placed), 2):
        if a.overlaps(b):
            raise _misplaced(config, f"bank {n}, {_um(a)}, and bank {m}, {_um(b)}, overlap")


def _misplaced(config: BaseConfig, what: str) -> FlowError:
    return FlowError(what, where=f"base {config.name}", hint="Correct floorplan.banks of the base config.")


def _um(box: kdb.Box) -> str:
    return f"({box.left / 1000:g}, {box.bottom / 1000:g}) to ({box.right / 1000:g}, {box.top / 1000:g}) um"


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
