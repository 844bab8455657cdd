"""Every cell of a layout against the one that it is named after, and no transistor outside of them."""

__all__ = ["Gates", "check_devices", "known_devices", "library"]

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import klayout.db as kdb

from rtl_gen.errors import FlowError
from signoff.assembly.names import VIA, Names
from signoff.assembly.routed import Shapes
from signoff.assembly.rows import rows
from signoff.result import CheckResult
from signoff.structure import Structure

NAME = "known_devices"
Layer = tuple[int, int]
Gates = tuple[Layer, Layer]  # the two layers that make a transistor where they cross


def library(
    files: Iterable[Path], vias: Iterable[Mapping[str, Shapes]], layers: Mapping[str, Layer]
) -> kdb.Layout:
    """The cells that a die may hold.

    Args:
        files: GDS of cells and memories. A cell that several have is known once.
        vias: Shapes of each via, by tile; on the die its name begins with `VIA_`.
        layers: GDS layer and datatype by name.

    Raises:
        FlowError: A file cannot be read; a cell or a via of one name is drawn in two ways.
    """
    known, options = kdb.Layout(), kdb.LoadLayoutOptions()
    options.cell_conflict_resolution = kdb.LoadLayoutOptions.CellConflictResolution.SkipNewCell
    for path in files:
        new, hint = kdb.Layout(), "Install the PDK's kit again."
        try:
            new.read(str(path))
        except RuntimeError as e:
            raise FlowError(f"cannot read a cell ({e})", where=str(path), hint=hint) from e
        if other := _drawn_otherwise(known, new):
            raise FlowError(
                f"cell {other} is drawn otherwise in a file before it", where=str(path), hint=hint
            )
        known.read(str(path), options)
    shapes_of: dict[str, Shapes] = {}
    for name, shapes in (pair for tile in vias for pair in tile.items()):
        if Counter(shapes_of.setdefault(name, shapes)) != Counter(shapes):
            raise FlowError(f"via {name} has other shapes in another tile", hint="Harden both tiles again.")
    for name, shapes in shapes_of.items():
        cell = known.create_cell(f"{VIA}{name}")
        for layer, box in shapes:
            if layer in layers:  # a via of a layer that is never drawn stands on no chip
                cell.shapes(known.layer(*layers[layer])).insert(box)
    return known


def _drawn_otherwise(known: kdb.Layout, new: kdb.Layout) -> str:
    """Name of a cell of a layout that is drawn otherwise than the known one of its name; empty if none is."""
    common = [cell for cell in new.each_cell() if known.cell(cell.name) is not None]
    here, there = Structure(known), Structure(new)
    infos = {(i.layer, i.datatype) for side in (known, new) for i in side.layer_infos()}
    found = (
        cell.name
        for cell in common
        if any(here.cell(known.cell(cell.name), i) != there.cell(cell, i) for i in infos)
    )
    return next(found, "")


def known_devices(
    layout: kdb.Layout, known: kdb.Layout, names: Names, gates: Gates, folder: Path
) -> list[CheckResult]:
    """Check that all cells are known ones, and that every transistor is one of theirs.

    Args:
        layout: The die; it is as before after it.
        known: Every cell that it may hold, by name.
        names: Of the cells that are the die's own; faults are planted in the first tile.
        gates: Layers of gates and of diffusion.
        folder: For the reports.

    Returns:
        The rows `known_devices` and `known_devices_control`.
    """
    faults, transistors = check_devices(layout, known, names, gates)
    kinds = {cell.name for cell in layout.each_cell()} - names.own
    good = f"{transistors} gates, all in {len(kinds)} kinds of cell that are drawn as they should be"
    wrong = layout.dup()
    planted = _plant(wrong, names, gates)
    found = set(check_devices(wrong, known, names, gates)[0]) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def check_devices(layout: kdb.Layout, known: kdb.Layout, names: Names, gates: Gates) -> tuple[list[str], int]:
    """What is unknown, drawn otherwise, or a transistor of no known cell; and the number of gates."""
    faults = []
    here, there = Structure(layout), Structure(known)
    infos = {(i.layer, i.datatype) for side in (layout, known) for i in side.layer_infos()}
    for cell in sorted(layout.each_cell(), key=lambda c: c.name):
        if cell.name in names.own:
            continue
        right = known.cell(cell.name)
        if right is None:
            faults.append(f"cell {cell.name} is not known")
            continue
        differ = [layer for layer in sorted(infos) if here.cell(cell, layer) != there.cell(right, layer)]
        if differ:
            told = ", ".join(f"{a}/{b}" for a, b in differ)
            faults.append(f"cell {cell.name} is drawn otherwise on {told}")
    strange, count = _strange_gates(layout, known, gates)
    faults += [f"a transistor of no known cell at {_um(box)}" for box in strange]
    return faults, count


def _strange_gates(layout: kdb.Layout, known: kdb.Layout, gates: Gates) -> tuple[list[kdb.Box], int]:
    """Gates of a layout that are in none of its known cells, and the number of all its gates."""
    copy = layout.dup()
    mark = copy.layer()
    for cell in known.each_cell():
        if (same := copy.cell(cell.name)) is not None:
            poly, diff = (kdb.Region(_shapes(known, cell, layer)) for layer in gates)
            same.shapes(mark).insert(poly & diff)
    deep, top = kdb.DeepShapeStore(), copy.top_cell()
    poly, diff = (kdb.Region(_shapes(copy, top, layer), deep) for layer in gates)
    found = poly & diff
    outside = found - kdb.Region(top.begin_shapes_rec(mark), deep)
    places = sorted((p.bbox() for p in outside.each_merged()), key=lambda b: (b.left, b.bottom))
    return places, int(found.count())


def _shapes(layout: kdb.Layout, cell: kdb.Cell, layer: Layer) -> kdb.RecursiveShapeIterator:
    return cell.begin_shapes_rec(layout.layer(*layer))


def _plant(layout: kdb.Layout, names: Names, gates: Gates) -> Mapping[str, str]:
    """A cell under another name over another cell, an edited cell, a transistor beside all cells."""
    die, tile = layout.cell(names.die), layout.cell(names.tiles[0])
    corner = die.bbox().p1 - kdb.Point(2000, 2000)
    poly, diff = (layout.layer(*layer) for layer in gates)
    planted = {}
    uses = Counter(inst.cell_index for inst in tile.each_inst())
    used = [layout.cell(index) for index, _ in uses.most_common()]
    if cells := [c for c in used if not (c.bbox(poly).empty() or c.bbox(diff).empty())]:
        common, rare = cells[0], cells[-1]
        copy = layout.create_cell("scf_planted")
        copy.copy_tree(rare)
        place = next(i.trans for i in tile.each_inst() if i.cell_index == used[0].cell_index())
        tile.insert(kdb.CellInstArray(copy.cell_index(), place))
        planted["a cell under another name"] = f"cell {copy.name} is not known"
        common.shapes(poly).insert(kdb.Box(0, 0, 5, 5).moved(common.bbox().center() - kdb.Point()))
        planted["5 nm more of poly in a cell"] = f"cell {common.name} is drawn otherwise on"
    for index, box in ((poly, kdb.Box(0, 0, 500, 150)), (diff, kdb.Box(100, -500, 400, 500))):
        die.shapes(index).insert(box.moved(corner))
    planted["a transistor beside all cells"] = "a transistor of no known cell at"
    return planted


def _um(box: kdb.Box) -> str:
    return f"({box.left / 1000:g}, {box.bottom / 1000:g}) um"
