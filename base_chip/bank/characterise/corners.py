"""What a bank is simulated with: corners, and the wires' resistance and capacitance."""

__all__ = ["Corner", "Mismatch", "Wires", "corners", "mismatch"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml


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
    """Local variation of a transistor's threshold: sigma of 1 um2 in V um, and how many sigma."""

    volt_um: float
    sigmas: float


@functools.cache
def _table(pdk: str) -> Mapping[str, Any]:
    text = resources.files("base_chip.pdk").joinpath(pdk, "parasitics.yaml").read_text("utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


def corners(pdk: str) -> dict[str, Corner]:
    """The corners of a PDK by name, slowest first."""
    table = _table(pdk)
    return {
        name: Corner(
            name,
            c["process"],
            float(c["volts"]),
            float(c["celsius"]),
            c["bound"] == "late",
            Wires(table["ohms"][c["ohms"]], table["farads"][c["farads"]]),
        )
        for name, c in table["corners"].items()
    }


def mismatch(pdk: str) -> Mismatch:
    """Local variation in a PDK."""
    return Mismatch(**_table(pdk)["mismatch"])
