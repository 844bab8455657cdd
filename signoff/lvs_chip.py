"""Layout against netlist for a whole chip: cells and banks are boxes, compared by pins, places and wires.

KLayout's hierarchical net extraction gives the layout's netlist, Netgen compares. Inside of a box only nets
are looked at, so a wire that touches an inner net of a cell is found; what is inside of the cells and banks
themselves is the business of `signoff.lvs_cells` and `signoff.lvs`.
"""

__all__ = ["judge", "run"]

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import klayout.db as kdb

from signoff.chip.controls import FAULTS, Fault
from signoff.chip.fold import fold
from signoff.chip.netlist import ChipNetlist, Pins, extract
from signoff.chip.wiring import Stack
from signoff.eda import NETGEN
from signoff.lvs import bad_nets, compare
from signoff.result import CheckResult

_SHOWN = 5
NAME = "lvs_chip"


def run(
    layout: kdb.Layout,
    top: str,
    netlist: ChipNetlist,
    stack: Stack,
    boxes: Mapping[str, Pins],
    setup: Path,
    workdir: Path,
    *,
    program: int = 0,
    timeout: float = 3600,
) -> tuple[CheckResult, CheckResult]:
    """Compare a chip with its netlist, then with planted faults.

    Args:
        layout: The chip, without the vias of its model: they join wires inside of banks. Is changed.
        top: Cell to extract.
        netlist: What it should be.
        stack: The process.
        boxes: Pins of each cell that is a box.
        setup: Netgen setup file.
        workdir: For all files; made if missing.
        program: Number of vias that were taken out, for the row.
        timeout: Seconds for each run of Netgen.

    Returns:
        The rows `lvs_chip` and `lvs_chip_control`.
    """
    control = f"{NAME}_control"
    if missing := NETGEN.missing(NAME):
        return missing, replace(missing, name=control)
    workdir.mkdir(parents=True, exist_ok=True)
    found = extract(layout, top, stack, boxes, name=netlist.top)
    right = judge(found.netlist, netlist, setup, workdir, NAME, timeout)
    if right.status == "pass":
        right = replace(right, detail=_detail(found.netlist, program))

    def told(fault: Fault) -> dict[str, str]:
        """Why each fault is not found, "" where it is."""
        planted = fault.plant(found, stack, lambda: extract(layout, top, stack, boxes, name=netlist.top))
        lost = dict.fromkeys(fault.names, " (the chip has no place for it)")
        if planted is None:
            return lost
        row = judge(planted.netlist, netlist, setup, workdir, f"{NAME}_{fault.key}", timeout)
        groups = bad_nets(workdir / f"{NAME}_{fault.key}.json", netlist.top)
        more = (row.count or 0) > (right.count or 0)
        for name in planted.nets:
            lost[name] = "" if more and _named(name, planted.nets, groups) else " (not named)"
        return lost

    lost: dict[str, str] = {}
    for fault in FAULTS:
        lost |= told(fault)
        for one in fault.apart:
            if lost[one.names[0]]:
                lost |= told(one)
    return right, _control_row(
        [name for name, why in lost.items() if not why],
        [name + why for name, why in lost.items() if why],
        right,
    )


def _named(what: str, nets: Mapping[str, frozenset[str]], groups: Sequence[frozenset[str]]) -> bool:
    """Whether one of several faults is told of: all its nets are without a match, and only planted ones."""
    planted = frozenset().union(*nets.values())
    return len(nets) == 1 or any(nets[what] <= group <= planted for group in groups)


def _control_row(seen: list[str], lost: list[str], row: CheckResult) -> CheckResult:
    reason = f"not found: {', '.join(lost)}" if lost else ""
    status = "fail" if lost else "pass"
    detail = f"found: {', '.join(seen)}" if seen else ""
    return CheckResult(f"{NAME}_control", row.tool, row.version, len(lost), 0, status, reason, detail)


def judge(
    layout: ChipNetlist, netlist: ChipNetlist, setup: Path, workdir: Path, name: str, timeout: float
) -> CheckResult:
    """The row of one comparison; what the extraction itself found counts too."""
    sides = workdir / f"{name}_extracted.spice", workdir / f"{name}_wanted.spice"
    *folded, differ = fold(layout, netlist)
    for path, side in zip(sides, folded, strict=True):
        path.write_text(side.spice())
    row = compare(*sides, netlist.top, setup, workdir, name, boxes=True, timeout=timeout)
    faults = layout.faults + netlist.faults + _ports(layout, netlist) + differ
    if not faults or row.count is None:
        return row
    told = [*faults[:_SHOWN], row.detail] if row.count else faults[:_SHOWN]
    return replace(row, count=row.count + len(faults), status="fail", detail="; ".join(told))


def _ports(layout: ChipNetlist, netlist: ChipNetlist) -> list[str]:
    faults = [f"port {p} is not in the layout" for p in sorted(set(netlist.ports) - set(layout.ports))]
    return faults + [
        f"port {p} is not in the netlist" for p in sorted(set(layout.ports) - set(netlist.ports))
    ]


def _detail(found: ChipNetlist, program: int) -> str:
    without = f"; {program} vias of the model left to read-back" if program else ""
    return (
        f"{len(found.instances)} cells and banks, {len(found.nets)} nets, {len(found.ports)} ports match;"
        f" black boxes: {len(found.boxes)} kinds{without}"
    )
