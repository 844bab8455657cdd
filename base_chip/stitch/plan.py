"""Where the tiles of a die stand, which of them touch, and what each port of a tile is joined with."""

__all__ = ["Placed", "Port", "Seam", "StitchPlan", "place_tiles", "plan_rows"]

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import klayout.db as kdb

from base_chip.dies import Floorplan
from base_chip.stitch.view import TileView
from rtl_gen.tiles.seams import CROSSINGS

Side = Literal["east", "south"]
# Ports of a tile that come from the west of a row or from the north of a column, where there may be no tile
_FROM = {side: {into for _, into in CROSSINGS[side]} for side in CROSSINGS}
_TO = {side: {out for out, _ in CROSSINGS[side]} for side in CROSSINGS}
# A vec tile's port with the steps of a row of that kind, which takes them as west_*; rows are counted from
# where rom and ram tiles meet, those of rom tiles to the north.
_FEED = re.compile(r"west_(rom|ram)_(\d+)_(\w+)")
# What all rows get from one port of the die
SHARED = ("clk", "rst")
FEED_LAYER = "met3"  # of the pins of rows, and of what sends them steps


@dataclass(frozen=True)
class Placed:
    """A tile of a die.

    Attributes:
        name: Of the instance, such as rom_0_1.
        view: The tile.
        row, column: From the north and from the west, 0 first; of a tile under several columns the first.
        at: Lower left corner, nm from that of the die.
    """

    name: str
    view: TileView
    row: int
    column: int
    at: tuple[int, int]

    @property
    def box(self) -> kdb.Box:
        """What it covers, nm."""
        return kdb.Box(0, 0, *self.view.size).moved(*self.at)


@dataclass(frozen=True)
class Seam:
    """An edge that two tiles share: `second` is to the east or to the south of `first`."""

    side: Side
    first: Placed
    second: Placed

    @property
    def line(self) -> int:
        """Where it is, nm: x of an east seam, y of a south seam."""
        return self.first.box.right if self.side == "east" else self.first.box.bottom

    @property
    def span(self) -> tuple[int, int]:
        """From where to where both tiles are at it, nm."""
        a, b = self.first.box, self.second.box
        if self.side == "east":
            return max(a.bottom, b.bottom), min(a.top, b.top)
        return max(a.left, b.left), min(a.right, b.right)

    @property
    def kind(self) -> tuple[str, str, Side]:
        return self.first.view.kind, self.second.view.kind, self.side


@dataclass(frozen=True)
class Port:
    """What a port of a tile is joined with.

    Attributes:
        net: Name: of a wire between two tiles, of a port of the die, or "" if there is nothing.
        role: "seam", "feed" (a wire in the west margin, by which a vec tile sends steps to a row), "port",
            "low" (an input that nothing drives is tied to ground) or "open" (an output).
        width: Of a bus, None if it is none.
    """

    net: str
    role: Literal["seam", "feed", "port", "low", "open"]
    width: int | None


@dataclass(frozen=True)
class StitchPlan:
    """A die of tiles that touch. Lengths are nm from the lower left corner of the die.

    Attributes:
        name: Of the die; its cell and module are `scf_<name>`.
        pdk: Name of the process.
        die: Width and height.
        edge: Margin on each side: ties, clock, power ring, pins.
        tiles: Row by row from the north, each from the west.
    """

    name: str
    pdk: str
    die: tuple[int, int]
    edge: int
    tiles: tuple[Placed, ...]

    @property
    def top(self) -> str:
        return f"scf_{self.name}"

    @property
    def inner(self) -> kdb.Box:
        """What the margin leaves."""
        return kdb.Box(0, 0, *self.die).enlarged(-self.edge, -self.edge)

    @functools.cached_property
    def array(self) -> kdb.Box:
        """What the tiles cover together."""
        box = kdb.Box()
        for tile in self.tiles:
            box += tile.box
        return box

    @functools.cached_property
    def seams(self) -> tuple[Seam, ...]:
        """Pairs of neighbours, those of a row first, whether or not they touch."""
        rows: dict[int, list[Placed]] = {}
        for tile in self.tiles:
            rows.setdefault(tile.row, []).append(tile)
        found = [Seam("east", a, b) for row in rows.values() for a, b in itertools.pairwise(row)]
        for upper, lower in itertools.pairwise(sorted(rows)):
            for a in rows[upper]:
                across = [
                    b for b in rows[lower] if min(a.box.right, b.box.right) > max(a.box.left, b.box.left)
                ]
                found += [Seam("south", a, b) for b in across]
        return tuple(found)

    def joins(self, tile: Placed) -> dict[str, Port]:
        """What each port of a tile is joined with."""
        return self._joins[tile.name]

    @functools.cached_property
    def _joins(self) -> dict[str, dict[str, Port]]:
        found: dict[str, dict[str, Port]] = {t.name: {} for t in self.tiles}
        for seam in self.seams:
            for out, into in CROSSINGS[seam.side]:
                a, b = seam.first.view.ports, seam.second.view.ports
                if out in a and into in b:
                    port = Port(f"{seam.first.name}_{out}", "seam", a[out])
                    found[seam.first.name][out] = found[seam.second.name][into] = port
        for sender, out, taker, into in self._feeds():
            port = Port(f"{sender.name}_{out}", "feed", sender.view.ports[out])
            found[sender.name][out] = found[taker.name][into] = port
        for tile in self.tiles:
            for name, width in tile.view.ports.items():
                if name not in found[tile.name]:
                    found[tile.name][name] = self._at_the_edge(tile, name, width)
        return found

    def _feeds(self) -> Iterator[tuple[Placed, str, Placed, str]]:
        """Tile and port that send steps to a row of tiles, and the row's first tile and its port."""
        first = sorted((tile for tile in self.tiles if tile.column == 0), key=lambda tile: tile.row)
        rows = {kind: [tile for tile in first if tile.view.kind == kind] for kind in ("rom", "ram")}
        rows["rom"].reverse()
        for sender in first:
            for out in sender.view.ports:
                if fed := _FEED.fullmatch(out):
                    kind, row, into = fed[1], int(fed[2]), f"west_{fed[3]}"
                    if row < len(rows[kind]) and into in rows[kind][row].view.ports:
                        yield sender, out, rows[kind][row], into

    @functools.cached_property
    def feeds(self) -> list[tuple[tuple[Placed, str], tuple[Placed, str]]]:
        """Pins that wires in the west margin join, bit by bit: the one that sends, and the one that takes."""
        found = []
        for sender, out, taker, into in self._feeds():
            for pin in sender.view.pins:
                if pin.partition("[")[0] == out:
                    found.append(((sender, pin), (taker, into + pin.removeprefix(out))))
        return found

    def _at_the_edge(self, tile: Placed, port: str, width: int | None) -> Port:
        if port in SHARED:
            return Port(port, "port", width)
        if port in _FROM["east"]:
            return Port(f"row{tile.row}_{port}", "port", width)
        if port in _FROM["south"]:
            return Port("", "low", width)
        if port in _TO["south"]:
            return Port(f"column{tile.column}_{port}", "port", width)
        if port in _TO["east"] or _FEED.fullmatch(port):
            return Port("", "open", width)
        alone = sum(t.view.kind == tile.view.kind for t in self.tiles) == 1
        return Port(port if alone else f"{tile.name}_{port}", "port", width)

    def die_ports(self) -> dict[str, tuple[str, int | None]]:
        """Direction (INPUT or OUTPUT) and width of each port of the die, by name, sorted."""
        found = {}
        for tile in self.tiles:
            for name, port in self.joins(tile).items():
                if port.role == "port":
                    found[port.net] = tile.view.direction(name), port.width
        return dict(sorted(found.items()))

    def bits(self, tile: Placed) -> Iterator[tuple[str, str, Port]]:
        """Pins of a tile, the net's bit that each is on, and the port."""
        for name, port in self.joins(tile).items():
            for pin in (name,) if port.width is None else (f"{name}[{n}]" for n in range(port.width)):
                yield pin, port.net + pin.removeprefix(name) if port.net else "", port


def plan_rows(
    name: str, pdk: str, rows: Sequence[Sequence[TileView]], edge: int, die: tuple[int, int] | None = None
) -> StitchPlan:
    """A die of rows of tiles, from the north; in a row each touches the one to its west.

    Args:
        name, pdk, edge: As of `StitchPlan`.
        rows: Tiles of each row; at least one tile.
        die: Width and height; what the tiles take, unless given.
    """
    tiles: list[Placed] = []
    heights = [max(view.size[1] for view in row) for row in rows]
    for r, row in enumerate(rows):
        y, x, column = edge + sum(heights[r + 1 :]), edge, 0
        for view in row:
            tiles.append(Placed(f"{view.kind}_{r}_{column}", view, r, column, (x, y)))
            x += view.size[0]
            column += max(1, round(view.size[0] / rows[0][0].size[0]))
    size = (
        2 * edge + max(sum(view.size[0] for view in row) for row in rows),
        2 * edge + sum(heights),
    )
    return StitchPlan(name, pdk, die or size, edge, tuple(tiles))


def place_tiles(die: Floorplan, views: Mapping[str, TileView]) -> StitchPlan:
    """A die of tiles where its floorplan has them, whether or not they fit there.

    Args:
        die: The floorplan.
        views: Tiles by kind; those of other kinds are left out.
    """
    tiles = []
    for kind, row, column, at in die.tile_places():
        if kind in views:
            tiles.append(Placed(f"{kind}_{row}_{column}", views[kind], row, column, at))
    size = round(die.die[0] * 1000), round(die.die[1] * 1000)
    return StitchPlan(die.name, die.pdk, size, round(die.edge * 1000), tuple(tiles))
