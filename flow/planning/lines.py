"""One number of a plan."""

__all__ = ["Line"]

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One number: `formula` in words and numbers, `uses` the constants whose sources it rests on."""

    group: str
    name: str
    value: float
    unit: str
    formula: str
    uses: tuple[str, ...] = ()
