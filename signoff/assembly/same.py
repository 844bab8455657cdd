"""The chip's two files: OASIS must be GDS, shape by shape."""

__all__ = ["check_same", "same_layout"]

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import klayout.db as kdb

from signoff.assembly.placement import instances
from signoff.assembly.rows import rows
from signoff.result import CheckResult

NAME = "oasis"
# An OASIS text has no turn, size or font. What lies twice at one place KLayout writes once.
_FLAGS = (
    kdb.LayoutDiff.Verbose
    | kdb.LayoutDiff.FlattenArrayInsts
    | kdb.LayoutDiff.IgnoreDuplicates
    | kdb.LayoutDiff.NoTextDetails
    | kdb.LayoutDiff.NoTextOrientation
)
_KINDS = ("box", "polygon", "path", "edge", "text")


def same_layout(gds: kdb.Layout, oasis: kdb.Layout, cell: str, folder: Path) -> list[CheckResult]:
    """The rows `oasis` and `oasis_control`: cells, instances, shapes, texts; reports go into the folder.

    Faults are planted in a cell of that name.
    """
    faults = check_same(gds, oasis)
    good = f"{oasis.cells()} cells on {oasis.layers()} layers equal those of the GDS, shape by shape"
    wrong = oasis.dup()
    planted = _plant(wrong.cell(cell))
    found = set(check_same(gds, wrong)) - set(faults)
    return rows(NAME, faults, good, planted, found, folder)


def check_same(gds: kdb.Layout, oasis: kdb.Layout) -> list[str]:
    """What differs, one fault for each cell and kind of difference."""
    diff: Any = kdb.LayoutDiff()
    faults: list[str] = []
    at: list[str] = [""]
    seen: Counter[str] = Counter()

    def enter(a: kdb.Cell, _b: kdb.Cell) -> None:
        at[0] = a.name

    def count(what: str) -> Callable[..., None]:
        def note(*_: object) -> None:
            seen[f"cell {at[0]}: {what}"] += 1

        return note

    def only(which: str) -> Callable[[kdb.Cell], None]:
        return lambda cell: faults.append(f"cell {cell.name} is in the {which} alone")

    diff.on_begin_cell = enter
    diff.on_cell_in_a_only, diff.on_cell_in_b_only = only("GDS"), only("OASIS")
    diff.on_dbu_differs = lambda a, b: faults.append(f"units of {a} um in the GDS, {b} um in the OASIS")
    for side, which in (("a", "GDS"), ("b", "OASIS")):
        for kind in (*_KINDS, "instance"):
            setattr(diff, f"on_{kind}_in_{side}_only", count(f"{kind} in the {which} alone"))
        setattr(
            diff,
            f"on_layer_in_{side}_only",
            lambda info, which=which: faults.append(f"layer {info} is in the {which} alone"),
        )
    same = diff.compare(gds, oasis, _FLAGS)
    faults += [f"{what}, {n}" for what, n in sorted(seen.items())]
    for cell in oasis.each_cell():
        # Such duplicates are passed over above, and a GDS may have them: a router sets a via twice
        twice = [place[0] for place, n in instances(cell).items() if n > 1]
        faults += [f"cell {cell.name}: {kind} placed twice in the OASIS" for kind in sorted(set(twice))]
    if not (same or faults):
        faults.append("the files differ")
    return faults


def _plant(cell: kdb.Cell) -> Mapping[str, str]:
    """Edit a cell in each way that must be seen; returns what should be told of each."""
    planted = {}
    told = f"cell {cell.name}: {{}} in the GDS alone"
    if box := _first(cell, kdb.Shapes.SBoxes):
        box.transform(kdb.Trans(5, 0))
        planted["a box 5 nm beside its place"] = told.format("box")
    if text := _first(cell, kdb.Shapes.STexts):
        text.text_string += "_"
        planted["a changed label"] = told.format("text")
    if inst := next(iter(cell.each_inst()), None):
        inst.delete()
        planted["a missing instance"] = told.format("instance")
    if inst := next(iter(cell.each_inst()), None):
        planted["an instance placed twice"] = f"cell {cell.name}: {inst.cell.name} placed twice"
        cell.insert(inst.cell_inst)
    return planted


def _first(cell: kdb.Cell, kind: int) -> kdb.Shape | None:
    shapes = (s for i in cell.layout().layer_indexes() for s in cell.shapes(i).each(kind))
    return next(shapes, None)
