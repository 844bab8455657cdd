"""The netlist that LVS reads and the one that simulation, timing and equivalence read are one design.

Each proof after place and route reads one of two files. What differs between them is what one side has proved
of a design that the other side has not.
"""

__all__ = ["run"]

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from signoff.netlist import CONSTANTS, read_modules
from signoff.result import CheckResult
from signoff.routed_equiv.flat import Flat, FlatCell, flatten

NAME, TOOL = "netlists", "sc-flow"
BODIES = {"VPB": "VPWR", "VNB": "VGND"}  # pins of the wells, and the supply that each is on
_SHOWN = 3


def run(
    routed: Path, supplied: Path, top: str, supplies: tuple[str, ...], folder: Path
) -> tuple[CheckResult, CheckResult]:
    """Compare two netlists of a routed design, then the second one with faults in it.

    Args:
        routed: Verilog without supplies: for simulation, timing and equivalence.
        supplied: Verilog with supplies and physical cells: for LVS.
        top: Name of the top module of both.
        supplies: Names of the supply ports, and of the pins on them; those of wells may be among them.
        folder: For reports: cells by kind, all faults, and what each planted fault led to.

    Returns:
        The rows `netlists` and `netlists_control`.

    Raises:
        FlowError: A netlist is damaged.
    """
    a, b = (flatten(read_modules(path), top) for path in (routed, supplied))
    supplies = tuple(name for name in supplies if name not in BODIES)
    faults = _compare(a, b, supplies)
    if not a.cells:
        faults.append(f"no cell of {top} was compared")
    bare = len(b.cells) - len(a.cells)
    good = f"{len(a.cells)} cells of {top} are on the same nets in both; {bare} more have supplies alone"
    row = CheckResult(
        NAME, TOOL, "", len(faults), 0, "fail" if faults else "pass", faults[0] if faults else "",
        "; ".join(faults[:_SHOWN]) or good,
    )  # fmt: skip
    told: dict[str, list[str]] = {}
    for name, plant in FAULTS.items():
        planted = plant(b, a, supplies)
        told[name] = _compare(a, planted, supplies) if planted else []
    seen = [name for name, found in told.items() if len(found) > len(faults)]
    lost = [name for name in told if name not in seen]
    kinds = {
        side: Counter(sorted(cell.kind for cell in flat.cells.values()))
        for side, flat in (("routed", a), ("with supplies", b))
    }
    (folder / f"{NAME}.json").write_text(json.dumps({"faults": faults, "cells": kinds}, indent=1))
    (folder / f"{NAME}_control.json").write_text(json.dumps(told, indent=1))
    control = replace(
        row, name=f"{NAME}_control", count=len(lost), status="fail" if lost else "pass",
        reason=f"not found: {', '.join(lost)}" if lost else "",
        detail=f"found: {', '.join(seen)}" if seen else "",
    )  # fmt: skip
    return row, control


def _compare(a: Flat, b: Flat, supplies: tuple[str, ...]) -> list[str]:
    """What differs; nets may have other names, as long as they join the same pins."""
    rails = {name: b.ports[name][1] for name in supplies if name in b.ports}
    faults = [f"{name} is no port of the netlist with supplies" for name in supplies if name not in rails]
    net_of: dict[str, str] = {}
    name_of: dict[str, str] = {}

    def same(where: str, left: str, right: str) -> None:
        if left in CONSTANTS or right in CONSTANTS:
            known = left == right or (left in CONSTANTS and right in rails.values())
        else:
            known = net_of.setdefault(left, right) == right and name_of.setdefault(right, left) == left
        if not known:
            faults.append(f"{where} is on {left} in the one netlist, on {right} in the other")

    for port in sorted(a.ports.keys() | (b.ports.keys() - rails.keys())):
        one, two = a.ports.get(port), b.ports.get(port)
        if one is None or two is None or one[0] != two[0]:
            faults.append(f"port {port} is not the same in both")
        else:
            same(f"port {port}", one[1], two[1])
    for name, cell in b.cells.items():
        nets = dict(cell.nets)
        for pin in supplies + tuple(BODIES):
            on, wanted = nets.pop(pin, None), rails.get(BODIES.get(pin, pin))
            if on is not None and on != wanted:
                faults.append(f"{pin} of {name} is on {on}, not on {wanted}")
        other = a.cells.get(name)
        if other is None:
            if nets:
                faults.append(f"{name} ({cell.kind}) is in the netlist with supplies alone")
        elif other.kind != cell.kind:
            faults.append(f"{name} is a {other.kind} in the one netlist, a {cell.kind} in the other")
        else:
            for pin in sorted(other.nets.keys() | nets.keys()):
                same(f"{pin} of {name} ({cell.kind})", other.nets.get(pin, ""), nets.get(pin, ""))
    faults += [f"{name} ({a.cells[name].kind}) has no supplies" for name in a.cells.keys() - b.cells.keys()]
    return faults


def _logic(b: Flat, a: Flat, supplies: tuple[str, ...]) -> list[tuple[str, FlatCell, list[str]]]:
    """Cells that both have, with their pins that are no supplies; from the midst of the netlist on."""
    found = [
        (name, cell, [p for p in cell.nets if p not in supplies and p not in BODIES])
        for name, cell in b.cells.items()
        if name in a.cells
    ]
    return found[len(found) // 2 :] + found[: len(found) // 2]


def _with(flat: Flat, name: str, cell: FlatCell) -> Flat:
    return replace(flat, cells={**flat.cells, name: cell})


def _swapped(b: Flat, a: Flat, supplies: tuple[str, ...]) -> Flat | None:
    for name, cell, pins in _logic(b, a, supplies):
        for p, q in pairwise(pins):
            if cell.nets[p] != cell.nets[q]:
                nets = {**cell.nets, p: cell.nets[q], q: cell.nets[p]}
                return _with(b, name, replace(cell, nets=nets))
    return None


def _added(b: Flat, a: Flat, supplies: tuple[str, ...]) -> Flat | None:
    cell = next((cell for _, cell, pins in _logic(b, a, supplies) if pins), None)
    return _with(b, "planted", cell) if cell else None


def _other_kind(b: Flat, a: Flat, supplies: tuple[str, ...]) -> Flat | None:
    name, cell, _ = next(iter(_logic(b, a, supplies)), ("", None, []))
    return _with(b, name, replace(cell, kind=f"{cell.kind}x")) if cell else None


def _unsupplied(b: Flat, a: Flat, supplies: tuple[str, ...]) -> Flat | None:
    for name, cell, _ in _logic(b, a, supplies):
        on = [p for p in supplies if p in cell.nets]
        if len(on) > 1:
            nets = {**cell.nets, on[0]: cell.nets[on[1]], on[1]: cell.nets[on[0]]}
            return _with(b, name, replace(cell, nets=nets))
    return None


# How to plant each in the netlist with supplies; None where there is no place for it
FAULTS: Mapping[str, Callable[[Flat, Flat, tuple[str, ...]], Flat | None]] = {
    "two swapped pins": _swapped,
    "a cell too many": _added,
    "a cell of another kind": _other_kind,
    "two swapped supplies of a cell": _unsupplied,
}
