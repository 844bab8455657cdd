"""What a design rule check found, whichever tool did it."""

__all__ = ["Violations"]

from collections import Counter
from dataclasses import dataclass, field

_SHOWN = 5


@dataclass
class Violations:
    """Violations by rule.

    Attributes:
        counts: Number by rule; rules that are kept are left out.
        places: Where the first violation of a rule is, as the tool says it.
        rules: Number of rules that were checked; 0 if the tool does not say.
    """

    counts: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)
    rules: int = 0

    def add(self, other: "Violations") -> None:
        """Take in what another run found, of other rules."""
        self.counts += other.counts
        self.places = {**other.places, **self.places}
        self.rules += other.rules

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def __str__(self) -> str:
        """The most frequent ones with a place each; empty if there are none."""
        shown = [f"{n} x {rule} at {self.places[rule]}" for rule, n in self.counts.most_common(_SHOWN)]
        more = [f"{len(self.counts) - _SHOWN} more rules"] if len(self.counts) > _SHOWN else []
        return "; ".join(shown + more)
