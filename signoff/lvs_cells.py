"""Layout against schematic for each kind of standard cell on a chip, down to transistors.

With `signoff.lvs_chip`, where cells are boxes, this compares the chip's logic down to transistors: each kind
once, as the chip's own layout has it, with the kit's netlist. Magic extracts, Netgen compares.
"""

__all__ = ["Diodes", "Narrow", "run"]

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import klayout.db as kdb

from signoff.eda import MAGIC, NETGEN, run_magic
from signoff.lvs import compare
from signoff.result import CheckResult

NAME = "lvs_cells"
_SHOWN = 5


@dataclass(frozen=True)
class Narrow:
    """Transistors below a width (um) go by another model's name: `models`, by the name that Magic gives."""

    width: float
    models: Mapping[str, str]


@dataclass(frozen=True)
class Diodes:
    """GDS layers and datatypes of diffusion and of the mark that makes a diode of it."""

    diff: tuple[int, int]
    mark: tuple[int, int]


def run(
    layout: kdb.Layout,
    netlists: Mapping[str, Path],
    narrow: Narrow,
    tech: Path,
    setup: Path,
    workdir: Path,
    *,
    diodes: Diodes,
    timeout: float = 1800,
) -> tuple[CheckResult, CheckResult]:
    """Compare every cell of a chip for which there is a netlist.

    Args:
        layout: The chip.
        netlists: SPICE file of each cell that may be on it.
        narrow: Names of narrow transistors.
        tech: Magic technology file that fits the installed Magic.
        setup: Netgen setup file.
        workdir: For all files; made if missing.
        diodes: What is a diode in the layout.
        timeout: Seconds for each tool's run.

    Returns:
        The rows `lvs_cells` and `lvs_cells_control`.
    """
    control = f"{NAME}_control"
    for tool in (MAGIC, NETGEN):
        if missing := tool.missing(NAME):
            return missing, replace(missing, name=control)
    workdir.mkdir(parents=True, exist_ok=True)
    kinds = sorted({c.name for c in layout.each_cell() if c.name in netlists and not c.is_top()})
    if not kinds:
        none = CheckResult(
            NAME, NETGEN.name, NETGEN.version(), 1, 0, "fail", "the chip has no standard cells"
        )
        return none, replace(none, name=control)
    _extract(layout, kinds, narrow, diodes, tech, workdir, timeout)
    rows = {kind: _cell(kind, netlists[kind], setup, workdir, timeout) for kind in kinds}
    bad = [f"{kind}: {row.reason or row.detail}" for kind, row in rows.items() if row.status != "pass"]
    empty = [kind for kind in kinds if not _devices(workdir / f"{kind}.spice")]
    good = f"{len(kinds)} kinds of cell match down to transistors, {len(empty)} of them have none"
    row = CheckResult(NAME, NETGEN.name, NETGEN.version(), len(bad), 0, "fail" if bad else "pass", "", good)
    if bad:
        row = replace(row, detail="; ".join(bad[:_SHOWN]))
    return row, _control(row, [k for k in kinds if k not in empty], netlists, setup, workdir, timeout)


def _extract(
    layout: kdb.Layout,
    kinds: list[str],
    narrow: Narrow,
    diodes: Diodes,
    tech: Path,
    workdir: Path,
    timeout: float,
) -> None:
    """Write `<kind>.spice` for each kind; FlowError if Magic fails."""
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    options.gds2_write_timestamps = False
    for kind in kinds:
        options.add_cell(layout.cell(kind).cell_index())
        (workdir / f"{kind}.spice").unlink(missing_ok=True)  # an old netlist must not stand for this run
    layout.write(str(workdir / "cells.gds"), options)
    variables = {"SCF_GDS": "cells.gds", "SCF_CELLS": " ".join(kinds)}
    done = run_magic("extract_cells.tcl", tech, workdir, timeout, variables)
    if done.fault:
        raise MAGIC.failed(done.fault, workdir)
    for kind in kinds:
        path = workdir / f"{kind}.spice"
        if not path.is_file():
            raise MAGIC.failed(f"magic wrote no netlist of {kind}", workdir)
        outlines = _outlines(layout, layout.cell(kind), diodes)
        path.write_text(_measured(_renamed(path.read_text(), narrow), outlines))


def _renamed(spice: str, narrow: Narrow) -> str:
    """Netlist with the models of narrow transistors."""

    def rename(line: re.Match[str]) -> str:
        model, width = line.group(2), float(line.group(3)) * (1e-6 if line.group(4) else 1)
        other = narrow.models.get(model, model) if width < narrow.width - 1e-6 else model
        return line.group().replace(model, other)

    return re.sub(r"^(X\S+ .*?) (\S+)(?: [a-z]+=\S+)*? w=([\d.e+-]+)(u?)\b.*$", rename, spice, flags=re.M)


def _outlines(layout: kdb.Layout, cell: kdb.Cell, diodes: Diodes) -> list[tuple[int, int]]:
    """Area (nm2) and perimeter (nm) of every diode in a cell."""
    diff, mark = (
        kdb.Region(cell.begin_shapes_rec(layout.layer(*layer))) for layer in (diodes.diff, diodes.mark)
    )
    return [(polygon.area(), polygon.perimeter()) for polygon in (diff & mark).merged().each()]


def _measured(spice: str, outlines: list[tuple[int, int]]) -> str:
    """Netlist with the perimeters that its diodes have in the layout.

    Magic 8.3.105 counts the outline of a diode and, besides, that of every contact in it: 5.36 um for a
    diode of 2.64 um with four contacts. Only that of a diode of just this area in the layout is replaced.
    """

    def measure(line: re.Match[str]) -> str:
        head, area = line.group(1), float(line.group(2))
        found = {perimeter for size, perimeter in outlines if abs(size * 1e6 - area) < 1e-6 * area}
        if len(found) != 1:
            return line.group()  # as it is, and the comparison tells
        return f"{head} perim={found.pop() * 1e3:g} area={line.group(2)}"

    return re.sub(r"^(X\S+ .*__diode_\S+) perim=\S+ area=(\S+)$", measure, spice, flags=re.M)


def _cell(
    kind: str, netlist: Path, setup: Path, workdir: Path, timeout: float, name: str = ""
) -> CheckResult:
    """The row of one kind."""
    extracted = workdir / f"{kind}.spice"
    here, there = _devices(extracted), _devices(netlist)
    if not here and not there:  # fill and tap cells: Netgen says nothing about circuits without devices
        return CheckResult(kind, NETGEN.name, NETGEN.version(), 0, 0, "pass")
    return compare(extracted, netlist, kind, setup, workdir, name or kind, timeout=timeout)


def _devices(path: Path) -> int:
    return len(re.findall(r"^[XRDCM]\w+ ", path.read_text("utf-8"), re.M | re.I))


def _control(
    row: CheckResult,
    kinds: list[str],
    netlists: Mapping[str, Path],
    setup: Path,
    workdir: Path,
    timeout: float,
) -> CheckResult:
    """Compare one cell with netlists that have two pins swapped, and one transistor wider."""
    name = f"{NAME}_control"
    faults = {"two swapped pins": _swapped, "a transistor 0.1 um wider": _wider}
    seen: list[str] = []
    lost: list[str] = []
    for number, (what, spoil) in enumerate(faults.items()):
        found = False
        for kind in kinds:
            spoilt = spoil(netlists[kind].read_text("utf-8"))
            if spoilt is not None:
                wrong = workdir / f"wrong{number}.spice"
                wrong.write_text(spoilt)
                result = _cell(kind, wrong, setup, workdir, timeout, f"control{number}")
                found = bool(result.count)
                break
        (seen if found else lost).append(what)
    reason = f"not found: {', '.join(lost)}" if lost else ""
    detail = f"found: {', '.join(seen)}" if seen else ""
    return replace(
        row, name=name, count=len(lost), status="fail" if lost else "pass", reason=reason, detail=detail
    )


def _swapped(spice: str) -> str | None:
    """Swap A and B on all transistors of a cell that has both."""
    if not re.search(r"^\.subckt .*\bA B\b.*$", spice, re.M):
        return None
    swap = {"A": "B", "B": "A"}
    lines = [
        re.sub(r"(?<= )[AB](?= )", lambda m: swap[m.group()], line) if line.startswith("X") else line
        for line in spice.splitlines(keepends=True)
    ]
    return "".join(lines)


def _wider(spice: str) -> str | None:
    width = re.search(r"\bw=([\d.e+]+)u", spice)
    wide = float(width.group(1)) + 1e5 if width else 0
    return spice.replace(width.group(), f"w={wide:g}u", 1) if width else None
