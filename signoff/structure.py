"""A layout's layers told apart without flattening them: one digest for each cell and layer."""

__all__ = ["Structure"]

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import klayout.db as kdb
import numpy as np

from signoff.readback.shapes import drawn

Layer = tuple[int, int]
NOTHING = b""


class Structure:
    """Digests of what a layout's cells draw, each computed once.

    Two layers with equal digests are drawn alike: their cells have the same shapes and texts, in any order,
    and hold the same cells in the same places. The names of cells do not count, and neither do cells and
    levels that draw nothing on the layer. Layers with different digests may yet cover the same area.

    Args:
        layout: Must not change as long as this object is used.
    """

    def __init__(self, layout: kdb.Layout) -> None:
        self._layout = layout
        # Of each cell: a child, a digest of its places, whether that is the origin alone
        self._places: dict[int, list[tuple[int, bytes, bool]]] = {}
        self._known: dict[tuple[Layer, int], bytes] = {}

    def layer(self, layer: Layer) -> str:
        """SHA-256 of a layer of the top cell and all below it."""
        return self.cell(self._layout.top_cell(), layer).hex()

    def cell(self, cell: kdb.Cell, layer: Layer) -> bytes:
        """SHA-256 of a layer of a cell and all below it; empty if there is nothing."""
        if self._layout.find_layer(*layer) is None:
            return NOTHING
        key = layer, cell.cell_index()
        if key not in self._known:
            self._known[key] = self._digest(cell, layer)
        return self._known[key]

    def _digest(self, cell: kdb.Cell, layer: Layer) -> bytes:
        below = [
            (child, places, alone)
            for index, places, alone in self._children(cell)
            if (child := self.cell(self._layout.cell(index), layer)) != NOTHING
        ]
        if cell.shapes(self._layout.find_layer(*layer)).is_empty():
            if not below:
                return NOTHING
            if len(below) == 1 and below[0][2]:
                return below[0][0]  # a level that adds nothing
        own = drawn(self._layout, cell, layer, below=False)
        sha = hashlib.sha256(own.rectangles[np.lexsort(own.rectangles.T[::-1])].astype("<i8").tobytes())
        for part in (map(str, own.others.each()), own.texts):
            sha.update(_lines(part))
        for child, places in sorted((c, p) for c, p, _ in below):
            sha.update(child + places)
        return sha.digest()

    def _children(self, cell: kdb.Cell) -> list[tuple[int, bytes, bool]]:
        """Each cell that a cell holds, with a digest of its places, and whether that is the origin alone."""
        if cell.cell_index() not in self._places:
            found: dict[int, list[str]] = defaultdict(list)
            for inst in cell.each_inst():
                found[inst.cell_index].append(_place(inst))
            self._places[cell.cell_index()] = [
                (index, hashlib.sha256(_lines(places)).digest(), places == ["r0 0,0"])
                for index, places in found.items()
            ]
        return self._places[cell.cell_index()]


def _place(inst: kdb.Instance) -> str:
    where = str(inst.cplx_trans if inst.is_complex() else inst.trans)
    return f"{where} {inst.a} {inst.b} {inst.na} {inst.nb}" if inst.is_regular_array() else where


def _lines(parts: Iterable[str]) -> bytes:
    return "\n".join(["", *sorted(parts), ""]).encode()
