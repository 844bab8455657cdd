"""Layers that a die may have, and in what."""

__all__ = ["Allowed", "check_layers", "die_layers"]

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from signoff.assembly.names import VIA, Names
from signoff.assembly.rows import rows
from signoff.result import CheckResult

NAME = "die_layers"
Layer = tuple[int, int]


@dataclass(frozen=True)
class Allowed:
    """GDS layers and datatypes that each kind of cell may have shapes on; no others may be on a die.

    Attributes:
        cell: Cells of the kit, memories and all below them.
        via: Vias of the wires.
        tile: Tiles themselves: wires, pins, labels, outline.
        margin: The die itself: what its margin has.
        outline: The die.
        opening: Openings of the passivation, which are over pads alone; a die that is a block has none.
    """

    cell: frozenset[Layer]
    via: frozenset[Layer]
    tile: frozenset[Layer]
    margin: frozenset[Layer]
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
    for cell in sorted(layout.each_cell(), key=lambda c: c.name):
        if cell.name == names.die:
            may, what = allowed.margin, "the margin"
        elif cell.name in names.tiles:
            may, what = allowed.tile, "a tile"
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
    """An opening of the passivation, a cut, a cell's layer where they may not be; a wire beside the die."""
    die, tile = layout.cell(names.die), layout.cell(names.tiles[0])
    square = kdb.Box(-2000, -2000, 2000, 2000)
    wire = max(allowed.via & allowed.margin)
    planted = {}
    for what, cell, layer, who in (
        ("an opening of the passivation", tile, allowed.opening, "a tile"),
        ("a cut in a tile itself", tile, min(allowed.via - allowed.tile), "a tile"),
        ("a layer of cells in the margin", die, min(allowed.cell - allowed.margin), "the margin"),
    ):
        cell.shapes(layout.layer(*layer)).insert(square.moved(cell.bbox().center() - kdb.Point()))
        planted[what] = f"{layer[0]}/{layer[1]} may not be in {who}: {cell.name} at"
    die.shapes(layout.layer(*wire)).insert(square.moved(layout.top_cell().bbox().p2 - kdb.Point()))
    planted["a wire beside the die"] = f"{wire[0]}/{wire[1]} is outside of the die"
    return planted
