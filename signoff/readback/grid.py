"""Where a bank's bits are, found by following its layout from the labels to the pads below the bit lines.

A bit line is the met3 shape below its label. A word line is whatever its label connects to. A bit's place
is where a met2 pad lies below a bit line, and its word line is the one whose gate borders the diffusion
that the pad is connected to. The connections are traced in one column; the others must look the same.

A ROM macro has no labels inside: its bit lines are counted from the left, long met3 that is no strap of a
supply, and its word lines from the bottom, by pads that no via2 of the macro joins with the bit line. That
the first of them are WL[0] and BL[0] is what LVS of the macro shows.
"""

__all__ = ["BANK", "BankGrid", "find_grid"]

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

from rtl_gen.errors import FlowError
from signoff.readback.shapes import LABELS, LAYERS, MET4, MET4_LABELS, VIA2, VIA3, boxes, drawn, flat

BANK = re.compile(r"scf_(bank|rom)_(\d+)x(\d+)(?:_mux\d+)?")
CONTACTS = (
    ("poly", "licon"),
    ("active", "licon"),
    ("licon", "li"),
    ("li", "mcon"),
    ("mcon", "met1"),
    ("met1", "via"),
    ("via", "met2"),
)


@dataclass(frozen=True, eq=False)
class BankGrid:
    """Windows in which a via2 joins a bit line to the pad of a word line; database units of the bank cell.

    Attributes:
        x: Left and right edge by bit line, int64 [bit_lines, 2].
        y: Lower and upper edge by word line, int64 [word_lines, 2].
    """

    x: np.ndarray
    y: np.ndarray


def find_grid(layout: kdb.Layout, cell: kdb.Cell) -> BankGrid:
    """Find the bits of a bank cell.

    Raises:
        FlowError: Labels are missing, or the layout does not connect them to bits one to one.
    """
    match = BANK.fullmatch(cell.name)
    if not match:
        raise FlowError(f"{cell.name!r} is not a bank cell")
    word_lines, bit_lines = int(match[2]), int(match[3])
    if match[1] == "rom":
        lines = _counted_lines(layout, cell, bit_lines)
        rows = _counted_words(layout, cell, kdb.Box(*lines[0].tolist()), word_lines)
        nearest, within = 0, (rows[:, 1].min(), rows[:, 3].max())  # the latches below differ from bit to bit
    else:
        within = cell.bbox().bottom, cell.bbox().top
        bit_labels = _labels(layout, cell, "BL", bit_lines, ("met3",))
        word_labels = _labels(layout, cell, "WL", word_lines, ("poly", "li", "met1", "met2"))
        lines = _bit_lines(layout, cell, bit_labels)
        word_x = np.array([x for _, x, _ in word_labels])
        nearest = int(np.argmin(np.abs(lines[:, [0]] - word_x).sum(axis=1)))
        rows = _trace(layout, cell, word_labels, kdb.Box(*lines[nearest].tolist()))
    for name, layer in LAYERS.items():
        if name != "met3":
            found = drawn(layout, cell, layer)
            parts = boxes(found.others.decompose_trapezoids_to_region())
            shapes = np.concatenate([found.rectangles, parts])
            shapes = shapes[(shapes[:, 3] > within[0]) & (shapes[:, 1] < within[1])]
            shapes[:, 1], shapes[:, 3] = shapes[:, 1].clip(within[0]), shapes[:, 3].clip(None, within[1])
            _check_columns(cell, name, shapes, lines)
    # The columns look alike, so the windows of one are those of all, moved.
    return BankGrid(x=lines[:, [0]] - lines[nearest, 0] + rows[0, [0, 2]], y=rows[:, [1, 3]])


def _labels(
    layout: kdb.Layout, cell: kdb.Cell, name: str, count: int, layers: tuple[str, ...]
) -> list[tuple[str, int, int]]:
    """Layer and place of the labels name[0] .. name[count - 1]."""
    pattern = re.compile(re.escape(name) + r"\[(\d+)\]")
    found: dict[int, tuple[str, int, int]] = {}
    for layer in layers:
        index = layout.find_layer(*LABELS[layer])
        if index is None:
            continue
        for text in kdb.Texts(cell.begin_shapes_rec(index)).each():
            match = pattern.fullmatch(text.string)
            if match:
                found[int(match[1])] = (layer, text.x, text.y)
    if sorted(found) != list(range(count)):
        missing = sorted(set(range(count)) - set(found))[:5]
        raise FlowError(
            f"{len(found)} labels {name}[i] in {cell.name}, expected 0 to {count - 1}; missing {missing}",
            hint="The layout does not hold the bank that its cell name promises.",
        )
    return [found[i] for i in range(count)]


def _bit_lines(layout: kdb.Layout, cell: kdb.Cell, labels: list[tuple[str, int, int]]) -> np.ndarray:
    """Box of the met3 shape below each label, int64 [bit_lines, 4]."""
    marks = kdb.Region()
    for _, x, y in labels:
        marks.insert(kdb.Box(x, y, x + 1, y + 1))
    shapes = flat(layout, cell, LAYERS["met3"]).merged().interacting(marks)
    found = boxes(shapes)
    found = found[np.argsort(found[:, 0])]
    at = np.array([(x, y) for _, x, y in labels])
    if len(found) == len(at) and shapes.non_rectangles().is_empty() and (found[1:, 0] > found[:-1, 2]).all():
        lines = found[np.searchsorted(found[:, 0], at[:, 0], side="right") - 1]
        inside = (lines[:, :2] <= at).all(axis=1) & (at <= lines[:, 2:]).all(axis=1)
        if inside.all() and len(np.unique(lines[:, 0])) == len(lines):
            return lines
    raise FlowError(
        f"{len(found)} met3 shapes below {len(at)} labels of bit lines of {cell.name}, expected a line each",
        hint="Two bit lines may be shorted, or a label may lie off its line.",
    )


def _counted_lines(layout: kdb.Layout, cell: kdb.Cell, count: int) -> np.ndarray:
    """Each bit line of a ROM macro from the left, as high as the macro: boxes, int64 [bit_lines, 4]."""
    names, index = kdb.Region(), layout.find_layer(*MET4_LABELS)
    for text in [] if index is None else kdb.Texts(cell.begin_shapes_rec(index)).each():
        names.insert(kdb.Box(text.x, text.y, text.x + 1, text.y + 1))
    supplies = flat(layout, cell, MET4).merged().interacting(names)
    straps = flat(layout, cell, VIA3).interacting(supplies)
    lines = flat(layout, cell, LAYERS["met3"]).merged().not_interacting(straps)
    whole = cell.bbox()
    eighth = whole.height() // 8
    middle = kdb.Box(whole.left, whole.bottom + 5 * eighth, whole.right, whole.bottom + 6 * eighth)
    found: np.ndarray = boxes(lines & kdb.Region(middle))
    found = found[found[:, 3] - found[:, 1] == middle.height()]
    found = found[np.argsort(found[:, 0])]
    found[:, 1], found[:, 3] = whole.bottom, whole.top
    if len(found) != count:
        raise FlowError(
            f"{len(found)} bit lines in {cell.name}, expected {count}",
            hint="The layout does not hold the macro that its cell name promises.",
        )
    return found


def _counted_words(layout: kdb.Layout, cell: kdb.Cell, line: kdb.Box, count: int) -> np.ndarray:
    """Pad of each word line below a bit line, from the bottom: boxes, int64 [word_lines, 4]."""
    nets = _Nets(layout, cell, line)
    drains = _drains(nets, line, {})
    fixed = flat(layout, cell, VIA2, line)
    pads = boxes((nets.regions["met2"] & kdb.Region(line)).merged().not_interacting(fixed))
    pads = pads[np.argsort(pads[:, 1])]
    middle = line.center().x
    near = [drains.get(nets.at("met2", middle, (y0 + y1) // 2), set()) for _, y0, _, y1 in pads.tolist()]
    # A gate between two pads parts them, and is no word line's.
    between = Counter(gate for gates in near for gate in gates)
    own = [[gate for gate in gates if between[gate] == 1] for gates in near]
    found = pads[[len(gates) == 1 for gates in own]]
    if len(found) != count or any(len(gates) > 1 for gates in own):
        raise FlowError(
            f"{len(found)} pads with a gate of their own below a bit line of {cell.name}, expected {count}"
        )
    return found


def _drains(nets: "_Nets", below: kdb.Box, word_of: Mapping[int | None, int]) -> dict[int | None, set[int]]:
    """Word lines whose gates border each net of diffusion; without names, those of their poly."""
    middle, within = below.center().x, kdb.Region(below)
    # A gate borders diffusion with its lower and its upper edge.
    word: dict[int, int | None] = {}
    for _, y0, _, y1 in boxes((nets.regions["poly"] & nets.diff & within).merged()).tolist():
        net = nets.at("poly", middle, (y0 + y1) // 2)
        word[y0] = word[y1] = word_of.get(net) if word_of else net
    drains: dict[int | None, set[int]] = {}
    for _, y0, _, y1 in boxes((nets.regions["active"] & within).merged()).tolist():
        bordering = {w for w in (word.get(y0), word.get(y1)) if w is not None}
        drains.setdefault(nets.at("active", middle, (y0 + y1) // 2), set()).update(bordering)
    return drains


def _check_columns(cell: kdb.Cell, name: str, shapes: np.ndarray, lines: np.ndarray) -> None:
    """Raise FlowError unless the shapes below every bit line are the same, from its left edge on."""
    lines = lines[np.argsort(lines[:, 0])]
    first = np.searchsorted(lines[:, 2], shapes[:, 0], side="right")
    count = np.maximum(np.searchsorted(lines[:, 0], shapes[:, 2], side="left") - first, 0)
    piece = np.repeat(np.arange(len(shapes)), count)
    column = first[piece] + np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    left = np.maximum(shapes[piece, 0] - lines[column, 0], 0)
    right = np.minimum(shapes[piece, 2], lines[column, 2]) - lines[column, 0]
    found = np.stack([left, shapes[piece, 1], right, shapes[piece, 3]], axis=1)
    order = np.lexsort((left, right, found[:, 3], found[:, 1], column))
    number = np.bincount(column, minlength=len(lines))
    odd = np.flatnonzero(number != number[0])
    if not odd.size:
        found = found[order].reshape(len(lines), -1, 4)
        odd = np.flatnonzero((found != found[0]).any(axis=(1, 2)))
    if odd.size:
        raise FlowError(
            f"{name} of {cell.name} below the bit line at x = {lines[odd[0], 0] / 1000:g} um differs from"
            f" that below the leftmost",
            hint="Read-back follows one column and needs the others to be like it.",
        )


def _trace(
    layout: kdb.Layout, cell: kdb.Cell, labels: list[tuple[str, int, int]], line: kdb.Box
) -> np.ndarray:
    """Where the pad of each word line lies below one bit line: boxes, int64 [word_lines, 4]."""
    window = kdb.Box(line.left, cell.bbox().bottom, line.right, cell.bbox().top)
    for _, x, y in labels:
        window += kdb.Box(x - 1, y - 1, x + 1, y + 1)
    nets = _Nets(layout, cell, window)
    middle = line.center().x
    word_of = {nets.at(layer, x, y): i for i, (layer, x, y) in enumerate(labels)}
    if len(word_of) != len(labels) or None in word_of:
        raise FlowError(
            f"{len(labels)} word-line labels of {cell.name} lie on {len(word_of.keys() - {None})} nets",
            hint="Two word lines may be shorted, or a label may lie off its line.",
        )

    drains = _drains(nets, kdb.Box(line.left, window.bottom, line.right, window.top), word_of)
    pads = boxes((nets.regions["met2"] & kdb.Region(line)).merged())
    row = np.full(len(labels), -1)
    for k, (_, y0, _, y1) in enumerate(pads.tolist()):
        gates = drains.get(nets.at("met2", middle, (y0 + y1) // 2), set())
        if len(gates) > 1 or any(row[w] >= 0 for w in gates):
            raise FlowError(
                f"the pad at y = {y0 / 1000:g} um in {cell.name} is not one word line's: WL {sorted(gates)}"
            )
        row[list(gates)] = k  # none for a pad that belongs to no word line, as of the precharge
    if (row < 0).any():
        raise FlowError(
            f"word line {int(np.argmin(row))} of {cell.name} has no pad below the bit line traced"
        )
    result: np.ndarray = pads[row]
    return result


class _Nets:
    """Nets of the part of a cell inside a window; gates part the diffusion into pieces."""

    def __init__(self, layout: kdb.Layout, cell: kdb.Cell, window: kdb.Box) -> None:
        clip = kdb.Region(window)
        shapes = {n: (flat(layout, cell, LAYERS[n], window) & clip).merged() for n in LAYERS if n != "met3"}
        self.diff = shapes.pop("diff")
        self.regions = shapes | {"active": self.diff - shapes["poly"]}
        self._tracer = kdb.LayoutToNetlist(cell.name, layout.dbu)
        for name, region in self.regions.items():
            self._tracer.register(region, name)
            self._tracer.connect(region)
        for a, b in CONTACTS:
            self._tracer.connect(self.regions[a], self.regions[b])
        self._tracer.extract_netlist()

    def at(self, layer: str, x: int, y: int) -> int | None:
        """Number of the net at a point, None where there is no shape."""
        net = self._tracer.probe_net(self.regions[layer], kdb.Point(int(x), int(y)))
        return None if net is None else int(net.cluster_id)
