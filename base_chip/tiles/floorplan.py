"""Where the macros and the pins of a tile lie, all from its config and the size of its macro.

Macros stand in pairs, their addresses towards each other, and in two rows around each region of cells, their
outputs towards it:

    north edge                north pins in the channels
    +---------------------------+
    | MY | ch | R0 | MY | ch | R0 |   ch: channel of a pair, through which its addresses come
    |        region 1             |   cells
    | R180 |  | MX | R180 |  | MX |
    | MY | ch | R0 | MY | ch | R0 |
    |        region 0             |   west and east pins
    | R180 |  | MX | R180 |  | MX |
    +---------------------------+
    south edge                south pins, under the north ones
"""

__all__ = ["Floorplan", "plan_placed", "plan_tile", "seam_pins"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from base_chip.harden.block import Macro, Orientation, Pin, Place
from base_chip.pdk.place_route import PlaceRoute
from base_chip.schema import bad
from base_chip.tiles.config import PlacedTileConfig, RomTileConfig, VecTileConfig, size_of
from base_chip.tiles.parts import Port
from rtl_gen.errors import FlowError
from rtl_gen.golden.tile import TOGETHER
from rtl_gen.tiles.seams import CROSSINGS

GRID = 0.005  # um, of the process
# um, of a pin; its area is the least of its layer, and its width that of a wire.
PIN = {"met2": (0.14, 0.6), "met3": (0.3, 0.9)}
LEAST_CHANNEL = 16.0  # um: 32 address wires on met2 and met4, beside the straps
LEAST_REGION = 40.0
NEAR = 50.0  # um; a macro nearer to an edge than this is in the way of pins there
Spans = tuple[tuple[float, float], ...]
_SIDES: tuple[tuple[Orientation, Orientation], ...] = (("R180", "MX"), ("MY", "R0"))


@dataclass(frozen=True)
class Floorplan:
    """Lengths are um from the lower left corner of the tile.

    Attributes:
        die: Width and height.
        places: Of each macro, in the order of the banks.
        channels: Left and right end of each channel, from the left; of the rom tile's, where sums cross.
        regions: Lower and upper end of each region of cells, from the bottom.
    """

    die: tuple[float, float]
    places: tuple[Place, ...]
    channels: tuple[tuple[float, float], ...]
    regions: tuple[tuple[float, float], ...]


def plan_tile(tile: RomTileConfig, macro: tuple[int, int], facts: PlaceRoute) -> Floorplan:
    """The floorplan of a tile with macros of that width and height (dbu).

    Four with consecutive numbers, which serve the same columns, lie around a channel. Each half of the
    columns has a region, and channels of its activations lie side by side.

    Raises:
        FlowError: The macros leave no room.
    """
    width, height = (v / 1000 for v in macro)
    size, rules = tile.size, tile.macros
    die = (
        round(tile.pitches[0] * facts.strap_pitch["vertical"], 3),
        round(tile.pitches[1] * facts.strap_pitch["horizontal"], 3),
    )
    rom = size.rom()
    if rom.together < TOGETHER:
        raise _no_room(tile, f"{size.banks // size.rows} banks a row, they stand by fours, two above two")
    pairs = size.banks // TOGETHER // rom.halves
    edge = (max(rules.edge, tile.margin[0]), max(rules.edge, tile.margin[1]))
    channel = (die[0] - 2 * edge[0] - 2 * pairs * width - (pairs - 1) * rules.back[0]) / pairs
    region = (die[1] - 2 * edge[1] - 2 * rom.halves * height - (rom.halves - 1) * rules.back[1]) / rom.halves
    if channel < LEAST_CHANNEL:
        raise _no_room(tile, f"channels of {channel:.2f} um, at least {LEAST_CHANNEL:g} um are needed")
    if region < LEAST_REGION:
        raise _no_room(tile, f"regions of cells of {region:.2f} um, at least {LEAST_REGION:g} um are needed")
    lefts = [_on_grid(edge[0] + n * (2 * width + channel + rules.back[0])) for n in range(pairs)]
    lows = [_on_grid(edge[1] + n * (2 * height + region + rules.back[1])) for n in range(rom.halves)]
    beyond_x, beyond_y = _on_grid(width + channel), _on_grid(height + region)
    return Floorplan(
        die=die,
        places=tuple(
            Place(round(x + right * beyond_x, 3), round(y + up * beyond_y, 3), _SIDES[up][right])
            for k in range(size.rows)
            for y in lows
            for x in lefts[k :: size.rows]
            for up in range(2)
            for right in range(2)
        ),
        channels=tuple((round(x + width, 3), round(x + beyond_x, 3)) for x in lefts),
        regions=tuple((round(y + height, 3), round(y + beyond_y, 3)) for y in lows),
    )


def plan_placed(tile: PlacedTileConfig, macros: Mapping[str, Macro], columns: Spans) -> Floorplan:
    """The floorplan of a tile whose file says where each macro lies.

    Args:
        tile: Its config.
        macros: What each instance is.
        columns: Where sums enter and leave, as the rom tile has it.

    Raises:
        FlowError: The file does not name the tile's macros.
    """
    if set(tile.macros) != set(macros):
        raise bad(f"tiles/{tile.name}.yaml", "macros", sorted(tile.macros), f"a place for {sorted(macros)}")
    width, height = (v / 1000 for v in size_of(tile))
    places, taken = [], []
    for name, macro in macros.items():
        at, (w, h) = tile.macros[name], (v / 1000 for v in macro.size)
        (west, dx), (south, dy) = at.x, at.y
        x = dx if west == "west" else width - dx - w
        y = dy if south == "south" else height - dy - h
        places.append(Place(_on_grid(x), _on_grid(y), at.orient))
        # The vec tile has no pins at its east edge.
        if x < NEAR or (not isinstance(tile, VecTileConfig) and width - x - w < NEAR):
            taken.append((y, y + h))
    region = _widest(taken, tile.margin[1], height - tile.margin[1])
    return Floorplan((width, height), tuple(places), columns, (region,))


def _widest(taken: Sequence[tuple[float, float]], low: float, high: float) -> tuple[float, float]:
    """The widest part from low to high that none of the spans has."""
    free = []
    for a, b in sorted(taken):
        free.append((low, a))
        low = max(low, b)
    return max([*free, (low, high)], key=lambda span: span[1] - span[0])


def seam_pins(plan: Floorplan, ports: Mapping[str, Port], facts: PlaceRoute) -> dict[str, Pin]:
    """The pins of a tile by name, such as south_payload[3]; those that meet at a seam lie opposite.

    Steps enter and leave beside the lowest region, sums in the channels. Ports that meet no other tile are
    at the west edge, too.

    Args:
        plan: The floorplan.
        ports: All of them.
        facts: The process.

    Raises:
        FlowError: There is not enough room at an edge.
    """
    width, height = plan.die
    met = {name for pairs in CROSSINGS.values() for pair in pairs for name in pair}
    pins: dict[str, Pin] = {}
    layer, step = facts.pins["horizontal"], 2 * facts.pin_pitch["horizontal"]
    crossing = [
        *_bits("east", ports),
        *(("", bit) for name in ports if name not in met for bit in _bus(name, ports)),
    ]
    thick, long = PIN[layer]
    for (out, into), y in zip(crossing, _spread([plan.regions[0]], step, len(crossing)), strict=True):
        low, high = round(y - thick / 2, 3), round(y + thick / 2, 3)
        pins[into] = Pin(layer, 0, low, long, high, _output(into, ports))
        pins[out] = Pin(layer, round(width - long, 3), low, width, high, _output(out, ports))
    layer, step = facts.pins["vertical"], 2 * facts.pin_pitch["vertical"]
    crossing = list(_bits("south", ports))
    thick, long = PIN[layer]
    for (out, into), x in zip(crossing, _spread(plan.channels, step, len(crossing)), strict=True):
        left, right = round(x - thick / 2, 3), round(x + thick / 2, 3)
        pins[into] = Pin(layer, left, round(height - long, 3), right, height, _output(into, ports))
        pins[out] = Pin(layer, left, 0, right, long, _output(out, ports))
    return {name: pin for name, pin in pins.items() if name.partition("[")[0] in ports}


def _bits(side: str, ports: Mapping[str, Port]) -> Iterator[tuple[str, str]]:
    """Names of the pins on that side and of those that they meet; a tile may have but one of them."""
    for out, into in CROSSINGS[side]:
        if out in ports or into in ports:
            known = out if out in ports else into
            yield from ((bit.replace(known, out), bit.replace(known, into)) for bit in _bus(known, ports))


def _bus(name: str, ports: Mapping[str, Port]) -> Iterator[str]:
    width = ports[name].width
    yield from (name,) if width is None else (f"{name}[{n}]" for n in range(width))


def _output(pin: str, ports: Mapping[str, Port]) -> bool:
    name = pin.partition("[")[0]
    return name in ports and ports[name].output


def _spread(spans: Sequence[tuple[float, float]], step: float, count: int) -> Iterator[float]:
    """So many tracks in the middles of the spans, as many in each; a track is a quarter of a step off."""
    each = -(-count // len(spans))
    for n, (low, high) in enumerate(spans):
        here = min(each, count - n * each)
        if here * step > high - low:
            what = f"{here} pins do not fit between {low:g} and {high:g} um"
            raise FlowError(what, hint="Make the tile larger.")
        first = round(((low + high) / 2 - here * step / 2) / step)
        yield from (round((first + k) * step + step / 4, 3) for k in range(here))


def _on_grid(um: float) -> float:
    return round(round(um / GRID) * GRID, 3)


def _no_room(tile: RomTileConfig, what: str) -> FlowError:
    return FlowError(what, where=f"tile {tile.name}", hint="Correct its pitches, size or macros.")
