"""Poly contacts against the mask around them, on the whole die.

The KLayout deck looks at it in memory cores alone, and Magic draws it itself: neither sees that it is gone.
"""

__all__ = ["ContactMask", "check_contact_mask", "contact_mask"]

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb

from signoff.assembly.names import Names
from signoff.assembly.rows import rows
from signoff.result import CheckResult

Layer = tuple[int, int]


@dataclass(frozen=True)
class ContactMask:
    """A mask that must enclose each contact on poly.

    Attributes:
        name: Of the mask; the row is called after it.
        layer: Its GDS layer and datatype.
        contact: The same of contacts.
        poly: The same of poly.
        enclosure: nm on all sides.
    """

    name: str
    layer: Layer
    contact: Layer
    poly: Layer
    enclosure: int


def contact_mask(layout: kdb.Layout, names: Names, rule: ContactMask, folder: Path) -> list[CheckResult]:
    """The row of the mask and that of its control; reports go into the folder."""
    bare, count = check_contact_mask(layout, rule)
    good = f"{count} contacts on poly, each {rule.enclosure} nm within {rule.name}"
    wrong = layout.dup()
    planted = _plant(wrong, names, rule)
    new = _region(check_contact_mask(wrong, rule)[0]) - _region(bare)
    found = [what for what, where in planted.items() if not (new & kdb.Region(where)).is_empty()]
    faults = [_told(rule, box) for box in bare]
    return rows(rule.name, faults, good, {what: what for what in planted}, found, folder)


def check_contact_mask(layout: kdb.Layout, rule: ContactMask) -> tuple[list[kdb.Box], int]:
    """Where contacts on poly are that the mask does not enclose, and how many there are in all."""
    deep, top = kdb.DeepShapeStore(), layout.top_cell()
    mask, contact, poly = (
        kdb.Region(top.begin_shapes_rec(layout.layer(*layer)), deep)
        for layer in (rule.layer, rule.contact, rule.poly)
    )
    contacts = contact & poly
    bare = contacts - mask.sized(-rule.enclosure)
    places = sorted((p.bbox() for p in bare.each_merged()), key=lambda b: (b.left, b.bottom))
    return places, int(contacts.count())


def _plant(layout: kdb.Layout, names: Names, rule: ContactMask) -> dict[str, kdb.Box]:
    """Take the mask from a cell, and 5 nm of it from another; returns where these are."""
    die, tile = layout.cell(names.die), layout.cell(names.tiles[0])
    stand = next(inst.trans for inst in die.each_inst() if inst.cell_index == tile.cell_index())
    uses = Counter(inst.cell_index for inst in tile.each_inst())
    mask, contact, poly = (layout.layer(*layer) for layer in (rule.layer, rule.contact, rule.poly))
    planted: dict[str, kdb.Box] = {}
    for index, _ in uses.most_common():
        cell = layout.cell(index)
        contacts = kdb.Region(cell.begin_shapes_rec(contact)) & kdb.Region(cell.begin_shapes_rec(poly))
        if contacts.is_empty():
            continue
        for below in (index, *cell.called_cells()):
            layout.cell(below).clear(mask)
        what = "cleared"
        if planted:
            cell.shapes(mask).insert(contacts.sized(rule.enclosure - 5))
            what = "5 nm too small"
        place = next(inst for inst in tile.each_inst() if inst.cell_index == index)
        planted[f"{rule.name} {what} in {cell.name}"] = stand * place.bbox()
        if len(planted) == 2:
            break
    return planted


def _region(boxes: list[kdb.Box]) -> kdb.Region:
    region = kdb.Region()
    for box in boxes:
        region.insert(box)
    return region


def _told(rule: ContactMask, box: kdb.Box) -> str:
    where = f"({box.left / 1000:g}, {box.bottom / 1000:g}) um"
    return f"a contact on poly at {where} is not {rule.enclosure} nm within {rule.name}"
