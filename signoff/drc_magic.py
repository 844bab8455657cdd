"""Design rules with Magic, style drc(full)."""

__all__ = ["control", "parse_report", "run"]

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from signoff.controls import MAGIC_ERRORS, control_result, plant
from signoff.eda import MAGIC, magic_arguments
from signoff.gds import as_gds
from signoff.result import CheckResult
from signoff.violations import Violations


def run(layout: Path, top: str, tech: Path, workdir: Path, *, timeout: float = 3600) -> CheckResult:
    """Check a layout: full rules, Euclidean distances, all cells expanded.

    Args:
        layout: GDS, or OASIS, which is converted.
        top: Cell to check, with all below it.
        tech: Magic technology file that fits the installed Magic.
        workdir: For report and log; made if missing.
        timeout: Seconds.
    """
    return _check("drc_magic", layout, top, tech, workdir, timeout)[0]


def control(
    layout: Path,
    top: str,
    tech: Path,
    workdir: Path,
    *,
    site: tuple[int, int],
    layers: Mapping[str, tuple[int, int]],
    timeout: float = 3600,
) -> CheckResult:
    """Plant errors in a copy of a clean layout, inside its array and beside it: Magic must find each.

    Args:
        layout: A small layout; see `run` for the arguments of the same name.
        site: Centre (nm) of an empty via site in its array.
        layers: GDS layer and datatype by name.
    """
    name = "drc_magic_control"
    if missing := MAGIC.missing(name):
        return missing
    workdir.mkdir(parents=True, exist_ok=True)
    planted = workdir / "planted.gds"
    plant(layout, top, planted, MAGIC_ERRORS, site, layers)
    result, found = _check(name, planted, top, tech, workdir, timeout)
    return control_result(result, MAGIC_ERRORS, found.counts) if found else result


def parse_report(path: Path) -> Violations:
    """Read the report of `tcl/drc.tcl`.

    Raises:
        ValueError: If it is missing, cut short, or contradicts itself.
    """
    try:
        lines = path.read_text().splitlines()
    except OSError as e:
        raise ValueError(f"no report ({e.strerror})") from e
    end = re.fullmatch(r"end\t(\d+)\t(\d+)", lines[-1]) if lines else None
    if not end or end.group(2) == "0":
        raise ValueError("the report is cut short, or no cell was checked")
    faults = [line.split("\t", 5) for line in lines[:-1]]
    if int(end.group(1)) != len(faults) or any(len(fault) != 6 for fault in faults):
        raise ValueError(f"the report has {len(faults)} faults and says {end.group(1)}")
    found = Violations(counts=Counter(fault[5] for fault in faults))
    for *box, cell, rule in faults:
        found.places.setdefault(rule, f"({', '.join(box)}) um of {cell}")
    return found


def _check(
    name: str, layout: Path, top: str, tech: Path, workdir: Path, timeout: float
) -> tuple[CheckResult, Violations | None]:
    """Run the script; the violations are None if the run cannot be trusted."""
    if missing := MAGIC.missing(name):
        return missing, None
    workdir.mkdir(parents=True, exist_ok=True)
    report = workdir / f"{name}.txt"
    report.unlink(missing_ok=True)  # an old report must not stand for this run
    variables = {"SCF_GDS": str(as_gds(layout, workdir)), "SCF_TOP": top, "SCF_REPORT": report.name}
    done = MAGIC.run(magic_arguments(tech, "drc.tcl"), workdir, timeout, variables)
    if done.fault:
        return MAGIC.fails(name, done.fault), None
    try:
        found = parse_report(report)
    except ValueError as e:
        return MAGIC.fails(name, str(e)), None
    status = "fail" if found.total else "pass"
    detail = str(found) or f"drc(full) on {top}"
    return CheckResult(name, MAGIC.name, MAGIC.version(), found.total, 0, status, "", detail), found
