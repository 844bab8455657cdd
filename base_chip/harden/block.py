"""What place and route is told of a block."""

__all__ = ["SIGNS", "Block", "Macro", "Orientation", "Pin", "Place"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import klayout.db as kdb

Orientation = Literal["R0", "R180", "MX", "MY"]  # MX is flipped upside down, MY from left to right
# -1 where a cell that lies so is mirrored in x, in y
SIGNS: Mapping[Orientation, tuple[int, int]] = {"R0": (1, 1), "MX": (1, -1), "MY": (-1, 1), "R180": (-1, -1)}


@dataclass(frozen=True)
class Macro:
    """A memory as the tools of place and route see it.

    Attributes:
        name: Of its cell.
        size: Width and height, dbu.
        ports: Verilog that declares its ports.
        lef: LEF text.
        liberty: Liberty text by corner of the liberty, such as tt_025C_1v80.
    """

    name: str
    size: tuple[int, int]
    ports: str
    lef: str
    liberty: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Lower left corner of a macro as it lies there, um from that of the die, and its orientation."""

    x: float
    y: float
    orient: Orientation = "R0"


@dataclass(frozen=True)
class Pin:
    """A pin with a fixed place: a rectangle at an edge of the die, um; an input unless it is an `output`."""

    layer: str
    left: float
    bottom: float
    right: float
    top: float
    output: bool


@dataclass(frozen=True)
class Block:
    """A block to be placed and routed. Lengths are um from the lower left corner of its die.

    Attributes:
        kind, name: What messages call it, such as tile rom.
        top: Its module.
        pdk: Name of the process.
        source: The file that describes it, below base_chip.
        digest: SHA-256 of what that file says.
        die: Width and height.
        core: Lower left and upper right corner of the rows.
        density: Target of global placement, 0 to 1.
        layer_adjustment: Part of the tracks of a layer that global route leaves to the detailed router.
        macros: The memory that each instance is; `places` says where it lies.
        halo: Kept free of rows around each macro, in x and in y.
        least_row: Rows that are narrower are left out, um.
        apart: The least from macro to macro, in x and in y.
        pins: Pins with fixed places, by port.
        straps: Arguments of add_pdn_stripe for the straps on met4 and met5.
        sdc: Constraints.
        diamond: Whether cells are put into rows by OpenROAD's older search: its newer one finds no place for
            any cell when there is no row at some height.
        resimplify: As of `map_to_cells`.
        split_gates: Whether clock gates that drive many flip-flops become several (clock_gates.tcl).
        dont_use: Cells that place and route must not use, beside those of the process.
        clock_layer: Lowest layer of the trunks of the clock tree; that of all wires if None. On met1 they
            close the way to pins of cells that they pass.
        homes: Where the cells of a module lie: the beginning of their names, and left, bottom, right and top.
            They have no need of a placement that sees timing or wires over macros.
        closed: Areas that global route keeps off, such as those where wires cannot go on: layer, and left,
            bottom, right and top.
    """

    kind: str
    name: str
    top: str
    pdk: str
    source: str
    digest: str
    die: tuple[float, float]
    core: tuple[tuple[float, float], tuple[float, float]]
    density: float
    layer_adjustment: Mapping[str, float]
    macros: Mapping[str, Macro]
    places: Mapping[str, Place]
    halo: tuple[float, float]
    apart: tuple[float, float]
    sdc: str
    pins: Mapping[str, Pin]
    straps: str = ""
    diamond: bool = False
    resimplify: bool = False
    split_gates: bool = False
    least_row: float = 0.0
    dont_use: tuple[str, ...] = ()
    clock_layer: str | None = None
    homes: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)
    closed: tuple[tuple[str, float, float, float, float], ...] = ()

    @functools.cached_property
    def memories(self) -> tuple[Macro, ...]:
        """Each kind of macro once, by name."""
        return tuple(dict(sorted((m.name, m) for m in self.macros.values())).values())

    def core_box(self) -> kdb.Box:
        """The core, dbu."""
        (x0, y0), (x1, y1) = self.core
        return kdb.Box(*(round(v * 1000) for v in (x0, y0, x1, y1)))

    def macro_boxes(self) -> dict[str, kdb.Box]:
        """What each macro covers, dbu, by instance."""
        return {
            name: kdb.Box(0, 0, *self.macros[name].size).moved(round(p.x * 1000), round(p.y * 1000))
            for name, p in self.places.items()
        }

    def origins(self) -> dict[str, tuple[float, float]]:
        """Where the origin of each macro's cell comes to lie, by instance: a corner of what it covers."""
        found = {}
        for name, p in self.places.items():
            width, height = (v / 1000 for v in self.macros[name].size)
            found[name] = (
                p.x + width * (p.orient in ("MY", "R180")),
                p.y + height * (p.orient in ("MX", "R180")),
            )
        return found
