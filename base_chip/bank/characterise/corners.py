"""What a bank is simulated with: corners, and the wires' resistance and capacitance."""

__all__ = ["Corner", "Mismatch", "Parasitics", "Wires", "corners", "mismatch"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Literal

from base_chip.schema import note, parse


@dataclass(frozen=True)
class Wires:
    """Parasitics of the bank's wires.

    Args:
        ohms: Sheet resistances (ohm a square) and contacts (ohm each), by layer.
        farads: fF of each kind of wire: `end` once, and what each row or column adds.
    """

    ohms: Mapping[str, float]
    farads: Mapping[str, Mapping[str, float]]

    def line(self, wire: str, each: str, count: int) -> float:
        """Capacitance in fF of a wire along `count` rows or columns."""
        return self.farads[wire]["end"] + self.farads[wire][each] * count


@dataclass(frozen=True)
class Corner:
    """One corner of a liberty library.

    Args:
        name: As the standard cells' liberty names it, such as "ss_n40C_1v40".
        process: Transistor models, such as "ss".
        volts: Supply.
        celsius: Temperature.
        late: Whether the corner's tables hold the largest delays, not the smallest.
        wires: Parasitics.
    """

    name: str
    process: str
    volts: float
    celsius: float
    late: bool
    wires: Wires


@dataclass(frozen=True)
class Mismatch:
    """Local variation of a transistor's threshold."""

    volt_um: Annotated[float, note("sigma times the root of the gate area", "V um", gt=0)]
    sigmas: Annotated[float, note("how many sigma the weakest cell is away", gt=0)]


@dataclass(frozen=True)
class CornerFacts:
    """A corner, as `parasitics.yaml` has it."""

    process: Annotated[str, note("corner of the transistor models, such as ss")]
    volts: Annotated[float, note("supply", "V", gt=0)]
    celsius: Annotated[float, note("temperature", "degC")]
    bound: Annotated[
        Literal["late", "early"], note("whether its tables hold the largest or the smallest delays")
    ]
    ohms: Annotated[str, note("which of the tables of resistance")]
    farads: Annotated[str, note("which of the tables of capacitance")]


@dataclass(frozen=True)
class Parasitics:
    """What wires add to the transistors of a bank, and the corners of its simulation."""

    corners: Annotated[Mapping[str, CornerFacts], note("by name, slowest first")]
    ohms: Annotated[
        Mapping[str, Mapping[str, float]],
        note("resistance by table and layer", "ohm per square; ohm per contact"),
    ]
    farads: Annotated[
        Mapping[str, Mapping[str, Mapping[str, float]]],
        note("capacitance by table and wire: `end` once, and what each row or column adds", "fF"),
    ]
    mismatch: Annotated[Mismatch, note("local variation of the cell that is read")]


@functools.cache
def _table(pdk: str) -> Parasitics:
    text = resources.files("base_chip.pdk").joinpath(pdk, "parasitics.yaml").read_text("utf-8")
    return parse(text, Parasitics, f"base_chip/pdk/{pdk}/parasitics.yaml")


def corners(pdk: str) -> dict[str, Corner]:
    """The corners of a PDK by name, slowest first."""
    table = _table(pdk)
    return {
        name: Corner(
            name, c.process, c.volts, c.celsius, c.bound == "late",
            Wires(table.ohms[c.ohms], table.farads[c.farads]),
        )
        for name, c in table.corners.items()
    }  # fmt: skip


def mismatch(pdk: str) -> Mismatch:
    """Local variation in a PDK."""
    return _table(pdk).mismatch
