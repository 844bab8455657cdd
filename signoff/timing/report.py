"""Reads what `tcl/sta.tcl` made OpenSTA print."""

__all__ = ["StaReport", "read_report"]

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VERDICT = r"\((?:MET|VIOLATED)\)"
_END = re.compile(rf"^(\S+) \(\w+\)\s+-?[\d.]+\s+-?[\d.]+\s+(-?[\d.]+) {_VERDICT}$", re.M)
_WIDTH = re.compile(rf"^(\S+) \((high|low)\)\s+-?[\d.]+\s+-?[\d.]+\s+(-?[\d.]+) {_VERDICT}$", re.M)
_TOTAL = re.compile(r"^\s+(\d+)\s+(\d+)\s+(\d+)\s*$", re.M)
_UNANNOTATED = re.compile(r"^\s+(?:delay|setup|hold|recovery|removal|min width|\w+)\s+(\S+.*)$", re.M)
_CONSTRAINT = re.compile(r"^Warning: There (?:are|is) (\d+) (.*?)\.?$")


@dataclass(frozen=True)
class StaReport:
    """One corner.

    Attributes:
        annotated: Number of delays and limits that the SDF gave.
        missing: Number that it did not; `places`: of them.
        setup, hold: Least slack (ns) by endpoint.
        width: Least slack (ns) of pulses by pin.
        open: What is not constrained: (pin or port, why).
        through: Least setup and hold slack (ns) of the paths through a pin; pins without a path are left out.
    """

    annotated: int
    missing: int
    places: tuple[str, ...]
    setup: Mapping[str, float]
    hold: Mapping[str, float]
    width: Mapping[str, float]
    open: tuple[tuple[str, str], ...]
    through: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def read_report(text: str) -> StaReport:
    """Read the whole of what was printed.

    Raises:
        ValueError: Something is missing from it, or is not understood.
    """
    parts: dict[str, str] = {}
    for part in re.split(r"^SCF ", text, flags=re.M)[1:]:
        title, _, body = part.partition("\n")
        if title.strip() in parts:
            raise ValueError(f"{title} appears twice")
        parts[title.strip()] = body
    for name in ("annotated", "setup", "hold", "width", "constraints", "end"):
        if name not in parts:
            raise ValueError(f"there is no part {name!r}")
    totals = [tuple(map(int, m)) for m in _TOTAL.findall(parts["annotated"])]
    if len(totals) != 2 or any(a + b != total for total, a, b in totals):
        raise ValueError("the numbers of annotated arcs are not understood")
    through: dict[str, tuple[float, float]] = {}
    for title, body in parts.items():
        kind, _, rest = title.partition(" ")
        if kind == "through_setup":
            ends = _slacks(body), _slacks(parts[f"through_hold {rest}"])
            if all(ends):
                through[_plain(rest)] = min(ends[0].values()), min(ends[1].values())
    return StaReport(
        sum(t[1] for t in totals),
        sum(t[2] for t in totals),
        tuple(x.strip() for x in _UNANNOTATED.findall(parts["annotated"]) if "/" in x),
        _slacks(parts["setup"]),
        _slacks(parts["hold"]),
        _widths(parts["width"]),
        tuple(_open(parts["constraints"])),
        through,
    )


def _slacks(text: str) -> dict[str, float]:
    out: dict[str, float] = {}
    found = _END.findall(text)
    for name, slack in found:
        out[_plain(name)] = min(float(slack), out.get(_plain(name), float("inf")))
    _all_read(len(found), text)
    return out


def _widths(text: str) -> dict[str, float]:
    found = _WIDTH.findall(text)
    _all_read(len(found), text)
    return {f"{_plain(pin)} {level}": float(slack) for pin, level, slack in found}


def _all_read(count: int, text: str) -> None:
    if count != (there := len(re.findall(_VERDICT, text))):
        raise ValueError(f"{there - count} of {there} slacks are not understood")


def _open(text: str) -> list[tuple[str, str]]:
    out, why, left = [], "", 0
    for line in text.splitlines():
        if found := _CONSTRAINT.match(line):
            left, why = int(found[1]), found[2]
        elif line.startswith("  ") and left:
            out.append((_plain(line.strip()), why))
            left -= 1
        elif line.strip():
            raise ValueError(f"not understood: {line}")
    if left:
        raise ValueError(f"{left} more {why} are not named")
    return out


def _plain(name: str) -> str:
    return name.replace("\\", "")
