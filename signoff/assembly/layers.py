"""Layers that a die may have, and in what."""

__all__ = ["Allowed", "check_layers", "die_layers"]

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from signoff.assembly.placement import VIA, Names
from signoff.assembly.rows import rows
from signoff.result import CheckResult

NAME = "die_layers"
Layer = tuple[int, int]


@dataclass(frozen=True)
class Allowed:
    """GDS layers and datatypes that each kind of cell may have shapes on; no others may be on a die.

    Attributes:
        cell: Cells of the kit, banks and all below them.
        via: Vias of the wires.
        base: The base itself: wires, pins, labels, outline.
        metal: The metal config, all that is below it included.
        outline: The die.
        opening: Openings of the passivation, which are over pads alone; a base without pads has none.
    """

    cell: frozenset[Layer]
    via: frozenset[Layer]
    base: frozenset[Layer]
    metal: frozenset[Layer]
    outline: Layer
    opening: Layer


def die_layers(layout: kdb.Layout, names: Names, allowed: Allowed, folder: Path) -> list[CheckResult]:
    """The rows `die_layers` and `die_layers_control`; reports go into the folder."""
    faults = check_layers(layout, names, allowed)
    layers = [i for i in layout.layer_indexes() if not layout.top_cell().bbox(i).empty()]
    good = f"{len(layers)} layers, each where it may be; all within the die"
    wrong = layout.dup()
    planted = _plant(wrong, names, allowed)
    found = set(check_layers(wrong, names, allowed)) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def check_layers(layout: kdb.Layout, names: Names, allowed: Allowed) -> list[str]:
    """Shapes and texts on layers where they may not be, and what is not within the die."""
    faults = []
    metal = layout.cell(names.metal)
    own = {metal.cell_index(), *metal.called_cells()} if metal is not None else set()
    for cell in sorted(layout.each_cell(), key=lambda c: c.name):
        if cell.cell_index() in own:
            may, what = allowed.metal, "the metal config"
        elif cell.name == names.chip:
            may, what = frozenset(), "the top cell"
        elif cell.name == names.base:
            may, what = allowed.base, "the base"
        elif cell.name.startswith(VIA):
            may, what = allowed.via, "vias"
        else:
            may, what = allowed.cell, "cells"
        faults += _strange(layout, cell, may, what)
    return faults + _outside(layout, allowed.outline)


def _strange(layout: kdb.Layout, cell: kdb.Cell, may: Collection[Layer], what: str) -> list[str]:
    faults = []
    for index in layout.layer_indexes():
        info, shapes = layout.get_info(index), cell.shapes(index)
        layer = info.layer, info.datatype
        if layer not in may and not shapes.is_empty():
            box = next(iter(shapes.each())).bbox()
            where = f"({box.left / 1000:g}, {box.bottom / 1000:g}) um"
            faults.append(f"{layer[0]}/{layer[1]} may not be in {what}: {cell.name} at {where}")
    return faults


def _outside(layout: kdb.Layout, outline: Layer) -> list[str]:
    top = layout.top_cell()
    die = top.bbox(layout.layer(*outline))
    if die.empty():
        return [f"no outline of the die on {outline[0]}/{outline[1]}"]
    return [
        f"{info.layer}/{info.datatype} is outside of the die, {die.to_s()} nm: {box.to_s()} nm"
        for info in layout.layer_infos()
        if not (box := top.bbox(layout.layer(info))).inside(die)
    ]


def _plant(layout: kdb.Layout, names: Names, allowed: Allowed) -> Mapping[str, str]:
    """Openings of the passivation, a cell's layer and wires where they may not be."""
    base, metal = layout.cell(names.base), layout.cell(names.metal)
    middle = layout.top_cell().bbox().center() - kdb.Point()
    square = kdb.Box(-2000, -2000, 2000, 2000)
    device = min(allowed.cell - allowed.base)
    wire = max(allowed.via)
    planted = {}
    for what, cell, layer, who in (
        ("an opening of the passivation", base, allowed.opening, "the base"),
        ("a layer of cells between them", base, device, "the base"),
        ("a wire in the metal config", metal, wire, "the metal config"),
    ):
        cell.shapes(layout.layer(*layer)).insert(square.moved(middle))
        planted[what] = f"{layer[0]}/{layer[1]} may not be in {who}: {cell.name} at"
    corner = layout.top_cell().bbox().p2
    base.shapes(layout.layer(*wire)).insert(square.moved(corner.x, corner.y))
    planted["a wire beside the die"] = f"{wire[0]}/{wire[1]} is outside of the die"
    return planted
