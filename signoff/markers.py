"""Faults as a marker database, which KLayout shows in the layout and people step through."""

__all__ = ["write_markers"]

import math
from collections.abc import Iterable
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from signoff.violations import Fault


def write_markers(path: Path, top: str, faults: Iterable[Fault], *, about: str) -> None:
    """Write a .lyrdb file: a category a rule, an item a fault.

    Args:
        path: The file.
        top: Top cell of the layout that the faults are of.
        faults: With their places.
        about: What was checked.
    """
    report = rdb.ReportDatabase(about)
    report.description = about
    report.top_cell_name = top
    cells: dict[str, rdb.RdbCell] = {}
    rules: dict[str, rdb.RdbCategory] = {}
    for fault in faults:
        if fault.cell not in cells:
            cells[fault.cell] = report.create_cell(fault.cell)
        if fault.rule not in rules:
            rules[fault.rule] = report.create_category(fault.rule)
        item = report.create_item(cells[fault.cell].rdb_id(), rules[fault.rule].rdb_id())
        if all(map(math.isfinite, fault.box)):
            item.add_value(rdb.RdbItemValue(kdb.DBox(*fault.box)))
        item.add_value(rdb.RdbItemValue(fault.place))
    report.save(str(path))
