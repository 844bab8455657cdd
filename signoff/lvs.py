"""Layout against schematic: Magic extracts the transistors, Netgen compares them with a netlist."""

__all__ = ["bad_nets", "compare", "extract", "parse_comparison", "run"]

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as db

from rtl_gen.errors import FlowError
from signoff.eda import MAGIC, NETGEN, run_magic
from signoff.gds import write_gds
from signoff.result import CheckResult

_SHOWN = 5
_MATCH = "Circuits match uniquely."


def run(
    layout: Path,
    top: str,
    netlist: Path,
    wrong: Path,
    tech: Path,
    setup: Path,
    workdir: Path,
    *,
    timeout: float = 3600,
) -> tuple[CheckResult, CheckResult]:
    """Compare a layout with its netlist, and with one that has a fault.

    Args:
        layout: GDS or OASIS.
        top: Cell and subcircuit to compare.
        netlist: SPICE file with the subcircuit, made from the weights.
        wrong: The same with a single fault, such as a bit changed: the control, which must not match.
        tech: Magic technology file that fits the installed Magic.
        setup: Netgen setup file.
        workdir: For all files; made if missing.
        timeout: Seconds for each of the three runs.

    Returns:
        The rows `lvs` and `lvs_control`.
    """
    names = "lvs", "lvs_control"
    for tool in (MAGIC, NETGEN):
        absent = tool.missing(names[0])
        if absent:
            return absent, replace(absent, name=names[1])
    workdir.mkdir(parents=True, exist_ok=True)
    extracted = extract(layout, top, tech, workdir, timeout=timeout)
    right = compare(extracted, netlist, top, setup, workdir, names[0], timeout=timeout)
    return right, _control(compare(extracted, wrong, top, setup, workdir, names[1], timeout=timeout))


def _control(result: CheckResult) -> CheckResult:
    """Turn the row of the wrong netlist round: a mismatch that Netgen found is a pass."""
    found = bool(result.count)
    reason = "" if found else "a netlist with a fault was taken for the layout's"
    return CheckResult(
        result.name,
        result.tool,
        result.version,
        int(not found),
        0,
        "pass" if found else "fail",
        reason,
        f"one fault: {result.detail}" if found else "",
    )


def extract(layout: Path, top: str, tech: Path, workdir: Path, *, timeout: float = 3600) -> Path:
    """Extract the transistors of a cell.

    The cell is flattened first: its transistors form where lines of one cell cross those of another.

    Returns:
        The SPICE netlist.

    Raises:
        FlowError: The layout has no such cell, or Magic failed.
    """
    source = db.Layout()
    source.read(str(layout))
    flat, netlist = workdir / "flat.gds", workdir / "extracted.spice"
    netlist.unlink(missing_ok=True)  # an old netlist must not stand for this run
    cell = source.cell(top)
    if cell is None:
        raise FlowError(f"no cell {top}", where=str(layout))
    cell.flatten(True)
    write_gds(source, flat, top)
    variables = {"SCF_GDS": flat.name, "SCF_TOP": top, "SCF_NETLIST": netlist.name}
    done = run_magic("extract.tcl", tech, workdir, timeout, variables)
    if done.fault:
        raise MAGIC.failed(done.fault, workdir)
    if not netlist.is_file() or not re.search(rf"^\.subckt {re.escape(top)}\b", netlist.read_text(), re.M):
        raise MAGIC.failed(f"magic wrote no netlist of {top}", workdir)
    return netlist


def compare(
    extracted: Path,
    netlist: Path,
    top: str,
    setup: Path,
    workdir: Path,
    name: str,
    *,
    boxes: bool = False,
    timeout: float = 3600,
) -> CheckResult:
    """Compare two netlists of one subcircuit.

    Args:
        extracted: From the layout.
        netlist: What it should be.
        top: Name of the subcircuit in both.
        setup: Netgen setup file.
        workdir: For report and log.
        name: Of the row, and of the report.
        boxes: Whether subcircuits may be empty: then they are compared by their pins.
        timeout: Seconds.

    Returns:
        A row whose count is the number of differences.

    Raises:
        FlowError: Netgen failed.
    """
    report, data = workdir / f"{name}.out", workdir / f"{name}.json"
    for old in (report, data):
        old.unlink(missing_ok=True)  # an old report must not stand for this run
    # Netgen tells the format from the first dot of a path, so both files get plain names in its folder
    sides = []
    for side, path in (("layout", extracted), ("netlist", netlist)):
        shutil.copyfile(path, workdir / f"{name}_{side}.spice")
        sides.append(f"{name}_{side}.spice {top}")
    arguments = ["-batch", "lvs", *sides, "setup.tcl", report.name, "-json"]
    arguments += ["-blackbox"] if boxes else []
    done = NETGEN.run(arguments, workdir, timeout, files={"setup.tcl": setup})
    if done.fault:
        raise NETGEN.failed(done.fault, workdir)
    try:
        faults, devices = parse_comparison(report.read_text(), json.loads(data.read_text()), top)
    except (OSError, ValueError) as e:
        raise NETGEN.failed(f"no usable report of the comparison ({e})", workdir) from e
    detail = "; ".join(faults[:_SHOWN]) or f"{devices} devices of {top} match uniquely"
    status = "fail" if faults else "pass"
    return CheckResult(name, NETGEN.name, NETGEN.version(), len(faults), 0, status, "", detail)


def bad_nets(report: Path, top: str) -> list[frozenset[str]]:
    """Nets of the layout without a match, in groups of what Netgen cannot tell apart, from its JSON."""
    cells = [cell for cell in json.loads(report.read_text()) if cell.get("name") == [top, top]]
    return [frozenset(name for name, _ in left) for cell in cells for left, _ in cell.get("badnets", [])]


def parse_comparison(report: str, data: Any, top: str) -> tuple[list[str], int]:
    """What differs, from Netgen's report and its JSON twin.

    Netgen 1.5.133 says `Circuits match uniquely` and `Cell pin lists are equivalent` even if two pins
    are swapped, so pins are compared here, one by one.

    Returns:
        The differences, and the number of devices compared, those in parallel counted as one.

    Raises:
        ValueError: If the report says nothing about `top`.
    """
    cells = [cell for cell in data if cell.get("name") == [top, top]]
    if len(cells) != 1:
        raise ValueError(f"{len(cells)} entries for {top}")
    cell = cells[0]
    faults: list[str] = []
    left, right = (dict(side) for side in cell["devices"])
    if left != right:
        kinds = [k for k in sorted(left.keys() | right.keys()) if left.get(k) != right.get(k)]
        faults.append(
            f"devices: {', '.join(f'{k} {_sides(left.get(k, 0), right.get(k, 0))}' for k in kinds)}"
        )
    if cell["nets"][0] != cell["nets"][1]:
        faults.append(f"nets: {_sides(*cell['nets'])}")
    for what in ("badnets", "badelements", "properties"):
        faults += [f"{what}: {_brief(entry)}" for entry in cell.get(what, [])]
    faults += _pin_faults(cell.get("pins"))
    if not faults and (_MATCH not in report.splitlines()[-3:] or "Property errors" in report):
        faults.append("Netgen does not say that the circuits match uniquely")
    devices = sum(count for _, count in cell["devices"][0])
    if not devices:
        raise ValueError(f"{top} has no devices")
    return faults, devices


def _pin_faults(pins: Any) -> list[str]:
    if not pins:
        return ["pins were not matched"]
    left, right = pins
    if not left or len(left) != len(right):
        return [f"{len(left)} pins in the layout, {len(right)} in the netlist"]
    return [f"pin {a} is {b} in the netlist" for a, b in zip(left, right, strict=True) if a != b]


def _sides(left: object, right: object) -> str:
    return f"{left} in the layout, {right} in the netlist"


def _brief(entry: Any) -> str:
    """Names of the nets or devices that do not match; the whole entry, cut, if it is of another form."""
    try:
        named = [[name for name, _ in side if not name.startswith("(no matching")] for side in entry]
        return _sides(*(", ".join(names) or "none" for names in named))
    except (TypeError, ValueError, AttributeError):
        text = json.dumps(entry)
        return text if len(text) <= 200 else f"{text[:200]}..."
