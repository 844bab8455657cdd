"""The row of a design rule check and its control, whichever tool looks for the faults."""

__all__ = ["DesignRules", "rules_row"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from signoff.controls import PlantedError, control_result, plant
from signoff.eda import Eda
from signoff.result import CheckResult
from signoff.violations import Violations
from signoff.waivers import Waiver, judged, waive

# Row, layout, top cell, rules, folder and seconds; FlowError when the run cannot be trusted.
Find = Callable[[str, Path, str, Path, Path, float], Violations]


@dataclass(frozen=True)
class DesignRules:
    """Design rules by one tool.

    Attributes:
        name: Of the row; its control has `_control` after it.
        eda: The tool.
        scope: What is checked, for the row.
        errors: What the control plants.
        find: Runs the tool on a layout.
    """

    name: str
    eda: Eda
    scope: str
    errors: Sequence[PlantedError]
    find: Find

    def run(
        self,
        layout: Path,
        top: str,
        rules: Path,
        workdir: Path,
        *,
        waivers: Sequence[Waiver] = (),
        timeout: float = 3600,
    ) -> CheckResult:
        """Check a layout.

        Args:
            layout: GDS or OASIS.
            top: Cell to check, with all below it.
            rules: The tool's file of rules: a KLayout deck, or a technology file that fits the Magic here.
            workdir: For reports and logs; made if missing.
            waivers: Of this and other checks.
            timeout: Seconds.

        Raises:
            FlowError: A run cannot be trusted.
        """
        if missing := self.eda.missing(self.name):
            return missing
        found = self.find(self.name, layout, top, rules, workdir, timeout)
        return rules_row(self.name, self.eda, top, found, f"{self.scope} on {top}", waivers)

    def control(
        self,
        layout: Path,
        top: str,
        rules: Path,
        workdir: Path,
        *,
        site: tuple[int, int],
        layers: Mapping[str, tuple[int, int]],
        timeout: float = 3600,
    ) -> CheckResult:
        """Plant errors in a copy of a clean layout, inside its array and beside it: each must be found.

        Args:
            layout: A small layout; see `run` for the arguments of the same name.
            site: Centre (nm) of an empty via site in its array.
            layers: GDS layer and datatype by name.
        """
        name = f"{self.name}_control"
        if missing := self.eda.missing(name):
            return missing
        workdir.mkdir(parents=True, exist_ok=True)
        planted = workdir / "planted.gds"
        plant(layout, top, planted, self.errors, site, layers)
        found = self.find(name, planted, top, rules, workdir, timeout)
        return control_result(name, self.eda.name, self.eda.version(), self.errors, found.counts)


def rules_row(
    name: str, eda: Eda, top: str, found: Violations, clean: str, waivers: Sequence[Waiver]
) -> CheckResult:
    """The row of a check by rules: the first faults that no waiver covers, or `clean` if there are none."""
    after = waive(name, top, found.faults, waivers)
    return judged(name, eda.name, eda.version(), after, str(Violations(after.left)) or clean)
