"""What the analysis of power and IR drop knows of a PDK."""

__all__ = ["PowerFacts", "load_power"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.pdk import Pdk
from base_chip.schema import note, parse

Ohm = Annotated[float, note(unit="ohm", gt=0)]


@dataclass(frozen=True)
class PowerFacts:
    """Facts for power and IR drop."""

    limit_percent: Annotated[
        float, note("largest IR drop of a cell, all supplies together", "% of the supply", gt=0)
    ]
    ohms: Annotated[
        Mapping[str, Mapping[str, Ohm]],
        note("of a square of a wire and of a cut, by layer, by corner of the wires"),
    ]
    assumed_activity: Annotated[
        float, note("rises a cycle of a net of a die of tiles, whose clocks rise in each", gt=0, le=1)
    ]


def load_power(pdk: Pdk) -> PowerFacts:
    """The facts of a PDK."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, "power.yaml")
    return parse(path.read_text("utf-8"), PowerFacts, f"base_chip/pdk/{pdk.name}/power.yaml")
