"""Static timing of the routed chip in every corner, with OpenSTA and without liberty of the cells.

What cells do comes from the kit's Verilog; every delay and limit from the SDF that was written when the chip
was routed. A delay that the SDF does not give is a fault, as is an end that nothing constrains.
"""

__all__ = ["Corner", "run"]

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from signoff.eda import OPENSTA
from signoff.result import CheckResult
from signoff.timing.analysis import Chip, Corner, Found
from signoff.timing.edges import Edged, with_edges
from signoff.timing.faults import plant

_SHOWN = 3  # faults of a kind


def run(
    netlist: Path,
    cells: Path,
    corners: Sequence[Corner],
    workdir: Path,
    macros: Collection[str] = (),
) -> tuple[list[CheckResult], dict[str, float]]:
    """Check a chip in every corner, and in the first once more with planted faults.

    Args:
        netlist: Routed, one flat module; without cells that have no pins but supplies.
        cells: Folder of the kit's cells.
        corners: At least one.
        workdir: For all files; made if missing.
        macros: Cells for which each corner has a liberty.

    Returns:
        A row a corner (`sta_<corner>`) and `sta_control`; and the metrics `sta_<corner>_setup_ns` and
        `sta_<corner>_hold_ns`.

    Raises:
        FlowError: Netlist, SDF and kit do not fit together, or OpenSTA failed.
    """
    names = [*(f"sta_{c.name}" for c in corners), "sta_control"]
    if missing := OPENSTA.missing(names[0]):
        return [replace(missing, name=n) for n in names], {}
    chip = Chip.read(netlist, cells, macros)
    found: dict[str, Found] = {}
    sdf: dict[str, Edged] = {}
    for corner in corners:
        sdf[corner.name] = with_edges(corner.sdf.read_text("utf-8"), chip.cells)
        found[corner.name] = chip.analyse(corner, sdf[corner.name], workdir / corner.name)
    rows = [_row(c, found[c.name], len(chip.netlist.instances)) for c in corners]
    first = corners[0]
    rows.append(_control(chip, first, sdf[first.name], found[first.name], workdir / "control"))
    metrics = {}
    for name, f in found.items():
        metrics[f"sta_{name}_setup_ns"] = min(f.report.setup.values())
        metrics[f"sta_{name}_hold_ns"] = min(f.report.hold.values())
    return rows, metrics


def _row(corner: Corner, found: Found, instances: int) -> CheckResult:
    late = found.late()
    faults = [
        *late[:_SHOWN],
        *(f"no delay: {x}" for x in found.lost[:_SHOWN]),
        *(f"not constrained: {x}" for x in found.loose[:_SHOWN]),
    ]
    count = len(late) + len(found.lost) + len(found.loose)
    r = found.report
    detail = (
        f"{corner.period:g} ns: setup {min(r.setup.values()):.3f} ns, hold {min(r.hold.values()):.3f} ns,"
        f" pulses {min(r.width.values(), default=0):.3f} ns to spare; {len(r.setup)} ends,"
        f" {r.annotated} delays and limits of {instances} cells from SDF"
    )
    if faults:
        detail = "; ".join([*faults, detail])
    return _result(f"sta_{corner.name}", count, "" if count == 0 else faults[0], detail)


def _control(chip: Chip, corner: Corner, sdf: Edged, found: Found, folder: Path) -> CheckResult:
    name = "sta_control"
    try:
        planted = plant(chip, corner, sdf, found)
    except ValueError as e:
        return _result(name, 1, f"no fault could be planted: {e}", "")
    told = chip.analyse(corner, planted.sdf, folder)
    seen = [fault for fault, found_in in planted.faults.items() if found_in(told)]
    lost = [fault for fault in planted.faults if fault not in seen]
    return _result(
        name, len(lost), f"not found: {', '.join(lost)}" if lost else "", f"found: {', '.join(seen)}"
    )


def _result(name: str, count: int, reason: str, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, OPENSTA.name, OPENSTA.version(), count, 0, status, reason, detail)
