"""What checks of a chip's wiring know of a PDK, beside its layers."""

__all__ = ["AntennaRule", "Checks", "ContactMask", "DieLayers", "load_checks"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import yaml

from base_chip.pdk import Layer, Pdk


@dataclass(frozen=True)
class AntennaRule:
    """How much of a layer may hang on a gate while it is etched.

    Attributes:
        thickness: Of a wire, um, as its side collects; 0 for cuts, whose top does.
        limit: Largest area (of sides or cuts) over gate area, by area (um2) of diffusion: points of a
            line.
    """

    thickness: float
    limit: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class DieLayers:
    """Layers that a die may have, by what has them.

    Attributes:
        cells: Cells of the kit, and banks.
        vias: Vias of the wires.
        base: The base itself.
        opening: Openings of the passivation: none of these may have it.
    """

    cells: frozenset[Layer]
    vias: frozenset[Layer]
    base: frozenset[Layer]
    opening: Layer


@dataclass(frozen=True)
class ContactMask:
    """The layer (by name) that encloses every contact on poly, by `enclosure` dbu."""

    name: str
    enclosure: int


@dataclass(frozen=True)
class Checks:
    """Facts for checks of the wiring.

    Attributes:
        contact: Layer that joins transistors to the first wire.
        joins: Lower conductor, contact, upper conductor, from the first wire up.
        poly_resistor: Marks poly that is no wire.
        antenna: Rule by layer.
        narrow: Transistors below this width (um) have other models in the kit's netlists ...
        narrow_models: ... namely these, by model.
        die_layers: What may be on a die.
        contact_mask: What encloses contacts on poly.
    """

    contact: str
    joins: tuple[tuple[str, str, str], ...]
    poly_resistor: Layer
    antenna: Mapping[str, AntennaRule]
    narrow: float
    narrow_models: Mapping[str, str]
    die_layers: DieLayers
    contact_mask: ContactMask


def load_checks(pdk: Pdk) -> Checks:
    """The facts of a PDK."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, "checks.yaml")
    facts = yaml.safe_load(path.read_text("utf-8"))
    rules = {}
    for layer, rule in facts["antenna"].items():
        points = tuple((float(x), float(y)) for x, y in rule["cut" if "cut" in rule else "side"])
        rules[layer] = AntennaRule(float(rule.get("thickness", 0)), points)
    number, datatype = facts["poly_resistor"]
    die = {what: frozenset((a, b) for a, b in layers) for what, layers in facts["die_layers"].items()}
    opening, purpose = facts["passivation_opening"]
    joins = tuple((str(a), str(b), str(c)) for a, b, c in facts["joins"])
    return Checks(
        facts["contact"],
        joins,
        (number, datatype),
        MappingProxyType(rules),
        float(facts["narrow"]["width"]),
        MappingProxyType(dict(facts["narrow"]["models"])),
        DieLayers(**die, opening=(opening, purpose)),
        ContactMask(**facts["contact_mask"]),
    )
