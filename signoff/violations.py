"""What a design rule check found, whichever tool did it."""

__all__ = ["Fault", "Violations"]

from collections import Counter
from dataclasses import dataclass, field

_SHOWN = 5

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True)
class Fault:
    """One place where a rule is broken.

    Attributes:
        rule: As the deck names it.
        cell: In whose coordinates the box is.
        box: Around the fault, um.
        place: As the tool says it.
        times: How often the tool counts it.
    """

    rule: str
    cell: str
    box: Box
    place: str
    times: int = 1


@dataclass
class Violations:
    """Faults of a run.

    Attributes:
        faults: In the tool's order.
        rules: Number of rules that were checked; 0 if the tool does not say.
    """

    faults: list[Fault] = field(default_factory=list)
    rules: int = 0

    def add(self, other: "Violations") -> None:
        """Take in what another run found, of other rules."""
        self.faults += other.faults
        self.rules += other.rules

    @property
    def counts(self) -> Counter[str]:
        """Number of faults by rule; rules that are kept are left out."""
        found: Counter[str] = Counter()
        for fault in self.faults:
            found[fault.rule] += fault.times
        return found

    @property
    def total(self) -> int:
        return sum(fault.times for fault in self.faults)

    def __str__(self) -> str:
        """The most frequent ones with a place each; empty if there are none."""
        counts = self.counts
        places = {fault.rule: fault.place for fault in reversed(self.faults)}
        shown = [f"{n} x {rule} at {places[rule]}" for rule, n in counts.most_common(_SHOWN)]
        more = [f"{len(counts) - _SHOWN} more rules"] if len(counts) > _SHOWN else []
        return "; ".join(shown + more)
