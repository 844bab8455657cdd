"""Design rules with the KLayout application and a foundry deck."""

__all__ = [
    "control",
    "density",
    "density_control",
    "find",
    "parse_report",
    "run",
    "zero_area",
    "zero_area_control",
]

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import klayout.db as kdb
import klayout.rdb as rdb

from signoff.controls import KLAYOUT_ERRORS, control_of, plate
from signoff.design_rules import DesignRules, rules_row
from signoff.eda import KLAYOUT, Run
from signoff.result import CheckResult
from signoff.violations import Box, Fault, Violations
from signoff.waivers import Waiver

# Every group of the sky130 deck, in two runs beside each other; all are off unless asked for, and a run
# without them finds nothing. Rules of the seal ring are in blocks of either end of the line.
_RUNS = (("beol", "offgrid", "floating_met", "seal"), ("feol", "seal"))
_DENSITY_LAYERS = 6  # li1 and five metals


def density(
    layout: Path,
    top: str,
    deck: Path,
    workdir: Path,
    *,
    waivers: Sequence[Waiver] = (),
    timeout: float = 1800,
) -> CheckResult:
    """Check that no layer covers too much of the boundary (met_min_ca_density.lydrc).

    The deck puts a rule in its report only when it is violated, so it is the log that shows that all
    layers were measured.
    """
    name = "density"
    if missing := KLAYOUT.missing(name):
        return missing
    done, report = _run_deck(name, layout, top, deck, workdir, {}, timeout)
    measured = re.findall(r"^(\w+)_ca_density is ([\d.]+)$", done.log, re.M)
    if not done.fault and len(measured) != _DENSITY_LAYERS:
        raise KLAYOUT.failed(f"the deck measured {len(measured)} layers, not {_DENSITY_LAYERS}", workdir)
    covered = ", ".join(f"{layer} {1 - float(clear):.0%}" for layer, clear in measured)
    found = _found(done, report, least_rules=0)
    return rules_row(name, KLAYOUT, top, found, f"covered: {covered}", waivers)


def density_control(
    deck: Path, workdir: Path, *, layers: Mapping[str, tuple[int, int]], timeout: float = 600
) -> CheckResult:
    """Let the density deck judge a plate of met1: it must find too much of it."""
    layout = plate(workdir, layers)
    result = density(layout, "plate", deck, workdir, timeout=timeout)
    return control_of(result, "met1 on 70 % of the area", "m1.pd.1d" in result.detail)


def zero_area_control(
    deck: Path, workdir: Path, *, layers: Mapping[str, tuple[int, int]], timeout: float = 600
) -> CheckResult:
    """Let the deck judge a layout with an empty box: it must find it."""
    layout = plate(workdir, layers)
    result = zero_area(layout, "plate", deck, workdir, timeout=timeout)
    return control_of(result, "an empty box", result.count == 1)


def zero_area(layout: Path, top: str, deck: Path, workdir: Path, *, timeout: float = 600) -> CheckResult:
    """Check that no shape is empty (zeroarea.rb.drc, which ends with the number of faults as status)."""
    name = "zero_area"
    if missing := KLAYOUT.missing(name):
        return missing
    done, _ = _run_deck(name, layout, top, deck, workdir, {"top_cell_name": top}, timeout)
    told = re.search(r"^(\d+) total zero-area objects", done.log, re.M)
    if not told:
        raise KLAYOUT.failed(done.fault or "the deck did not say how many shapes it found", workdir)
    count = int(told.group(1))
    status = "fail" if count else "pass"
    return CheckResult(name, KLAYOUT.name, KLAYOUT.version(), count, 0, status)


def parse_report(path: Path, least_rules: int = 1) -> Violations:
    """Read a KLayout report database.

    Args:
        path: The .lyrdb file.
        least_rules: Rules that it must list, violated or not.

    Raises:
        ValueError: If it is missing, cut short, or lists fewer rules.
    """
    found = Violations()
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError) as e:
        raise ValueError(f"no readable report database ({e})") from e
    found.rules = len(root.findall("categories/category"))
    if found.rules < least_rules:
        raise ValueError(f"the report database lists {found.rules} rules")
    for item in root.iterfind("items/item"):
        rule, cell = ((item.findtext(key) or "?").strip("'") for key in ("category", "cell"))
        drawn = [(v.text or "").strip() for v in item.iterfind("values/value")]
        times = int(item.findtext("multiplicity") or 1)
        found.faults.append(Fault(rule, cell, _around(drawn), drawn[0] if drawn else "?", times))
    return found


def _around(drawn: Sequence[str]) -> Box:
    """The box around what a report draws of a fault; of unlimited size if it draws nothing."""
    box = kdb.DBox()
    for text in drawn:
        value = rdb.RdbItemValue.from_s(text)
        for kind in ("polygon", "path", "box", "edge", "edge_pair", "text"):
            if getattr(value, f"is_{kind}")():
                shape = getattr(value, kind)()
                box += shape if kind == "box" else shape.bbox()
    if box.empty():
        return (-math.inf, -math.inf, math.inf, math.inf)
    # Database units as floats: 869.8 comes back as 869.8000000000001, which is beyond a waiver's edge.
    left, bottom, right, top = (round(v, 6) for v in (box.left, box.bottom, box.right, box.top))
    return left, bottom, right, top


def find(name: str, layout: Path, top: str, deck: Path, workdir: Path, timeout: float) -> Violations:
    """Run every rule group of the deck; see `DesignRules.run`."""

    def groups(of: Sequence[str]) -> Violations:
        # One thread: with two, KLayout 0.28.5 spins without end.
        flags = dict.fromkeys(of, "true") | {"thr": "1"}
        done, report = _run_deck(name, layout, top, deck, workdir / of[0], flags, timeout)
        return _found(done, report, least_rules=1)

    together = Violations()
    with ThreadPoolExecutor(len(_RUNS)) as pool:
        for found in pool.map(groups, _RUNS):
            together.add(found)
    return together


def _run_deck(
    name: str, layout: Path, top: str, deck: Path, workdir: Path, more: Mapping[str, str], timeout: float
) -> tuple[Run, Path]:
    workdir.mkdir(parents=True, exist_ok=True)
    report = workdir / f"{name}.lyrdb"
    report.unlink(missing_ok=True)  # an old report must not stand for this run
    files = {f"deck{deck.suffix}": deck, f"layout{layout.suffix}": layout}
    rules, source = files
    arguments = ["-b", "-r", rules]
    variables = {"input": source, "top_cell": top, "report": report.name}
    for key, value in (variables | dict(more)).items():
        arguments += ["-rd", f"{key}={value}"]
    return KLAYOUT.run(arguments, workdir, timeout, files=files), report


def _found(done: Run, report: Path, least_rules: int) -> Violations:
    """What a run found; FlowError if it cannot be trusted."""
    if done.fault:
        raise KLAYOUT.failed(done.fault, report.parent)
    try:
        return parse_report(report, least_rules)
    except ValueError as e:
        raise KLAYOUT.failed(str(e), report.parent) from e


RULES = DesignRules("drc_klayout", KLAYOUT, "all rule groups", KLAYOUT_ERRORS, find)
run, control = RULES.run, RULES.control
