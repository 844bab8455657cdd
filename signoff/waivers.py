"""Faults that somebody answers for: each is taken out of its row by a waiver, and counted apart there."""

__all__ = ["WAIVABLE", "Waived", "Waiver", "expired", "judged", "waive"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from signoff.result import CheckResult
from signoff.violations import Box, Fault

WAIVABLE = ("drc_magic", "drc_klayout", "density", "antenna")  # rows whose faults have a rule and a place


@dataclass(frozen=True)
class Waiver:
    """One accepted kind of fault.

    Attributes:
        check: Row of the signoff table, one of `WAIVABLE`.
        rule: As the tool names it, whole: Magic's sentence, the deck's category, for `antenna` the layer.
        region: Left, bottom, right and top in um; a fault must lie inside as a whole.
        reason: Why the fault is accepted.
        expires: Last day on which it holds.
        cell: In whose coordinates the region is, as the tool reports the fault; empty for the chip.
    """

    check: str
    rule: str
    region: Box
    reason: str
    expires: date
    cell: str = ""

    def __str__(self) -> str:
        of = f" of {self.cell}" if self.cell else ""
        return f"{self.check} {self.rule} in ({', '.join(f'{x:g}' for x in self.region)}) um{of}"

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Waiver":
        """From what JSON holds of it."""
        region = tuple(float(x) for x in data["region"])
        return cls(**{**data, "region": region, "expires": date.fromisoformat(data["expires"])})

    def covers(self, fault: Fault, top: str) -> bool:
        """Whether it stands for a fault of its check."""
        left, bottom, right, upper = fault.box
        return (
            fault.rule == self.rule
            and fault.cell == (self.cell or top)
            and self.region[0] <= left <= right <= self.region[2]
            and self.region[1] <= bottom <= upper <= self.region[3]
        )


@dataclass(frozen=True)
class Waived:
    """Faults of a check after its waivers.

    Attributes:
        left: Faults that no waiver covers.
        count: Faults that are waived.
        used: Waivers that cover a fault.
        unused: Waivers of the check that cover none.
    """

    left: list[Fault]
    count: int
    used: list[Waiver]
    unused: list[Waiver]


def expired(waivers: Sequence[Waiver], today: date) -> list[Waiver]:
    """Those that no longer hold on a day."""
    return [w for w in waivers if w.expires < today]


def waive(check: str, top: str, faults: Iterable[Fault], waivers: Sequence[Waiver]) -> Waived:
    """Take out of the faults of a check what its waivers cover.

    Args:
        check: Name of the row.
        top: Cell that was checked.
        faults: What it found.
        waivers: Of all checks.
    """
    mine = [w for w in waivers if w.check == check]
    used: set[Waiver] = set()
    left, count = [], 0
    for fault in faults:
        by = [w for w in mine if w.covers(fault, top)]
        used.update(by)
        if by:
            count += fault.times
        else:
            left.append(fault)
    return Waived(left, count, [w for w in mine if w in used], [w for w in mine if w not in used])


def judged(name: str, tool: str, version: str, found: Waived, detail: str) -> CheckResult:
    """The row of a check.

    A waiver that covers nothing fails it: the fault has gone, or the waiver is not for this chip.

    Args:
        detail: The first faults left, or what was checked when there are none.
    """
    count = sum(fault.times for fault in found.left)
    reason, status = "", "pass"
    if found.unused:
        status, reason = "fail", f"a waiver covers no fault, remove it: {'; '.join(map(str, found.unused))}"
    elif count:
        status = "fail"
    elif found.count:
        status = "waived"
        told = dict.fromkeys(f"{w.reason} (until {w.expires})" for w in found.used)
        reason = f"{found.count} waived: {'; '.join(told)}"
    return CheckResult(name, tool, version, count, 0, status, reason, detail, waived=found.count)
