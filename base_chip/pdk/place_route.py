"""What place and route knows of a PDK's standard cells, beside their LEF and liberty."""

__all__ = ["Corner", "PlaceRoute", "load_place_route"]

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from base_chip.pdk import Pdk


@dataclass(frozen=True)
class Corner:
    """A corner of the chip.

    Attributes:
        liberty: Corner of the cells' liberty, such as tt_025C_1v80.
        parasitics: Corner of the extraction rules: minimum, typical or maximum.
        voltage: Supply in volts.
        checks: What the corner is for, in SiliconCompiler's words: setup, hold, power.
    """

    liberty: str
    parasitics: str
    voltage: float
    checks: tuple[str, ...]


@dataclass(frozen=True)
class PlaceRoute:
    """Facts for place and route.

    Attributes:
        library: Prefix of the cells' names.
        cells: Cell names by use, in SiliconCompiler's words: antenna, clkbuf, hold, filler, tap, tie,
            dontuse (patterns).
        pin_pitch: Distance in um of the tracks that pins lie on, by direction; vertical ones meet the upper
            and lower edge of the die.
        supplies: Names of the supply pins and nets.
        tie_low, tie_high: Cell and output pin.
        corners: By name; slow, typical and fast.
        resistance: Ohm a um by routing layer; `capacitance`: pF a um; `via_resistance`: ohm.
        scripts: Folder of the Tcl that inserts taps, connects supplies and draws the power grid.
    """

    library: str
    site: str
    bank_halo: tuple[float, float]
    routing: Mapping[str, str]
    pins: Mapping[str, str]
    pin_pitch: Mapping[str, float]
    wire_rc: Mapping[str, str]
    layer_adjustment: Mapping[str, float]
    cells: Mapping[str, tuple[str, ...]]
    supplies: tuple[str, ...]
    tie_low: tuple[str, str]
    tie_high: tuple[str, str]
    corners: Mapping[str, Corner]
    resistance: Mapping[str, float]
    capacitance: Mapping[str, float]
    via_resistance: Mapping[str, float]
    scripts: Path


def load_place_route(pdk: Pdk) -> PlaceRoute:
    """The facts of a PDK."""
    folder = Path(str(resources.files("base_chip.pdk").joinpath(pdk.name, "place_route")))
    facts: dict[str, Any] = yaml.safe_load((folder / "facts.yaml").read_text("utf-8"))
    library = Path(pdk.kit.files["cells"]).parent.name
    facts["cells"] = {use: tuple(f"{library}__{c}" for c in cells) for use, cells in facts["cells"].items()}
    facts["corners"] = {n: Corner(**{**c, "checks": tuple(c["checks"])}) for n, c in facts["corners"].items()}
    facts["supplies"] = tuple(facts["supplies"])
    for key in ("tie_low", "tie_high"):
        facts[key] = (f"{library}__{facts[key][0]}", facts[key][1])
    return PlaceRoute(library=library, scripts=folder, **facts)
