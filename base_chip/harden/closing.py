"""Fills the gaps of a layer that the process wants merged rather than kept apart."""

__all__ = ["close_gaps"]

import klayout.db as kdb

from base_chip.pdk import Layer


def close_gaps(cell: kdb.Cell, layer: Layer, least: int) -> int:
    """Join what is nearer than the least space, with shapes in the cell itself.

    Cells of the kit keep the rule each for itself, but not with every neighbour: abutted, their shapes can
    come nearer, which the rules allow when they are merged by hand ("manual merge if less").

    Args:
        cell: Top of a layout.
        layer: GDS layer and datatype.
        least: Space of the rule, dbu.

    Returns:
        How many shapes were added.
    """
    layout = cell.layout()
    index = layout.layer(*layer)
    drawn = kdb.Region(cell.begin_shapes_rec(index)).merged()
    half = (least - 1) // 2  # so that the least space itself stays
    added = drawn.sized(half).sized(-half) - drawn
    for polygon in sorted(added.each(), key=str):
        for box in polygon.decompose_trapezoids(kdb.Polygon.TD_htrapezoids):
            cell.shapes(index).insert(box)
    return int(added.count())
