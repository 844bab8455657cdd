"""Cuts the work of Magic's design rule check into parts that can be done beside each other.

Magic looks at the loaded cell and at what its subcells, with all in them, do to each other and to it, but not
at what is wrong deep inside of a subcell. So every cell that has subcells gets its turn. Cells without any
(kit cells, vias) do not: alone, without their neighbours' taps and wires, they break rules that they keep in
their places, where they are looked at as far as a rule reaches beyond another shape. One that stood all alone
would not be.
"""

__all__ = ["Part", "cut"]

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as db

from signoff.gds import write_gds

LARGEST = 280.0  # um: side of a window; larger and smaller ones take more time
_AROUND = 30.0  # um that come with a window: latch-up, the rule that reaches furthest, reaches 20
_MARGIN = 1.0  # um around a cell: a fault may lie beside what breaks the rule


@dataclass(frozen=True)
class Part:
    """What one run of Magic looks at.

    Attributes:
        gds: A layout: the window and what is around it.
        cell: Its top cell.
        window: Where faults count: x0, y0, x1, y1 in um.
    """

    gds: Path
    cell: str
    window: tuple[float, float, float, float]


def cut(source: Path, top: str, folder: Path, only: Sequence[db.DBox] = ()) -> list[Part]:
    """Write the parts of a layout, those with the most to do first.

    What lies at the origin of the top cell, there and nowhere else, becomes part of it: of a chip, its base
    and metal config. That is the same layout, but Magic would look at each bank once for the base and once
    more for the vias in it.

    Args:
        source: GDS or OASIS.
        top: Cell to check, with all below it.
        folder: Where to.
        only: What of the top cell to look at, um; all of it, and of every cell below it, unless given.

    Raises:
        ValueError: The layout cannot be read, or has no such cell.
    """
    layout = db.Layout(True)  # editable: in others no instance can be flattened
    try:
        layout.read(str(source))
        cell = layout.cell(top)
    except (RuntimeError, UnicodeDecodeError, MemoryError) as e:
        raise ValueError(f"the layout cannot be read ({e})") from e
    if cell is None:
        raise ValueError(f"no cell {top} in the layout")
    for instance in [i for i in cell.each_inst() if _is_part_of_top(i)]:
        instance.flatten(1)
    cells = [cell, *(layout.cell(i) for i in sorted(cell.called_cells()))]
    windows = [(c, w) for c in cells if c is cell or c.child_cells() for w in _windows(c.dbbox())]
    if only:
        windows = [(cell, window) for box in only for window in _windows(box)]
    parts = []
    for n, (c, window) in enumerate(windows):
        gds = folder / f"part{n}.gds"
        _write_clip(layout, c, window, gds)
        parts.append(Part(gds, c.name, (window.left, window.bottom, window.right, window.top)))
    return sorted(parts, key=lambda p: -p.gds.stat().st_size)


def _is_part_of_top(instance: db.Instance) -> bool:
    if instance.is_regular_array() or not instance.cplx_trans.is_unity():
        return False
    # Not counted to the end: a tile has ten thousand of one kind of cell.
    return len(list(itertools.islice(instance.cell.each_parent_inst(), 2))) == 1


def _windows(of: db.DBox) -> Iterator[db.DBox]:
    box = of.enlarged(_MARGIN, _MARGIN)
    xs, ys = (_edges(*ends) for ends in ((box.left, box.right), (box.bottom, box.top)))
    for x0, x1 in itertools.pairwise(xs):
        for y0, y1 in itertools.pairwise(ys):
            yield db.DBox(x0, y0, x1, y1)


def _edges(low: float, high: float) -> list[float]:
    """Of windows that meet: multiples of 10 nm, so that Magic's grid has them."""
    count = max(1, math.ceil((high - low) / LARGEST))
    cuts = [round(low + (high - low) * n / count, 2) for n in range(1, count)]
    return [math.floor(low * 100) / 100, *cuts, math.ceil(high * 100) / 100]


def _write_clip(layout: db.Layout, cell: db.Cell, window: db.DBox, path: Path) -> None:
    clipped = db.Layout()
    clipped.dbu = layout.dbu
    for layer in layout.layer_indexes():  # what has no layer there would be left out
        clipped.insert_layer_at(layer, layout.get_info(layer))
    index = layout.clip_into(cell.cell_index(), clipped, window.enlarged(_AROUND, _AROUND))
    clipped.rename_cell(index, cell.name)
    write_gds(clipped, path, cell.name)
