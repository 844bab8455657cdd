"""What place and route knows of a PDK's standard cells, beside their LEF and liberty."""

__all__ = ["Corner", "PlaceRoute", "PlaceRouteFile", "load_place_route"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from base_chip.pdk import Pdk
from base_chip.schema import field_types, note, parse

Um = Annotated[float, note(unit="um", ge=0)]


@dataclass(frozen=True)
class Corner:
    """A corner of the chip."""

    liberty: Annotated[str, note("corner of the cells' liberty, such as tt_025C_1v80")]
    parasitics: Annotated[
        Literal["minimum", "typical", "maximum"], note("corner of the extraction rules of routed wires")
    ]
    voltage: Annotated[float, note("supply", "V", gt=0)]
    checks: Annotated[
        tuple[Literal["setup", "hold", "power"], ...],
        note("purpose of the corner"),
    ]


@dataclass(frozen=True)
class PlaceRouteFile:
    """Facts for place and route, as in `place_route/facts.yaml`; names of cells without their library."""

    site: Annotated[str, note("site of the cell rows")]
    bank_halo: Annotated[tuple[Um, Um], note("between a bank and the cell rows, in x and y")]
    routing: Annotated[Mapping[str, str], note("lowest and highest routing layer: bottom, top")]
    pins: Annotated[Mapping[str, str], note("layer of the block's pins by direction")]
    pin_pitch: Annotated[
        Mapping[str, Um],
        note("pitch of the tracks of the pins by direction; vertical ones meet the upper and lower edge"),
    ]
    strap_pitch: Annotated[
        Mapping[str, Um], note("from a strap of the power grid to the next of its net, by direction")
    ]
    wire_rc: Annotated[Mapping[str, str], note("layer that estimates before routing assume: signal, clock")]
    layer_adjustment: Annotated[
        Mapping[str, float], note("share of a layer's tracks that global routing leaves free")
    ]
    cells: Annotated[
        Mapping[str, tuple[str, ...]],
        note("cells by use: antenna, clkbuf, hold, filler, tap, tie, dontuse (patterns)"),
    ]
    supplies: Annotated[tuple[str, ...], note("names of the supply pins and nets")]
    tie_low: Annotated[tuple[str, str], note("cell and output pin that drive a constant 0")]
    tie_high: Annotated[tuple[str, str], note("cell and output pin that drive a constant 1")]
    corners: Annotated[Mapping[str, Corner], note("by name: slow, typical, fast")]
    resistance: Annotated[Mapping[str, float], note("of a wire by routing layer", "ohm per um")]
    capacitance: Annotated[Mapping[str, float], note("of a wire by routing layer", "pF per um")]
    via_resistance: Annotated[Mapping[str, float], note("by via layer", "ohm")]


@dataclass(frozen=True)
class PlaceRoute(PlaceRouteFile):
    """The same with whole names of cells.

    Attributes:
        library: Prefix of the cells' names.
        scripts: Folder of the Tcl that inserts taps, connects supplies and draws the power grid.
    """

    library: str
    scripts: Path


def load_place_route(pdk: Pdk) -> PlaceRoute:
    """The facts of a PDK."""
    folder = Path(str(resources.files("base_chip.pdk").joinpath(pdk.name, "place_route")))
    where = f"base_chip/pdk/{pdk.name}/place_route/facts.yaml"
    read = parse((folder / "facts.yaml").read_text("utf-8"), PlaceRouteFile, where)
    library = Path(pdk.kit.files["cells"]).parent.name
    facts = {name: getattr(read, name) for name in field_types(PlaceRouteFile)}
    facts["cells"] = {use: tuple(f"{library}__{c}" for c in cells) for use, cells in read.cells.items()}
    facts["tie_low"], facts["tie_high"] = (
        (f"{library}__{cell}", pin) for cell, pin in (read.tie_low, read.tie_high)
    )
    return PlaceRoute(library=library, scripts=folder, **facts)
