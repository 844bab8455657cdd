"""Shapes of a layout as numpy arrays, and the layer numbers by which the layout is read."""

__all__ = [
    "KLAYOUT",
    "LABELS",
    "LAYERS",
    "MET4",
    "MET4_LABELS",
    "VIA2",
    "VIA3",
    "Drawn",
    "boxes",
    "drawn",
    "flat",
    "minus",
    "read_layout",
]

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.untrusted import open_file

# GDS numbers from the foundry's layer table. They stand here a second time on purpose: a wrong number in
# the table that the writer uses must not be wrong here, too.
LAYERS = {
    "diff": (65, 20),
    "poly": (66, 20),
    "licon": (66, 44),
    "li": (67, 20),
    "mcon": (67, 44),
    "met1": (68, 20),
    "via": (68, 44),
    "met2": (69, 20),
    "met3": (70, 20),
}
LABELS = {"poly": (66, 5), "li": (67, 5), "met1": (68, 5), "met2": (69, 5), "met3": (70, 5)}
VIA2, VIA3 = (69, 44), (70, 44)
MET4, MET4_LABELS = (71, 20), (71, 5)
DBU = 0.001  # um
KLAYOUT = version("klayout")

_BOX_RECORD = 64  # bytes of a rectangle in GDS: BOUNDARY, LAYER, DATATYPE, XY of five points, ENDEL
_TAIL = 8  # ENDSTR, ENDLIB


def read_layout(path: Path, sha256: str = "") -> kdb.Layout:
    """Read a GDS or OASIS file.

    Args:
        path: The file.
        sha256: What its digest should be, when that is known.

    Raises:
        FlowError: The file is missing, damaged, or not the one expected.
    """
    hint = "Build the chip again."
    try:
        with open_file(path) as f:
            data = f.read()
    except OSError as e:
        raise FlowError(f"cannot read the layout ({e.strerror})", where=str(path), hint=hint) from e
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256:
        raise FlowError(f"SHA-256 is {found}, expected {sha256}", where=str(path), hint=hint)
    layout = kdb.Layout()
    try:
        layout.read_bytes(data, kdb.LoadLayoutOptions())
        tops = [c.name for c in layout.top_cells()]
        names = [c.name for c in layout.each_cell()]  # a damaged name cannot be decoded, now or later
    except (RuntimeError, UnicodeDecodeError, MemoryError) as e:
        raise FlowError(f"not a layout, or damaged ({e})", where=str(path), hint=hint) from e
    if len(tops) != 1:
        raise FlowError(
            f"{len(tops)} top cells of {len(names)}, expected 1: {tops[:5]}", where=str(path), hint=hint
        )
    if layout.dbu != DBU:
        raise FlowError(f"the database unit is {layout.dbu} um, expected {DBU}", where=str(path), hint=hint)
    return layout


def flat(
    layout: kdb.Layout, cell: kdb.Cell, layer: tuple[int, int], window: kdb.Box | None = None
) -> kdb.Region:
    """Shapes of a cell and all below it on one layer, as drawn; only those touching a window, if given."""
    index = layout.find_layer(*layer)
    if index is None:
        return kdb.Region()
    if window is None:
        return kdb.Region(cell.begin_shapes_rec(index))
    return kdb.Region(cell.begin_shapes_rec_touching(index, window))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A layer's shapes as drawn, without hierarchy: rectangles (int64 [n, 4]), other shapes, and texts."""

    rectangles: np.ndarray
    others: kdb.Region
    texts: list[str]


def drawn(layout: kdb.Layout, cell: kdb.Cell, layer: tuple[int, int], *, below: bool = True) -> Drawn:
    """Shapes of a cell on one layer, and unless told otherwise of all below it."""
    others = kdb.Region()
    others.merged_semantics = False
    carrier, shapes = _carrier()
    texts: list[str] = []
    index = layout.find_layer(*layer)
    if index is not None:
        found = cell.begin_shapes_rec(index)
        if not below:
            found.max_depth = 0
        shapes.insert(found)
    # Properties, such as a router's net names, would be written beside the boxes
    if _holds(shapes, ~kdb.Shapes.SBoxes & kdb.Shapes.SAll) or _holds(shapes, kdb.Shapes.SAllWithProperties):
        texts = sorted(str(s.text) for s in shapes.each(kdb.Shapes.STexts))
        everything = kdb.Region(shapes)  # texts stay behind
        everything.remove_properties()
        everything.merged_semantics = False
        others = everything.non_rectangles()
        others.merged_semantics = False
        carrier, shapes = _carrier()
        shapes.insert(everything.rectangles())
    return Drawn(_to_numpy(carrier, shapes), others, texts)


def boxes(region: kdb.Region) -> np.ndarray:
    """Boxes of a region's polygons as they are: left, bottom, right, top, int64 [n, 4]."""
    region = region.dup()
    region.merged_semantics = False
    carrier, shapes = _carrier()
    extents = region.extents()
    extents.remove_properties()
    shapes.insert(extents)
    return _to_numpy(carrier, shapes)


def minus(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rows of `a` that `b` lacks, counting repeats, in ascending order; both int [n, 4]."""
    a, b = _apart(a, b)
    rows = np.concatenate([a, b])
    if not len(rows):
        return rows
    low, high = (rows[:, n].astype(np.int64) << 32 | rows[:, n + 1].astype(np.uint32) for n in (0, 2))
    order = np.lexsort((high, low))
    new = np.ones(len(rows), bool)
    new[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    first = np.flatnonzero(new)
    left = np.add.reduceat(np.where(order < len(a), 1, -1), first)
    return np.repeat(rows[order[first]], np.maximum(left, 0), axis=0)


def _apart(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both without the rows in which they begin and end alike: of two chips of one base little is left."""
    for _ in range(2):
        least = min(len(a), len(b))
        other = (a[:least] != b[:least]).any(axis=1)
        alike = int(other.argmax()) if other.any() else least
        a, b = a[alike:][::-1], b[alike:][::-1]
    return a, b


def _carrier() -> tuple[kdb.Layout, kdb.Shapes]:
    layout = kdb.Layout()
    layout.dbu = DBU
    return layout, layout.create_cell("b").shapes(layout.layer(1, 0))


def _holds(shapes: kdb.Shapes, kinds: int) -> bool:
    return next(iter(shapes.each(kinds)), None) is not None


def _to_numpy(carrier: kdb.Layout, shapes: kdb.Shapes) -> np.ndarray:
    """The boxes in a carrier's only cell, int64 [n, 4].

    The only door from klayout to numpy that is not a loop over shapes: klayout writes the boxes as GDS
    into memory, where every rectangle is a record of the same length.
    """
    count = shapes.size()
    if not count:
        return np.zeros((0, 4), np.int64)
    options = kdb.SaveLayoutOptions()
    options.format = "GDS2"
    data = np.frombuffer(carrier.write_bytes(options), np.uint8)
    records = data[len(data) - _TAIL - count * _BOX_RECORD : len(data) - _TAIL].reshape(count, _BOX_RECORD)
    if (records[:, :4] != (0, 4, 8, 0)).any() or (records[:, -4:] != (0, 4, 17, 0)).any():
        raise AssertionError("klayout wrote rectangles in another form than expected")
    points = np.ascontiguousarray(records[:, 20:60]).view(">i4").reshape(count, 5, 2).astype(np.int64)
    # klayout starts a rectangle at its lower left corner and goes round: the third point is the opposite one.
    return np.concatenate([points[:, 0], points[:, 2]], axis=1)
