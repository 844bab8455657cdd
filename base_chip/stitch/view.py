"""A tile as its neighbours see it: size, pins, and straps of the power grid."""

__all__ = ["Strap", "TilePin", "TileView", "drawn_view", "read_view"]

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from base_chip.harden.block import Block
from rtl_gen.errors import FlowError

_PIN = re.compile(
    r"- (\S+) \+ NET \S+ \+ DIRECTION (INPUT|OUTPUT) \+ USE \w+\s+\+ PORT\s+\+ LAYER (\w+)"
    r" \( (-?\d+) (-?\d+) \) \( (-?\d+) (-?\d+) \)\s+\+ (?:FIXED|PLACED) \( (-?\d+) (-?\d+) \) N"
)
_STRAP = re.compile(
    r"(?:ROUTED|FIXED|NEW) (\w+) (\d+) \+ SHAPE STRIPE \( (-?\d+) (-?\d+) \) \( (-?\d+|\*) (-?\d+|\*) \)"
)


@dataclass(frozen=True)
class TilePin:
    """A signal pin: "INPUT" or "OUTPUT", and its shape."""

    direction: str
    layer: str
    box: kdb.Box


@dataclass(frozen=True)
class Strap:
    """A strap of the power grid."""

    net: str
    layer: str
    box: kdb.Box


@dataclass(frozen=True)
class TileView:
    """A tile. Lengths are nm from its lower left corner.

    Attributes:
        kind: rom, ram or vec.
        cell: Its cell in layouts and its module in netlists.
        size: Width and height.
        pins: Signal pins by name, such as south_payload[3].
        straps: Those of the two uppermost layers.
        source: Where this was read: the routed design, or the floorplan of a tile that is not hardened.
    """

    kind: str
    cell: str
    size: tuple[int, int]
    pins: Mapping[str, TilePin]
    straps: tuple[Strap, ...]
    source: str

    @functools.cached_property
    def ports(self) -> dict[str, int | None]:
        """Width of each port, None for one that is no bus; sorted by name."""
        ports: dict[str, int | None] = {}
        for pin in self.pins:
            name, _, bit = pin.partition("[")
            ports[name] = max(ports.get(name) or 0, int(bit[:-1]) + 1) if bit else None
        return dict(sorted(ports.items()))

    def direction(self, port: str) -> str:
        """INPUT or OUTPUT."""
        return next(pin.direction for name, pin in self.pins.items() if name.partition("[")[0] == port)


def read_view(kind: str, layout_def: str) -> TileView:
    """The view of a hardened tile, from its routed DEF.

    Raises:
        FlowError: It is not what the router writes, or a pin or a strap is not there.
    """
    design = re.search(r"^\s*DESIGN (\S+) ;", layout_def, re.M)
    area = re.search(r"^\s*DIEAREA \( 0 0 \) \( (\d+) (\d+) \) ;", layout_def, re.M)
    pins = {}
    for name, direction, layer, *numbers in _PIN.findall(_section(layout_def, "PINS")):
        x0, y0, x1, y1, x, y = map(int, numbers)
        pins[name.replace("\\", "")] = TilePin(direction, layer, kdb.Box(x0, y0, x1, y1).moved(x, y))
    straps = tuple(_straps(_section(layout_def, "SPECIALNETS")))
    if design is None or area is None or not pins or not straps:
        raise FlowError(
            "no design, die area, pins or straps in the routed DEF",
            where=f"tile {kind}",
            hint="Restore the hardened artifact, or harden the tile again.",
        )
    width, height = map(int, area.groups())
    return TileView(kind, design[1], (width, height), pins, straps, "hardened")


def drawn_view(kind: str, block: Block) -> TileView:
    """The view of a tile that is not hardened, from what place and route is told of it: it has no straps."""
    width, height = (round(v * 1000) for v in block.die)
    pins = {
        name: TilePin(
            "OUTPUT" if pin.output else "INPUT",
            pin.layer,
            kdb.Box(*(round(v * 1000) for v in (pin.left, pin.bottom, pin.right, pin.top))),
        )
        for name, pin in block.pins.items()
    }
    return TileView(kind, block.top, (width, height), pins, (), "floorplan")


def _section(text: str, name: str) -> str:
    found = re.search(rf"^[ \t]*{name}\s+\d+\s*;(.*?)^[ \t]*END {name}\b", text, re.S | re.M)
    return found[1] if found else ""


def _straps(text: str) -> Iterable[Strap]:
    """Wires of the supplies on the two uppermost layers that they use."""
    found = []
    for net, body in re.findall(r"^[ \t]*- (\S+) (.*?) ;\s*$", text, re.S | re.M):
        for layer, width, *ends in _STRAP.findall(body):
            x0, y0, x1, y1 = ends
            a = int(x0), int(y0)
            b = int(x0 if x1 == "*" else x1), int(y0 if y1 == "*" else y1)
            half = int(width) // 2
            box = kdb.Box(kdb.Point(*a), kdb.Point(*b))
            found.append((net, layer, box.enlarged(0, half) if a[1] == b[1] else box.enlarged(half, 0)))
    layers = sorted({layer for _, layer, _ in found})[-2:]
    return (Strap(net, layer, box) for net, layer, box in found if layer in layers)
