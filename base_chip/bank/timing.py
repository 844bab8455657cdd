"""Timing of a bank, as simulated: the table that its liberty is made from."""

__all__ = ["BankTiming", "CornerTiming", "Edge", "Grid", "load_timing", "timing_file"]

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from base_chip.bank.spec import BankSpec
from rtl_gen.errors import FlowError

_FORMAT = "scf-bank-timing-1"
Grid = tuple[tuple[float, ...], ...]  # ns, [slews][loads]


@dataclass(frozen=True)
class Edge:
    """Crossings of a bit line, ns after its cause crossed half the supply, [slews][loads].

    Args:
        at: Grid by the level in percent of the supply.
    """

    at: Mapping[int, Grid]


@dataclass(frozen=True)
class CornerTiming:
    """What was measured in one corner.

    Args:
        volts: Supply.
        celsius: Temperature.
        late: Whether the edges are the latest of any cell and contents, or the earliest.
        word_line_ff: Input capacitance of one WL, from the charge it takes.
        precharge_ff: Input capacitance of PRE_N, likewise.
        precharge_ns: Shortest low pulse of PRE_N that brings the slowest bit line from ground to 95 %.
        kept_full, kept_empty: What is left of the level of a bit line that has to stay high, as a part of
            the supply, when both beside it fall; with a via at every other row, and with none.
        hold_ns: Time after which leakage has brought the full one below half the supply, or the end of the
            simulation if it never did.
        fall: WL rises, BL falls.
        rise: PRE_N falls, BL rises.
    """

    volts: float
    celsius: float
    late: bool
    word_line_ff: float
    precharge_ff: float
    precharge_ns: float
    kept_full: float
    kept_empty: float
    hold_ns: float
    fall: Edge
    rise: Edge


@dataclass(frozen=True)
class BankTiming:
    """Timing of one bank.

    Args:
        spec: The bank.
        slews_ns: Transitions of the input, 20 to 80 %, ascending.
        loads_ff: Capacitances at BL, ascending.
        corners: By name, slowest first.
    """

    spec: BankSpec
    slews_ns: tuple[float, ...]
    loads_ff: tuple[float, ...]
    corners: Mapping[str, CornerTiming]

    def to_json(self) -> str:
        """Text from which `from_json` makes an equal table."""
        data = {"format": _FORMAT} | asdict(self)
        text = json.dumps(data, indent=1)
        # a row of numbers a line
        return (
            re.sub(r"\[[^][]*\]", lambda row: " ".join(row.group().split()).replace("[ ", "["), text) + "\n"
        )

    @classmethod
    def from_json(cls, text: str) -> "BankTiming":
        """Read what `to_json` wrote.

        Raises:
            FlowError: If the text is something else.
        """
        try:
            data = json.loads(text)
            if data["format"] != _FORMAT:
                raise ValueError(f"format is {data['format']!r}, expected {_FORMAT!r}")
            corners = {name: _corner(c) for name, c in data["corners"].items()}
            slews, loads = tuple(data["slews_ns"]), tuple(data["loads_ff"])
            _check_grids(corners, (len(slews), len(loads)))
            return cls(BankSpec(**data["spec"]), slews, loads, corners)
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise FlowError(f"not a bank's timing: {e}", hint=_AGAIN) from e


_AGAIN = "Make it again with: python -m base_chip.bank.characterise (see docs/memories.md)"


def timing_file(spec: BankSpec) -> str:
    """Name of a bank's table in its PDK's folder."""
    return f"timing_{spec.name}.json"


def load_timing(spec: BankSpec) -> BankTiming:
    """The table that ships for a bank.

    Raises:
        FlowError: If that bank was not simulated, or the table is damaged or that of another bank.
    """
    path = resources.files("base_chip.pdk").joinpath(spec.pdk, timing_file(spec))
    if not path.is_file():
        raise FlowError(f"no timing of {spec.name}", where=f"base_chip/pdk/{spec.pdk}", hint=_AGAIN)
    timing = BankTiming.from_json(path.read_text("utf-8"))
    if timing.spec != spec:
        raise FlowError(f"the timing is of {timing.spec}, not of {spec}", where=path.name, hint=_AGAIN)
    return timing


def _corner(data: Mapping[str, Any]) -> CornerTiming:
    edges = {name: _edge(data[name]) for name in ("fall", "rise")}
    return CornerTiming(**{**data, **edges})


def _edge(data: Mapping[str, Any]) -> Edge:
    return Edge({int(level): tuple(map(tuple, grid)) for level, grid in data["at"].items()})


def _check_grids(corners: Mapping[str, CornerTiming], shape: tuple[int, int]) -> None:
    for name, corner in corners.items():
        for edge in (corner.fall, corner.rise):
            for level, grid in edge.at.items():
                if (len(grid), *{len(row) for row in grid}) != shape:
                    raise ValueError(f"{name}, {level} %: the grid is not {shape[0]} x {shape[1]}")
