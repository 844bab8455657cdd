"""Reads what `tcl/sta.tcl` made OpenSTA print."""

__all__ = ["Moves", "StaReport", "read_report"]

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_VERDICT = r"\((?:MET|VIOLATED)\)"
_END = re.compile(rf"^(\S+) \(\w+\)\s+-?[\d.]+\s+-?[\d.]+\s+(-?[\d.]+) {_VERDICT}$", re.M)
_WIDTH = re.compile(rf"^(\S+) \((high|low)\)\s+-?[\d.]+\s+-?[\d.]+\s+(-?[\d.]+) {_VERDICT}$", re.M)
_TOTAL = re.compile(r"^\s+(\d+)\s+(\d+)\s+(\d+)\s*$", re.M)
_UNANNOTATED = re.compile(r"^\s+(?:delay|setup|hold|recovery|removal|min width|\w+)\s+(\S+.*)$", re.M)
_CONSTRAINT = re.compile(r"^Warning: There (?:are|is) (\d+) (.*?)\.?$")
_NUMBER = r"(-?[\d.]+|-?INF)"
_ARRIVAL = re.compile(rf"^ \(clk (\^|v)\) r {_NUMBER}:{_NUMBER} f {_NUMBER}:{_NUMBER}$", re.M)


@dataclass(frozen=True)
class Moves:
    """When a pin rises after the clock fell, and when it falls after the clock rose.

    Earliest and latest, ns from the rising edge that starts the cycle: the pin falls and then rises.
    """

    rise: tuple[float, float]
    fall: tuple[float, float]


@dataclass(frozen=True)
class StaReport:
    """One corner.

    Attributes:
        annotated: Number of delays and limits that the SDF gave.
        missing: Number that it did not; `places`: of them.
        setup, hold: Least slack (ns) by endpoint.
        width: Least slack (ns) of pulses by pin.
        open: What is not constrained: (pin or port, why).
        banks: Least setup slack (ns) of what begins at a bank, by its name.
        moves: Of pins of banks, by (bank, pin).
        through: Least setup and hold slack (ns) of the paths through a pin; pins without a path are left out.
    """

    annotated: int
    missing: int
    places: tuple[str, ...]
    setup: Mapping[str, float]
    hold: Mapping[str, float]
    width: Mapping[str, float]
    open: tuple[tuple[str, str], ...]
    banks: Mapping[str, float]
    moves: Mapping[tuple[str, str], Moves]
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
    banks, moves = {}, {}
    through: dict[str, tuple[float, float]] = {}
    for title, body in parts.items():
        kind, _, rest = title.partition(" ")
        if kind == "bank":
            if not (slacks := _slacks(body)):
                raise ValueError(f"no path begins at bank {rest}")
            banks[rest] = min(slacks.values())
        elif kind == "through_setup":
            ends = _slacks(body), _slacks(parts[f"through_hold {rest}"])
            if all(ends):
                through[_plain(rest)] = min(ends[0].values()), min(ends[1].values())
        elif kind == "pin":
            bank, _, pin = rest.partition(" ")
            moves[bank, pin.removeprefix(f"{bank}/")] = _moves(body, rest)
    return StaReport(
        sum(t[1] for t in totals),
        sum(t[2] for t in totals),
        tuple(x.strip() for x in _UNANNOTATED.findall(parts["annotated"]) if "/" in x),
        _slacks(parts["setup"]),
        _slacks(parts["hold"]),
        _widths(parts["width"]),
        tuple(_open(parts["constraints"])),
        banks,
        moves,
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


def _moves(text: str, where: str) -> Moves:
    found = {edge: tuple(map(_time, values)) for edge, *values in _ARRIVAL.findall(text)}
    rise, fall = found.get("v", ())[:2], found.get("^", ())[2:]
    if len(rise) != 2 or len(fall) != 2 or None in (*rise, *fall):
        raise ValueError(f"{where} does not rise after the clock fell and fall after it rose")
    return Moves((rise[0], rise[1]), (fall[0], fall[1]))  # type: ignore[arg-type]


def _time(text: str) -> float | None:
    return None if "INF" in text else float(text)


def _plain(name: str) -> str:
    return name.replace("\\", "")
