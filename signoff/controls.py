"""Errors planted in a copy of a layout: a check that does not find them proves nothing."""

__all__ = [
    "KLAYOUT_ERRORS",
    "MAGIC_ERRORS",
    "PlantedError",
    "control_of",
    "control_result",
    "missed",
    "plant",
    "plate",
]

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import klayout.db as db

from signoff.gds import write_gds
from signoff.result import CheckResult

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PlantedError:
    """A deliberate violation of one rule.

    Attributes:
        name: What is wrong.
        shapes: Layer name and box (nm) of each shape, from the place where it is planted.
        rule: Pattern that the name of a reported rule must match.
        inside: Whether it is planted at a via site in the array, instead of in the free space
            beside the layout.
    """

    name: str
    shapes: tuple[tuple[str, Box], ...]
    rule: str
    inside: bool = False

    def found_in(self, rules: Iterable[str]) -> bool:
        """Whether one of the reported rules is the violated one."""
        return any(re.search(self.rule, rule) for rule in rules)


def plant(
    source: Path,
    top: str,
    target: Path,
    errors: Sequence[PlantedError],
    site: tuple[int, int],
    layers: Mapping[str, tuple[int, int]],
) -> None:
    """Write a copy of a layout with errors.

    Args:
        source: Layout to copy.
        top: Its top cell.
        target: GDS file to write.
        errors: What to plant; those outside go to the right of the layout, 10 um apart.
        site: Centre (nm) of an empty via site in the array, for the errors inside.
        layers: GDS layer and datatype by name.
    """
    layout = db.Layout()
    layout.read(str(source))
    cell = layout.cell(top)
    beside = cell.bbox()
    unit = round(layout.dbu * 1000)  # nm a database unit
    for number, error in enumerate(errors):
        x, y = site if error.inside else (beside.right * unit + 10_000 * (number + 1), beside.bottom * unit)
        for layer, (x0, y0, x1, y1) in error.shapes:
            box = db.Box(x + x0, y + y0, x + x1, y + y1)
            cell.shapes(layout.layer(*layers[layer])).insert(box)
    write_gds(layout, target)


def missed(errors: Sequence[PlantedError], rules: Collection[str]) -> list[str]:
    """Names of the planted errors that no reported rule stands for."""
    return [error.name for error in errors if not error.found_in(rules)]


_MET1_SPACE = (("met1", (0, 0, 600, 600)), ("met1", (700, 0, 1300, 600)))
_BESIDE_BIT_LINE = (("via2", (100, -100, 300, 100)),)
_BESIDE_PAD = (("met2", (-345, -70, -225, 70)),)
_TRANSISTOR = (
    ("diff", (0, 0, 1000, 500)),
    ("nsdm", (-200, -200, 1200, 700)),
    ("poly", (400, -50, 550, 550)),
)

# One error for each group of rules that the deck leaves off by default, and one inside the array
KLAYOUT_ERRORS = (
    PlantedError("via2 beside the bit line", _BESIDE_BIT_LINE, r"^m3\.4|met3\.CON", inside=True),
    PlantedError("met1 space 0.10 um", _MET1_SPACE, r"met1\.SP\.1"),
    PlantedError(
        "poly space 0.10 um", (("poly", (0, 0, 300, 2000)), ("poly", (400, 0, 700, 2000))), r"poly\.SP\.1"
    ),
    PlantedError("met3 off the grid", (("met3", (2, 0, 1002, 1000)),), r"^m3_OFFGRID"),
    PlantedError("met2 without a via", (("met2", (0, 0, 1000, 1000)),), r"^m2\.x"),
)
MAGIC_ERRORS = (
    PlantedError("via2 beside the bit line", _BESIDE_BIT_LINE, r"via2|met3|m3", inside=True),
    PlantedError("met2 0.04 um from a pad", _BESIDE_PAD, r"met2\.2", inside=True),
    PlantedError("met1 space 0.10 um", _MET1_SPACE, r"met1\.2"),
    PlantedError("poly end 0.05 um over the gate", _TRANSISTOR, r"poly\.8"),
)


def control_result(
    name: str, tool: str, version: str, errors: Sequence[PlantedError], rules: Collection[str]
) -> CheckResult:
    """The row of a control: it passes when every planted error was found.

    Args:
        name: Of the row.
        tool, version: That looked for them.
        errors: What was planted.
        rules: Names of the rules that were reported.
    """
    lost = missed(errors, rules)
    found = f"{len(errors) - len(lost)} of {len(errors)} planted errors found"
    reason = f"not found: {', '.join(lost)}" if lost else ""
    return CheckResult(name, tool, version, len(lost), 0, "fail" if lost else "pass", reason, found)


def control_of(result: CheckResult, planted: str, found: bool) -> CheckResult:
    """The row of a control with one planted error.

    Args:
        result: The row of the check on the faulty layout.
        planted: What is wrong with it.
        found: Whether the check said so.
    """
    name = f"{result.name}_control"
    if result.status == "not run":
        return replace(result, name=name)
    reason = "" if found else f"not found: {planted}"
    status, detail = ("pass", f"found: {planted}") if found else ("fail", result.detail)
    return replace(result, name=name, count=int(not found), status=status, reason=reason, detail=detail)


def plate(workdir: Path, layers: Mapping[str, tuple[int, int]]) -> Path:
    """Write a cell `plate` of 10 x 10 um: met1 on 70 % of it, and an empty box on met2."""
    layout = db.Layout()
    cell = layout.create_cell("plate")
    for layer, box in (
        ("prBoundary", db.Box(0, 0, 10_000, 10_000)),
        ("met1", db.Box(0, 0, 10_000, 7_000)),
        ("met2", db.Box(5_000, 8_000, 5_000, 8_000)),
    ):
        cell.shapes(layout.layer(*layers[layer])).insert(box)
    workdir.mkdir(parents=True, exist_ok=True)
    path = workdir / "plate.gds"
    write_gds(layout, path)
    return path
