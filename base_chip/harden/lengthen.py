"""Lengthens what a router left below a layer's least area."""

__all__ = ["Lengthened", "lengthen"]

from dataclasses import dataclass

import klayout.db as kdb

from base_chip.pdk import Layer, LeastArea


@dataclass(frozen=True)
class Lengthened:
    """How many shapes were too small and are large enough now (`mended`), or found no room (`left`)."""

    mended: int
    left: int


def lengthen(cell: kdb.Cell, layer: Layer, rule: LeastArea, *, horizontal: bool, grid: int) -> Lengthened:
    """Give shapes below the least area more of it, with shapes in the cell itself.

    A router may leave a pad between two stacked vias that is smaller than its layer allows. It is lengthened
    at one end or at both, in the layer's preferred direction or, where that has no room, across it.

    Args:
        cell: Top of a layout; all below it counts.
        layer: GDS layer and datatype.
        rule: Of that layer.
        horizontal: Whether the layer's wires prefer to run so.
        grid: dbu; what is added lies on it.
    """
    index = cell.layout().layer(*layer)
    drawn = kdb.Region(cell.begin_shapes_rec(index)).merged()
    small = sorted(drawn.with_area(0, rule.area, False).each(), key=str)
    mended = 0
    for polygon in small:
        for along in (horizontal, not horizontal):
            added = _ends(cell, index, polygon, rule, along, grid)
            if added:
                for box in added:
                    cell.shapes(index).insert(box)
                mended += 1
                break
    return Lengthened(mended, len(small) - mended)


def _ends(
    cell: kdb.Cell, index: int, polygon: kdb.Polygon, rule: LeastArea, horizontal: bool, grid: int
) -> list[kdb.Box]:
    """What to add at the ends of a shape; nothing if there is no room."""
    missing = rule.area - polygon.area()
    ends = _ends_of(polygon, horizontal)
    if len(ends) < 2:
        return []
    reach = _up(missing, min(_width(e) for e, _ in ends), grid) + max(rule.space, rule.wide_space)
    near = kdb.Region(cell.begin_shapes_rec_touching(index, polygon.bbox().enlarged(reach, reach)))
    others = near.merged() - kdb.Region(polygon)
    half = rule.wide // 2
    forbidden = others.sized(rule.space) + others.sized(1 - half).sized(half - 1).sized(rule.wide_space)
    added: list[kdb.Box] = []
    for end, outwards in ends:  # what one has no room for is tried at the other
        wanted = end + end.moved(outwards * _up(missing, _width(end), grid))
        length = _free(end, wanted, forbidden) // grid * grid
        if length > 0:
            added.append(end + end.moved(outwards * length))
            missing -= length * _width(end)
        if missing <= 0:
            return added
    return []


def _ends_of(polygon: kdb.Polygon, horizontal: bool) -> list[tuple[kdb.Box, kdb.Vector]]:
    """The edges at a shape's ends, of several at one end the longest, each with its way outwards."""
    box = polygon.bbox()
    if horizontal:
        ends = ((box.right, kdb.Vector(1, 0)), (box.left, kdb.Vector(-1, 0)))
    else:
        ends = ((box.top, kdb.Vector(0, 1)), (box.bottom, kdb.Vector(0, -1)))
    edges = [e.bbox() for e in polygon.each_edge() if e.dx() == 0 or e.dy() == 0]
    found = []
    for at, outwards in ends:
        here = [e for e in edges if ((e.left == e.right == at) if horizontal else (e.bottom == e.top == at))]
        if here:
            found.append((max(here, key=_width), outwards))
    return found


def _free(end: kdb.Box, wanted: kdb.Box, forbidden: kdb.Region) -> int:
    """How far an end may go towards what is wanted."""
    hit = (forbidden & kdb.Region(wanted)).bbox()
    if hit.empty():
        return _length(wanted, end)
    return max(hit.left - end.right, end.left - hit.right, hit.bottom - end.top, end.bottom - hit.top, 0)


def _width(end: kdb.Box) -> int:
    return max(end.width(), end.height())


def _length(wanted: kdb.Box, end: kdb.Box) -> int:
    return wanted.height() if end.width() else wanted.width()


def _up(area: int, width: int, grid: int) -> int:
    """Length that an area needs, on the grid."""
    return -(-area // (width * grid)) * grid
