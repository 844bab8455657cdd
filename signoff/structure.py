"""A layout's layers told apart without flattening them: one digest for each cell and layer."""

__all__ = ["Known", "Structure"]

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import klayout.db as kdb
import numpy as np

from signoff.readback.shapes import Drawn, drawn, minus

Layer = tuple[int, int]
Known = Mapping[Layer, Mapping[str, str]]  # a digest by the name of a cell
NOTHING = b""
ORIGIN = "r0 0,0"
_NONE = Drawn(np.zeros((0, 4), np.int64), kdb.Region(), [])


class Structure:
    """Digests of what a layout's cells draw, each computed once.

    Two layers with equal digests are drawn alike: their cells have the same shapes and texts, in any order,
    and hold the same cells in the same places. The names of cells do not count, and neither do cells and
    levels that draw nothing on the layer. Layers with different digests may yet cover the same area.

    Args:
        layout: Must not change as long as this object is used.
        known: What `told` said of the same layout.
    """

    def __init__(self, layout: kdb.Layout, known: Known | None = None) -> None:
        self._layout = layout
        # Of each cell: a child, a digest of its places, whether that is the origin alone
        self._places: dict[int, list[tuple[int, bytes, bool]]] = {}
        self._known: dict[tuple[Layer, int], bytes] = {}
        for layer, cells in (known or {}).items():
            for name, digest in cells.items():
                self._known[layer, layout.cell(name).cell_index()] = bytes.fromhex(digest)

    def of_copy(self, layout: kdb.Layout) -> "Structure":
        """Of a copy of the layout in which no instance is changed."""
        copy = Structure(layout)
        copy._places = self._places
        return copy

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

    def told(self, layers: Iterable[Layer]) -> Known:
        """SHA-256 of some layers of every cell and all below it; empty where there is nothing."""
        return {
            layer: {cell.name: self.cell(cell, layer).hex() for cell in self._layout.each_cell()}
            for layer in layers
        }

    def apart(self, other: "Structure", layer: Layer) -> kdb.Region:
        """Where two layouts draw a layer otherwise: boxes, dbu, outside which their shapes are the same.

        Texts are not among shapes.
        """
        found = kdb.Region()
        self._apart(self._layout.top_cell(), other, other._layout.top_cell(), layer, kdb.ICplxTrans(), found)
        return found

    def _apart(
        self,
        cell: kdb.Cell,
        other: "Structure",
        its: kdb.Cell,
        layer: Layer,
        at: kdb.ICplxTrans,
        found: kdb.Region,
    ) -> None:
        """Of two cells at the same place."""
        mine, its_own = self.cell(cell, layer), other.cell(its, layer)
        if mine == its_own:
            return
        here, there = (drawn(s._layout, c, layer, below=False) for s, c in ((self, cell), (other, its)))
        held, others = self._held(cell, layer), other._held(its, layer)
        # One may be the other with something around it: what it holds of the other is no difference.
        if same := [told for told in others if told[:2] == (ORIGIN, mine)][:1]:
            here, held = _NONE, same
        elif same := [told for told in held if told[:2] == (ORIGIN, its_own)][:1]:
            there, others = _NONE, same
        for one, two in ((here, there), (there, here)):
            for box in minus(one.rectangles, two.rectangles).tolist():
                found.insert(kdb.Box(*box).transformed(at))
            for polygon in (Counter(one.others.each()) - Counter(two.others.each())).elements():
                found.insert(polygon.transformed(at))
        spare, spared = _spare(held, others), _spare(others, held)
        for place in spare.keys() | spared.keys():
            lone, its_lone = spare.get(place, []), spared.get(place, [])
            if len(lone) == len(its_lone) == 1 and not lone[0].is_regular_array():
                self._apart(lone[0].cell, other, its_lone[0].cell, layer, at * lone[0].cplx_trans, found)
                continue
            for side, insts in ((self, lone), (other, its_lone)):
                for inst in insts:
                    found.insert(inst.bbox(side._layout.find_layer(*layer)).transformed(at))

    def _held(self, cell: kdb.Cell, layer: Layer) -> list[tuple[str, bytes, kdb.Instance]]:
        """Place, digest and instance of each cell that a cell holds and that draws anything."""
        if self._layout.find_layer(*layer) is None:
            return []
        found = ((_place(inst), self.cell(inst.cell, layer), inst) for inst in cell.each_inst())
        return [told for told in found if told[1] != NOTHING]

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
            found: dict[str, list[str]] = defaultdict(list)
            for inst in cell.each_inst():
                child, _, place = str(inst.cell_inst).partition(" ")  # as "#12 r90 100,200"
                found[child].append(place)
            self._places[cell.cell_index()] = [
                (int(child[1:]), hashlib.sha256(_lines(places)).digest(), places == [ORIGIN])
                for child, places in found.items()
            ]
        return self._places[cell.cell_index()]


def _spare(
    some: Iterable[tuple[str, bytes, kdb.Instance]], others: Iterable[tuple[str, bytes, kdb.Instance]]
) -> dict[str, list[kdb.Instance]]:
    """Instances that have no equal among others, by their places."""
    left = Counter((place, digest) for place, digest, _ in others)
    found: dict[str, list[kdb.Instance]] = defaultdict(list)
    for place, digest, inst in some:
        if left[place, digest]:
            left[place, digest] -= 1
        else:
            found[place].append(inst)
    return found


def _place(inst: kdb.Instance) -> str:
    return str(inst.cell_inst).partition(" ")[2]


def _lines(parts: Iterable[str]) -> bytes:
    return "\n".join(["", *sorted(parts), ""]).encode()
