"""Rows of the signoff table for checks that tell their faults as a list."""

__all__ = ["control", "row"]

from collections.abc import Collection, Mapping, Sequence

from signoff.readback.shapes import KLAYOUT
from signoff.result import CheckResult

_SHOWN = 5  # faults named in a row
_TOOL = "klayout.db"


def row(name: str, faults: Sequence[str], good: str) -> CheckResult:
    """The row of a check; `good` is its detail when there are no faults."""
    status = "fail" if faults else "pass"
    detail = "; ".join(faults[:_SHOWN]) or good
    return CheckResult(name, _TOOL, KLAYOUT, len(faults), 0, status, "", detail)


def control(name: str, planted: Mapping[str, str], found: Collection[str]) -> CheckResult:
    """The row of a negative control.

    Args:
        name: Of the check.
        planted: What was planted, and the fault that the check should have told, or the beginning of it.
        found: Faults that the check told.
    """
    lost = [what for what, told in planted.items() if not any(fault.startswith(told) for fault in found)]
    reason = f"not found: {', '.join(lost)}" if lost else ""
    if not planted:
        lost, reason = ["nothing"], "the chip has no place for a fault"
    seen = [what for what in planted if what not in lost]
    detail = f"found: {', '.join(seen)}" if seen else ""
    status = "fail" if lost else "pass"
    return CheckResult(f"{name}_control", _TOOL, KLAYOUT, len(lost), 0, status, reason, detail)
