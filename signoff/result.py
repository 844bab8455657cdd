"""The outcome of one check, as the signoff table and `result.json` show it."""

__all__ = ["STATUSES", "CheckResult"]

from dataclasses import dataclass

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
