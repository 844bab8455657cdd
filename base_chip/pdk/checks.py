"""What checks of a chip's wiring know of a PDK, beside its layers."""

__all__ = ["AntennaRule", "Checks", "ContactMask", "DieLayers", "Narrow", "load_checks"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.pdk import Dbu, Layer, Pdk
from base_chip.schema import note, parse


@dataclass(frozen=True)
class AntennaRule:
    """How much of a layer may hang on a gate while the layer is etched."""

    limit: Annotated[
        tuple[tuple[float, float], ...],
        note("um2 of diffusion and largest side area (cuts: area) per gate area; linear between"),
    ]
    thickness: Annotated[float, note("of a wire, whose sides collect charge; 0 for cuts", "um", ge=0)] = 0


@dataclass(frozen=True)
class DieLayers:
    """Layers that a die may have, by what has them."""

    cells: Annotated[frozenset[Layer], note("cells of the kit, and memories")]
    vias: Annotated[frozenset[Layer], note("vias of the wires")]
    tiles: Annotated[frozenset[Layer], note("tiles themselves")]
    margin: Annotated[frozenset[Layer], note("the margin of a die")]
    opening: Annotated[Layer, note("openings of the passivation, which a block does not have")]


@dataclass(frozen=True)
class ContactMask:
    """The layer that encloses every contact on poly."""

    name: Annotated[str, note("layer")]
    enclosure: Annotated[Dbu, note("of the contact")]


@dataclass(frozen=True)
class Narrow:
    """Transistors that the kit's netlists call by another model than extraction does."""

    width: Annotated[float, note("those below this width", "um", gt=0)]
    models: Annotated[Mapping[str, str], note("model in the kit's netlists by extracted model")]


@dataclass(frozen=True)
class Checks:
    """Facts for checks of the wiring."""

    contact: Annotated[str, note("layer that joins transistors to the first wire")]
    joins: Annotated[
        tuple[tuple[str, str, str], ...], note("lower conductor, contact, upper conductor; lowest first")
    ]
    poly_resistor: Annotated[Layer, note("marks poly that is a resistor, not a wire")]
    antenna: Annotated[Mapping[str, AntennaRule], note("antenna rule by layer")]
    narrow: Annotated[Narrow, note("narrow transistors")]
    die_layers: Annotated[DieLayers, note("what may be on a die")]
    contact_mask: Annotated[ContactMask, note("what encloses contacts on poly")]


def load_checks(pdk: Pdk) -> Checks:
    """The facts of a PDK."""
    path = resources.files("base_chip.pdk").joinpath(pdk.name, "checks.yaml")
    return parse(path.read_text("utf-8"), Checks, f"base_chip/pdk/{pdk.name}/checks.yaml")
