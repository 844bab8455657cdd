"""Two scripts of `cf-precheck` that are no design rules: pins without metal, and paths that turn back."""

__all__ = ["path_spikes", "pins_on_metal"]

import re
from pathlib import Path

import klayout.db as kdb

from signoff.drc_klayout import parse_report
from signoff.eda import KLAYOUT
from signoff.gds import write_gds
from signoff.result import CheckResult
from signoff.violations import Violations

_TIMEOUT = 1800.0  # s


def pins_on_metal(
    layout: Path,
    top: str,
    deck: Path,
    folder: Path,
    *,
    metal: tuple[int, int],
    pin: tuple[int, int],
) -> list[CheckResult]:
    """Pins and labels of every layer lie on its drawing; the control has a pin beside it.

    Args:
        layout: GDS.
        top: Cell to look at.
        deck: pin_label_purposes_overlapping_drawing.rb.drc.
        folder: For reports and logs.
        metal: GDS layer and datatype of a wire; `pin`: of its pins.
        pin: See `metal`.
    """
    name = "pins_on_metal"
    if missing := KLAYOUT.missing(name):
        return [missing]
    found = _run_pins(layout, top, deck, folder / "pins")
    sample = kdb.Layout()
    cell = sample.create_cell("pin")
    cell.shapes(sample.layer(*metal)).insert(kdb.Box(0, 0, 1000, 1000))
    cell.shapes(sample.layer(*pin)).insert(kdb.Box(900, 0, 1100, 1000))
    control = _run_pins(_written(sample, folder / "control_pins"), "pin", deck, folder / "control_pins")
    return _rows(
        name,
        found.total,
        str(found) or f"pins and labels of {top}",
        control.total,
        "a pin half off its metal",
    )


def path_spikes(layout: Path, script: Path, folder: Path) -> list[CheckResult]:
    """No shape is empty, and no path turns back on itself; the control has such a path.

    Args:
        layout: GDS.
        script: gdsArea0.
        folder: For logs.
    """
    name = "path_spikes"
    if missing := KLAYOUT.missing(name):
        return [missing]
    count = _run_spikes(layout, script, folder / "spikes")
    sample = kdb.Layout()
    cell = sample.create_cell("spike")
    points = [kdb.Point(0, 0), kdb.Point(2000, 0), kdb.Point(1000, 0)]
    cell.shapes(sample.layer(1, 0)).insert(kdb.Path(points, 100))
    control = _run_spikes(_written(sample, folder / "control_spikes"), script, folder / "control_spikes")
    return _rows(name, count, f"{count} shapes", control, "a path that turns back")


def _run_pins(layout: Path, top: str, deck: Path, folder: Path) -> Violations:
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "pins_on_metal.lyrdb"
    report.unlink(missing_ok=True)
    arguments = ["-b", "-r", "deck.drc", "-rd", "input=layout.gds", "-rd", f"top_cell_name={top}"]
    arguments += ["-rd", f"report={report.resolve()}", "-rd", "threads=1"]
    done = KLAYOUT.run(arguments, folder, _TIMEOUT, files={"deck.drc": deck, "layout.gds": layout})
    # It ends with the number of rules that found something as its status: what it says at its end counts.
    told = re.search(r"^ *(\d+) total error\(s\) among", done.log, re.M)
    if not told:
        raise KLAYOUT.failed(done.fault or "the deck did not say how much it found", folder)
    try:
        found = parse_report(report, 0)
    except ValueError as e:
        raise KLAYOUT.failed(str(e), folder) from e
    if found.total != int(told.group(1)):
        raise KLAYOUT.failed(f"the deck says {told.group(1)} faults, its report {found.total}", folder)
    return found


def _run_spikes(layout: Path, script: Path, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    # The script starts itself in KLayout by way of a shell, which is not needed: its arguments are in _M0.
    arguments = ["-e", "-b", "-r", "spikes[rb]"]
    files = {"spikes": script, "layout.gds": layout}
    done = KLAYOUT.run(arguments, folder, _TIMEOUT, {"_M0": "'layout.gds'"}, files)
    told = re.search(r"^ *(\d+) total errors,", done.log, re.M)
    if not told:
        raise KLAYOUT.failed(done.fault or "the script did not say how much it found", folder)
    return int(told.group(1))


def _written(layout: kdb.Layout, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "control.gds"
    write_gds(layout, path)
    return path


def _rows(name: str, count: int, detail: str, control: int, planted: str) -> list[CheckResult]:
    status, reason = ("pass", "") if control else ("fail", f"not found: {planted}")
    seen = f"found: {planted}" if control else ""
    version = KLAYOUT.version()
    return [
        CheckResult(name, KLAYOUT.name, version, count, 0, "fail" if count else "pass", "", detail),
        CheckResult(f"{name}_control", KLAYOUT.name, version, int(not control), 0, status, reason, seen),
    ]
