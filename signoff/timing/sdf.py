"""Reads delays and timing checks as OpenSTA writes them: SDF of a flat design."""

__all__ = ["TRIPLE", "Check", "Delay", "Sdf", "Timing", "entries", "plain_name", "read_sdf"]

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rtl_gen.errors import FlowError

_CELL = re.compile(r'\(CELL\s+\(CELLTYPE\s+"([^"]+)"\)\s+\(INSTANCE\s*([^\s)]*)\s*\)')
TRIPLE = r"[-\d.:eE+]*"  # numbers of one delay
_VALUE = rf"\(\s*({TRIPLE})\s*\)"
_PATH = re.compile(
    rf"\((?:INTERCONNECT|IOPATH)\s+(?:\((?:pos|neg)edge\s+(\S+)\)|(\S+))\s+(\S+)\s+{_VALUE}(?:\s*{_VALUE})?\s*\)"
)
_CHECK = re.compile(
    rf"\((SETUP|HOLD|RECOVERY|REMOVAL)\s+(?:\((pos|neg)edge\s+(\S+)\)|([^\s()]+))\s+"
    rf"\((pos|neg)edge\s+(\S+)\)\s+{_VALUE}\s*\)"
)
_WIDTH = re.compile(rf"\(WIDTH\s+\((pos|neg)edge\s+(\S+)\)\s+{_VALUE}\s*\)")
_TIMED = re.compile(r"\((\w+)\s")
_UNITS = {"1ns": 1.0, "1ps": 1e-3, "10ps": 1e-2, "100ps": 0.1}
# What a file may hold beside values; any other keyword is refused, lest a delay go unread.
_KNOWN = frozenset(
    "CELL CELLTYPE INSTANCE DELAY ABSOLUTE TIMINGCHECK IOPATH INTERCONNECT "  # noqa: SIM905
    "SETUP HOLD RECOVERY REMOVAL WIDTH posedge negedge".split()
)


@dataclass
class Delay:
    """Shortest and longest delay to a rising and to a falling end, ns; None where there is no such edge."""

    rise: tuple[float, float] | None = None
    fall: tuple[float, float] | None = None

    def widen(self, rise: tuple[float, float] | None, fall: tuple[float, float] | None) -> None:
        """Take in another delay between the same pins: a path for which the file gives no condition."""
        self.rise, self.fall = _hull(self.rise, rise), _hull(self.fall, fall)


@dataclass(frozen=True)
class Check:
    """A timing check.

    Attributes:
        kind: SETUP, HOLD, RECOVERY, REMOVAL, or WIDTH (which has no clock).
        pin, rising: The pin and its edge; of WIDTH, the edge that begins the pulse.
        clock, clock_rising: The clock's.
        limit: ns, the largest in the file.
    """

    kind: str
    pin: str
    rising: bool
    clock: str
    clock_rising: bool
    limit: float


@dataclass
class Timing:
    """An instance: its cell, delays by (input, output), and checks."""

    cell: str
    paths: dict[tuple[str, str], Delay] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


@dataclass
class Sdf:
    """A design.

    Attributes:
        design: Its name.
        cells: By instance.
        wires: By the pin at which they end: (instance, pin), with an empty instance for a port.
        merged: Between how many pins more than one delay was given.
    """

    design: str
    cells: dict[str, Timing]
    wires: dict[tuple[str, str], Delay]
    merged: int


def read_sdf(path: Path) -> Sdf:
    """Read a file.

    Raises:
        FlowError: It is not SDF, is cut off, or holds something that would be lost.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise FlowError(f"the SDF cannot be read ({e})", where=str(path), hint=_AGAIN) from e
    cells = list(entries(text))
    design = re.search(r'\(DESIGN\s+"([^"]+)"\)', text[:2000])
    unit = re.search(r"\(TIMESCALE\s+([\w ]+)\)", text[:2000])
    if not cells or not design or not text.startswith("(DELAYFILE"):
        raise FlowError("not an SDF with a design and cells", where=str(path), hint=_AGAIN)
    if text.count("(") != text.count(")"):
        raise FlowError("the SDF is cut off: its brackets do not match", where=str(path), hint=_AGAIN)
    scale = _UNITS.get(unit[1].replace(" ", "")) if unit else None
    if scale is None:
        raise FlowError(f"time scale is {unit and unit[1]!r}", where=str(path), hint=_AGAIN)
    sdf = Sdf(design[1], {}, {}, 0)
    for head, end in cells:
        _read_cell(sdf, head, text[head.start() : end], scale, str(path))
    return sdf


def entries(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """The entry of each cell: its head, a match of cell and instance, and where the entry ends."""
    heads = list(_CELL.finditer(text))
    ends = [h.start() for h in heads[1:]] + [max(text.rfind(")"), 0)]  # the last one closes the file
    return zip(heads, ends, strict=False)


def _read_cell(sdf: Sdf, head: re.Match[str], body: str, scale: float, where: str) -> None:
    cell, instance = head[1], plain_name(head[2])
    if strange := set(_TIMED.findall(body)) - _KNOWN:
        raise FlowError(f"{instance or cell}: {', '.join(sorted(strange))} is not understood", where=where)
    timing = Timing(cell)
    found = 0
    for path in _PATH.finditer(body):
        edge, plain, to, first, second = path.groups()
        rise = _triple(first, scale)
        fall = _triple(second, scale) if second is not None else rise  # one triple is of both edges
        source, to = plain_name(edge or plain), plain_name(to)
        found += 1
        if not instance:
            place, _, pin = to.rpartition("/")
            sdf.wires.setdefault((place, pin), Delay()).widen(rise, fall)
            continue
        known = timing.paths.get((source, to))
        sdf.merged += known is not None
        timing.paths.setdefault((source, to), Delay()).widen(rise, fall)
    for kind, edge, pin, both, clock_edge, clock, value in _CHECK.findall(body):
        limit = _triple(value, scale)
        found += 1
        if limit:
            ends = plain_name(clock), clock_edge == "pos", limit[1]
            for rising in (True, False) if both else (edge == "pos",):
                timing.checks.append(Check(kind, plain_name(pin or both), rising, *ends))
    for edge, pin, value in _WIDTH.findall(body):
        limit = _triple(value, scale)
        found += 1
        if limit:
            timing.checks.append(Check("WIDTH", plain_name(pin), edge == "pos", "", True, limit[1]))
    count = sum(body.count(f"({k} ") for k in ("IOPATH", "INTERCONNECT", *_CHECKS))
    if found != count:
        raise FlowError(
            f"{instance or cell}: {count - found} entries are not understood", where=where, hint=_AGAIN
        )
    if instance:
        if instance in sdf.cells:
            raise FlowError(f"instance {instance} appears twice", where=where, hint=_AGAIN)
        sdf.cells[instance] = timing


_CHECKS = ("SETUP", "HOLD", "RECOVERY", "REMOVAL", "WIDTH")
_AGAIN = "Restore the hardened artifact (git checkout), or harden the tile anew."


def _triple(text: str, scale: float) -> tuple[float, float] | None:
    values = [float(x) * scale for x in text.split(":") if x]
    return (min(values), max(values)) if values else None


def _hull(a: tuple[float, float] | None, b: tuple[float, float] | None) -> tuple[float, float] | None:
    if a is None or b is None:
        return a or b
    return min(a[0], b[0]), max(a[1], b[1])


def plain_name(name: str) -> str:
    """A name without backslashes."""
    return name.replace("\\", "")
