"""The outcome of one check, as the signoff table and `result.json` show it."""

__all__ = ["STATUSES", "CheckResult", "of_dies"]

from collections.abc import Sequence
from dataclasses import dataclass, replace

STATUSES = ("pass", "fail", "waived", "not run")


@dataclass(frozen=True)
class CheckResult:
    """One row of the signoff table.

    Attributes:
        name: Of the check; its negative control has the same name and `_control` after it.
        tool: That did the work.
        version: Of the tool.
        count: Faults found; None when the check did not run.
        limit: Faults allowed.
        status: One of `STATUSES`.
        reason: Why it was waived (with the expiry) or not run.
        detail: What was checked, or the first faults with their places.
        waived: Faults that waivers cover, which `count` leaves out.
        evidence: Files of the build that the result rests on: logs, reports, marker databases.
    """

    name: str
    tool: str
    version: str
    count: int | None
    limit: int | None
    status: str
    reason: str = ""
    detail: str = ""
    waived: int = 0
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status!r}, expected one of {STATUSES}")

    @classmethod
    def not_run(cls, name: str, reason: str, tool: str = "", version: str = "") -> "CheckResult":
        """The row of a check that could not run, and why."""
        return cls(name, tool, version, None, None, "not run", reason)


def of_dies(rows: Sequence[Sequence[CheckResult]]) -> list[CheckResult]:
    """The rows of a chain from those of its dies, which have the same names; a single die's are as they are.

    A row is as bad as the worst of them, names the first die that is, and counts the faults of all.
    """
    joined = []
    for same in zip(*rows, strict=True):
        if len({row.name for row in same}) != 1:
            raise ValueError(f"rows of other names: {', '.join(row.name for row in same)}")
        statuses = [row.status for row in same]
        status = next(s for s in ("fail", "not run", "waived", "pass") if s in statuses)
        number = statuses.index(status)
        row = same[number]
        counts = [r.count for r in same if r.count is not None]
        told = {}
        if len(same) > 1:
            where = f"each of {len(same)} dies" if len(set(same)) == 1 else f"die {number} of {len(same)}"
            told = {
                field: f"{where}: {text}" for field in ("reason", "detail") if (text := getattr(row, field))
            }
        total = sum(counts) if counts and status != "not run" else None
        joined.append(replace(row, count=total, waived=sum(r.waived for r in same), **told))
    return joined
