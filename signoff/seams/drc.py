"""Design rules at the seams: of every kind of seam and of margin a window, with what is around it."""

__all__ = ["run"]

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import klayout.db as kdb

from signoff import drc_klayout, drc_magic
from signoff.design_rules import rules_row
from signoff.eda import KLAYOUT, MAGIC, Eda
from signoff.gds import write_gds
from signoff.result import CheckResult
from signoff.seams.die import Die
from signoff.violations import Violations

# um that come with a window: no rule of the deck but latch-up, which Magic has, reaches further
AROUND = 10.0
# What is planted in each window: two shapes nearer than their least distance, nm from its middle
_NEAR = ((-300, -650, 300, -50), (-300, 50, 300, 650))
_RULE = re.compile(r"met1\.SP\.1|met1\.2")  # as KLayout's deck and as Magic call it

Windows = Mapping[str, kdb.DBox]


@dataclass(frozen=True)
class _On:
    """What a tool needs besides: top cell, its file of rules, and seconds for a run."""

    top: str
    rules: Path
    timeout: float


def run(
    layout: kdb.Layout,
    die: Die,
    deck: Path,
    tech: Path,
    layers: Mapping[str, tuple[int, int]],
    folder: Path,
    timeout: float = 1800,
) -> list[CheckResult]:
    """Check the windows of a die, and a copy with an error planted in each.

    Args:
        layout: The die.
        die: Where its windows are.
        deck: Of KLayout.
        tech: Technology file that fits the installed Magic.
        layers: GDS layer and datatype by name.
        folder: For all files; made if missing.
        timeout: Seconds for each run.

    Returns:
        The rows `seam_drc_klayout` and `seam_drc_magic`, each with its control.
    """
    folder.mkdir(parents=True, exist_ok=True)
    planted = layout.dup()
    top = planted.cell(die.top)
    index = planted.layer(*layers["met1"])
    spots = {}
    for name, window in die.windows.items():
        middle = window.to_itype(planted.dbu).center() - kdb.Point()
        for box in _NEAR:
            top.shapes(index).insert(kdb.Box(*box).moved(middle))
        at = window.center()
        spots[name] = kdb.DBox(at.x - 2, at.y - 2, at.x + 2, at.y + 2)
    rows = []
    for eda, find, rules in ((KLAYOUT, _klayout, deck), (MAGIC, _magic, tech)):
        name = f"seam_drc_{eda.name.lower()}"
        control = f"{name}_control"
        if missing := eda.missing(name):
            rows += [missing, replace(missing, name=control)]
            continue
        on = _On(die.top, rules, timeout)
        found = find(layout, die.windows, on, folder / name)
        good = f"{len(die.windows)} windows: {', '.join(die.windows)}"
        rows.append(rules_row(name, eda, die.top, found, good, ()))
        rows.append(_control(control, eda, find(planted, spots, on, folder / control), spots))
    return rows


def _klayout(layout: kdb.Layout, windows: Windows, on: _On, folder: Path) -> Violations:
    """Faults that touch a window; those that reach the edge of what was cut out around it come of it."""
    folder.mkdir(parents=True, exist_ok=True)
    gds = folder / "windows.gds"
    write_gds(_flat(layout, on.top, windows), gds, on.top)
    found = drc_klayout.find("seam_drc_klayout", gds, on.top, on.rules, folder, on.timeout)
    far = AROUND - 1
    found.faults = [
        fault
        for fault in found.faults
        for box in [kdb.DBox(*fault.box)]
        if any(box.touches(w) and box.inside(w.enlarged(far, far)) for w in windows.values())
    ]
    return found


def _magic(layout: kdb.Layout, windows: Windows, on: _On, folder: Path) -> Violations:
    folder.mkdir(parents=True, exist_ok=True)
    gds = folder / "die.gds"
    write_gds(layout, gds, on.top)
    only = list(windows.values())
    return drc_magic.find("seam_drc_magic", gds, on.top, on.rules, folder, on.timeout, only)


def _flat(layout: kdb.Layout, top: str, windows: Mapping[str, kdb.DBox]) -> kdb.Layout:
    """The windows of a die and what is around them, flat: a deck tells places in the cell where they are."""
    out = kdb.Layout()
    out.dbu = layout.dbu
    for index in layout.layer_indexes():
        out.insert_layer_at(index, layout.get_info(index))
    cell = out.create_cell(top)
    for window in windows.values():
        clip = layout.clip_into(layout.cell(top).cell_index(), out, window.enlarged(AROUND, AROUND))
        cell.insert(kdb.CellInstArray(clip, kdb.Trans()))
    cell.flatten(True)
    return out


def _control(name: str, eda: Eda, found: Violations, spots: Windows) -> CheckResult:
    """The row of a control: the error of every window must be found there."""
    seen = [
        where
        for where, spot in spots.items()
        if any(_RULE.search(f.rule) and kdb.DBox(*f.box).inside(spot.enlarged(1, 1)) for f in found.faults)
    ]
    lost = [where for where in spots if where not in seen]
    reason = f"not found: met1 0.10 um apart in {', '.join(lost)}" if lost else ""
    detail = f"found: met1 0.10 um apart in {', '.join(seen)}" if seen else ""
    status = "fail" if lost else "pass"
    return CheckResult(name, eda.name, eda.version(), len(lost), 0, status, reason, detail)
