"""Proof that place and route changed nothing of what the mapped netlist computes."""

__all__ = ["run"]

import json
from collections.abc import Mapping
from pathlib import Path

from signoff.netlist import read_modules
from signoff.result import CheckResult
from signoff.routed_equiv.faults import FAULTS
from signoff.routed_equiv.flat import flatten
from signoff.routed_equiv.proof import Found, compare
from signoff.routed_equiv.trace import Box
from signoff.timing.cells import load_cells

NAME, TOOL = "equiv_routed", "sc-flow"
_SHOWN = 3


def run(
    mapped: Path, routed: Path, top: str, cells: Path, boxes: Mapping[str, Box], folder: Path
) -> tuple[CheckResult, CheckResult]:
    """Compare two netlists, then the routed one with faults in it.

    Args:
        mapped: Verilog from synthesis.
        routed: Verilog from place and route, flat or not, without supplies.
        top: Name of the top module of both.
        cells: Folder of the kit's cells.
        boxes: Macros that are not looked into, with the pin that is an output.
        folder: For reports: what was compared and added, all faults, and what each planted fault led to.

    Returns:
        The rows `equiv_routed` and `equiv_routed_control`.

    Raises:
        FlowError: A netlist is damaged, or a cell's model is not understood.
    """
    a, b = (flatten(read_modules(path), top) for path in (mapped, routed))
    kinds = {c.kind for flat in (a, b) for c in flat.cells.values()} - boxes.keys()
    known = load_cells(kinds, cells)
    right = compare(a, b, known, boxes)
    row = _row(right, top)
    told: dict[str, list[str]] = {}
    for name, plant in FAULTS.items():
        planted = plant(b, known)
        told[name] = compare(a, *planted, boxes).faults if planted else []
    # A fault more than there are anyway
    seen = [name for name, faults in told.items() if len(faults) > (row.count or 0)]
    lost = [name for name in told if name not in seen]
    (folder / f"{NAME}.json").write_text(json.dumps(vars(right), indent=1))
    (folder / f"{NAME}_control.json").write_text(json.dumps(told, indent=1))
    control = CheckResult(
        f"{NAME}_control", TOOL, "", len(lost), 0, "fail" if lost else "pass",
        f"not found: {', '.join(lost)}" if lost else "", f"found: {', '.join(seen)}" if seen else "",
    )  # fmt: skip
    return row, control


def _row(found: Found, top: str) -> CheckResult:
    faults = list(found.faults)
    if not found.cells:
        faults.append(f"no cell of {top} was compared")
    changed = [
        f"{n:+d} {'without function' if r == 'nothing' else r}" for r, n in sorted(found.added.items()) if n
    ]
    good = (
        f"{found.cells} cells of {top}, {found.flops} flops among them, have the {found.sources} sources that"
        f" synthesis gave them; {found.copies} copies; {', '.join(changed) or 'nothing added'}"
    )
    status = "fail" if faults else "pass"
    reason = faults[0] if faults else ""
    return CheckResult(NAME, TOOL, "", len(faults), 0, status, reason, "; ".join(faults[:_SHOWN]) or good)
