"""What the analysis of power and IR drop knows of a PDK."""

__all__ = ["PowerFacts", "load_power"]

from collections.abc import Mapping
from importlib import resources

import msgspec

from base_chip.pdk import Pdk


class PowerFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of a PDK.

    Attributes:
        limit_percent: Largest drop of a cell, both supplies together, of the supply's voltage.
        ohms: Ohm a square of a wire, ohm a cut of a via, by corner of the wires and layer.
        bit_line: fF of a bank's bit line a row, with a via (`set`) and without (`empty`).
    """

    limit_percent: float
    ohms: Mapping[str, Mapping[str, float]]
    bit_line: Mapping[str, float]


def load_power(pdk: Pdk) -> PowerFacts:
    """The facts of a PDK."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, "power.yaml")
    return msgspec.yaml.decode(path.read_bytes(), type=PowerFacts)
