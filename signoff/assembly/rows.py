"""The two rows of a check that tells its faults as a list, and its report."""

__all__ = ["rows"]

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from signoff.readback.shapes import KLAYOUT
from signoff.result import CheckResult

_SHOWN = 5  # faults named in a row
_TOOL = "klayout.db"


def rows(
    name: str,
    faults: Sequence[str],
    good: str,
    planted: Mapping[str, str],
    found: Collection[str],
    folder: Path,
) -> list[CheckResult]:
    """The row of a check and that of its control.

    Args:
        name: Of the check.
        faults: All that it found.
        good: Detail of the row when there are none.
        planted: What was planted for the control, and how the fault begins that the check should tell of it.
        found: Faults that it told of the planted ones.
        folder: For `<name>.rpt` and `<name>_control.rpt`, which hold every fault.
    """
    lost = [what for what, told in planted.items() if not any(fault.startswith(told) for fault in found)]
    reason = f"not found: {', '.join(lost)}" if lost else ""
    if not planted:
        lost, reason = ["nothing"], "the chip has no place for a fault"
    seen = [what for what in planted if what not in lost]
    detail = f"found: {', '.join(seen)}" if seen else ""
    for report, lines in ((name, faults or [good]), (f"{name}_control", sorted(found))):
        (folder / f"{report}.rpt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return [
        _row(name, len(faults), "", "; ".join(faults[:_SHOWN]) or good),
        _row(f"{name}_control", len(lost), reason, detail),
    ]


def _row(name: str, count: int, reason: str, detail: str) -> CheckResult:
    return CheckResult(name, _TOOL, KLAYOUT, count, 0, "fail" if count else "pass", reason, detail)
