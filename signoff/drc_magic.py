"""Design rules with Magic: style drc(full), Euclidean distances, all cells expanded, in several processes."""

__all__ = ["control", "find", "parse_report", "run", "violations"]

import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import klayout.db as kdb

from signoff.controls import MAGIC_ERRORS
from signoff.design_rules import DesignRules
from signoff.drc_parts import Part, cut
from signoff.eda import MAGIC, run_magic
from signoff.markers import write_markers
from signoff.violations import Fault, Violations

Line = tuple[str, ...]  # x0, y0, x1, y1 in um, cell, rule
_MOST = 4  # processes at a time, each of 200 MB


def parse_report(path: Path) -> list[Line]:
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
    faults = [tuple(line.split("\t", 5)) for line in lines[:-1]]
    if int(end.group(1)) != len(faults) or any(len(fault) != 6 for fault in faults):
        raise ValueError(f"the report has {len(faults)} faults and says {end.group(1)}")
    return faults


def violations(lines: Iterable[Line]) -> Violations:
    """Faults of a report; what two windows both list counts once."""
    found = Violations()
    for *box, cell, rule in dict.fromkeys(lines):
        left, bottom, right, top = map(float, box)
        found.faults.append(Fault(rule, cell, (left, bottom, right, top), f"({', '.join(box)}) um of {cell}"))
    return found


def find(
    name: str,
    layout: Path,
    top: str,
    tech: Path,
    workdir: Path,
    timeout: float,
    only: Sequence[kdb.DBox] = (),
) -> Violations:
    """Run the script on every part; see `DesignRules.run`.

    Args:
        only: What of the top cell to look at, um; all of it, and of every cell below it, unless given.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    try:
        parts = cut(layout, top, workdir, only)
    except ValueError as e:
        raise MAGIC.failed(str(e), workdir) from e
    with ThreadPoolExecutor(min(_MOST, os.cpu_count() or 1)) as pool:
        told = list(pool.map(lambda part: _look_at(part, tech, timeout), parts))
    found = violations(fault for faults in told for fault in faults)
    write_markers(workdir / f"{name}.lyrdb", top, found.faults, about=f"Magic, drc(full) on {top}")
    return found


def _look_at(part: Part, tech: Path, timeout: float) -> list[Line]:
    """The faults of a part; FlowError if the run cannot be trusted."""
    folder = part.gds.with_suffix("")
    folder.mkdir(exist_ok=True)
    report = folder / "report.txt"
    report.unlink(missing_ok=True)  # an old report must not stand for this run
    variables = {
        "SCF_GDS": "part.gds",
        "SCF_CELL": part.cell,
        "SCF_WINDOW": " ".join(str(v) for v in part.window),
        "SCF_REPORT": report.name,
    }
    done = run_magic("drc.tcl", tech, folder, timeout, variables, {"part.gds": part.gds})
    if done.fault:
        raise MAGIC.failed(done.fault, folder)
    try:
        return parse_report(report)
    except ValueError as e:
        raise MAGIC.failed(str(e), folder) from e


RULES = DesignRules("drc_magic", MAGIC, "drc(full)", MAGIC_ERRORS, find)
run, control = RULES.run, RULES.control
