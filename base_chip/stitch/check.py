"""What is wrong with a die of tiles: where tiles, pins and straps do not meet, by coordinate."""

__all__ = ["faults_of"]

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

import klayout.db as kdb

from base_chip.pdk.margin import Margin
from base_chip.stitch.plan import FEED_LAYER, SHARED, Placed, Seam, StitchPlan
from base_chip.stitch.view import Strap
from rtl_gen.tiles.seams import CROSSINGS

Edge = tuple[str, str, int, int]  # net or pin, layer, from and to along the seam


def faults_of(plan: StitchPlan, margin: Margin) -> list[str]:
    """Everything that is wrong; empty if the die can be stitched.

    Args:
        plan: The die.
        margin: What its margin is made of.
    """
    faults = [*_places(plan, margin.least(len(plan.feeds))), *_feeds(plan)]
    for seam in plan.seams:
        if not (told := list(_touching(seam))):
            told = [*_pins(seam), *_straps(seam)]
        faults += [f"{_named(seam)}: {fault}" for fault in told]
    return faults


def _places(plan: StitchPlan, least: int) -> Iterator[str]:
    if plan.edge < least:
        yield f"the margin is {plan.edge / 1000:g} um, what is in it takes {least / 1000:g} um"
    for tile in plan.tiles:
        if not tile.box.inside(plan.inner):
            yield (
                f"{tile.name} covers {_um(tile.box)}, outside of what the margin leaves of the die,"
                f" {_um(plan.inner)}"
            )
    boxes = {tile.name: tile.box for tile in plan.tiles}
    covered = _covered(boxes.values())
    if covered < sum(box.area() for box in boxes.values()):
        neighbours = {frozenset((s.first.name, s.second.name)) for s in plan.seams}
        for (a, one), (b, other) in itertools.combinations(boxes.items(), 2):
            if one.overlaps(other) and frozenset((a, b)) not in neighbours:
                yield f"{a} and {b} overlap in {_um(one & other)}"
    names = Counter(t.name for t in plan.tiles)
    yield from (f"{n} tiles are called {name}" for name, n in names.items() if n > 1)


def _feeds(plan: StitchPlan) -> Iterator[str]:
    """Wires in the west margin: their pins must be there, and every row must have them if any has."""
    if not plan.feeds:
        return
    for pins in plan.feeds:
        for tile, name in pins:
            pin = tile.view.pins[name]
            box = pin.box.moved(*tile.at)
            if (pin.layer, box.left) != (FEED_LAYER, plan.array.left):
                at = _at(box.left, box.bottom)
                yield f"{name} of {tile.name} is on {pin.layer} at {at}, not on {FEED_LAYER} at the west edge"
    for tile in plan.tiles:
        for name, port in plan.joins(tile).items():
            if port.role == "port" and name in {into for _, into in CROSSINGS["east"]} - {*SHARED}:
                yield f"nothing sends steps to {name} of {tile.name}, at {_um(tile.box)}"


def _touching(seam: Seam) -> Iterator[str]:
    """Whether two neighbours share an edge, those of a row a whole one."""
    a, b = seam.first.box, seam.second.box
    if a.overlaps(b):
        yield f"they overlap in {_um(a & b)}"
    elif seam.side == "east":
        if a.right != b.left:
            yield f"{(b.left - a.right) / 1000:g} um between them, at x = {a.right / 1000:g} um"
        if a.height() != b.height():
            high = f"{a.height() / 1000:g} and {b.height() / 1000:g} um high"
            yield f"they are {high}, at {_at(a.right, a.bottom)}"
        elif a.bottom != b.bottom:
            yield f"they begin at y = {a.bottom / 1000:g} and {b.bottom / 1000:g} um"
    else:
        if a.bottom != b.top:
            yield f"{(a.bottom - b.top) / 1000:g} um between them, at y = {a.bottom / 1000:g} um"
        if a.left < b.left or a.right > b.right:
            yield (
                f"{seam.first.name} is above x = {a.left / 1000:g} to {a.right / 1000:g} um,"
                f" {seam.second.name} below {b.left / 1000:g} to {b.right / 1000:g} um"
            )


def _pins(seam: Seam) -> Iterator[str]:
    """Every pin of one side must end at the seam where that of the other begins."""
    one, other = _pin_edges(seam, seam.first), _pin_edges(seam, seam.second)
    wanted: dict[str, str] = {}
    for out, into in CROSSINGS[seam.side]:
        for pin in seam.first.view.pins:
            if pin.partition("[")[0] == out:
                wanted[pin] = into + pin.removeprefix(out)
        for pin in seam.second.view.pins:
            if pin.partition("[")[0] == into:
                wanted.setdefault(out + pin.removeprefix(into), pin)
    for out, into in wanted.items():
        a, b = one.get(out), other.get(into)
        if a is None or b is None:
            lost, of = (out, seam.first) if a is None else (into, seam.second)
            there = b or a
            where = f"; {into if a is None else out} is {_edge(seam, there)}" if there else ""
            yield f"{of.name} has no pin {lost} at the seam{where}"
        elif a[1:] != b[1:]:
            yield f"{out} is {_edge(seam, a)}, {into} {_edge(seam, b)}"


def _pin_edges(seam: Seam, tile: Placed) -> dict[str, Edge]:
    found = {}
    for name, pin in tile.view.pins.items():
        box = pin.box.moved(*tile.at)
        if ends := _ends(seam, box, first=tile is seam.first):
            found[name] = (name, pin.layer, *ends)
    return found


def _straps(seam: Seam) -> Iterator[str]:
    """Every strap that reaches the seam must be met by one of its net; between kinds of tile, one per net."""
    low, high = seam.span
    sides = []
    for tile in (seam.first, seam.second):
        edges = {e for strap in tile.view.straps if (e := _strap_edge(seam, tile, strap))}
        sides.append({e for e in edges if e[3] > low and e[2] < high})
    if not (seam.first.view.straps and seam.second.view.straps):
        return  # not hardened
    one, other = sides
    if seam.side == "south" and seam.first.view.kind != seam.second.view.kind:
        # A strap ends where a macro of its tile is in its way; met5 and the ring feed what lies behind
        for net in sorted({e[0] for e in one | other} - {e[0] for e in one & other}):
            yield f"no strap of {net} goes on in {seam.second.name}"
        return
    for here, there, tile in ((one, other, seam.second), (other, one, seam.first)):
        for edge in sorted(here - there, key=lambda e: (e[1], e[2])):
            yield f"strap of {edge[0]}, {_edge(seam, edge)}, does not go on in {tile.name}"
    if not one:
        yield f"no strap of {seam.first.name} reaches it"


def _covered(boxes: Iterable[kdb.Box]) -> int:
    region = kdb.Region()
    for box in boxes:
        region.insert(box)
    return region.merged().area()


def _strap_edge(seam: Seam, tile: Placed, strap: Strap) -> Edge | None:
    ends = _ends(seam, strap.box.moved(*tile.at), first=tile is seam.first)
    return (strap.net, strap.layer, *ends) if ends else None


def _ends(seam: Seam, box: kdb.Box, *, first: bool) -> tuple[int, int] | None:
    """From where to where along the seam a shape of a tile touches it; None if it does not."""
    if seam.side == "east":
        reaches = box.right if first else box.left
        return (box.bottom, box.top) if reaches == seam.line else None
    reaches = box.bottom if first else box.top
    return (box.left, box.right) if reaches == seam.line else None


def _named(seam: Seam) -> str:
    word = "east of" if seam.side == "east" else "south of"
    return f"{seam.second.name} {word} {seam.first.name}"


def _edge(seam: Seam, edge: Edge) -> str:
    _, layer, low, high = edge
    a, b = ((seam.line, v) if seam.side == "east" else (v, seam.line) for v in (low, high))
    return f"on {layer} from {_at(*a)} to {_at(*b)}"


def _at(x: int, y: int) -> str:
    return f"({x / 1000:g}, {y / 1000:g}) um"


def _um(box: kdb.Box) -> str:
    return f"({box.left / 1000:g}, {box.bottom / 1000:g}) to ({box.right / 1000:g}, {box.top / 1000:g}) um"
