"""One number of a plan."""

__all__ = ["CLOCK", "CLOCK_TYPICAL", "Line"]

from dataclasses import dataclass

# Where a plan has its clocks from
CLOCK = "for which the tiles are placed and routed"
CLOCK_TYPICAL = "at which they are checked in the typical corner"


@dataclass(frozen=True)
class Line:
    """One number: `formula` in words and numbers, `uses` the constants whose sources it rests on."""

    group: str
    name: str
    value: float
    unit: str
    formula: str
    uses: tuple[str, ...] = ()
