"""The supplies of a die of tiles as resistors: those of its tiles, side by side, and those of its margin."""

__all__ = ["die_grid", "margin_grid"]

from collections.abc import Mapping, Sequence
from dataclasses import replace

import klayout.db as kdb
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Shapes
from signoff.power.grid import Grid, GridBuilder


def margin_grid(
    cell: kdb.Cell, layers: Mapping[str, tuple[int, int]], wires: Sequence[str], join: tuple[str, str, str]
) -> Grid:
    """Resistors of all that a die draws by itself on the two uppermost wires, whatever its net.

    Args:
        cell: Of the die; what its tiles draw is left out.
        layers: GDS layer and datatype by name.
        wires: Wire layers, from the lowest that counts up.
        join: The two uppermost wires, with the cut between them.

    Raises:
        FlowError: A shape is not a rectangle.
    """
    lower, cut, upper = join
    builder = GridBuilder(wires)
    for layer in (lower, upper):
        for box in _boxes(cell, layers[layer], layer):
            builder.wire(layer, box)
    for box in _boxes(cell, layers[cut], cut):
        builder.via(cut, lower, upper, (box.center().x, box.center().y), 1)
    return builder.grid("", {})


def die_grid(
    tiles: Mapping[str, tuple[Grid, tuple[int, int]]], margin: Grid, pins: Shapes, wires: Sequence[str]
) -> Grid:
    """One supply of a die; it is fed at its pins.

    What two tiles, or a tile and the margin, have at the same point of a layer is one node: straps that do
    not meet are not joined.

    Args:
        tiles: Grid of each tile, and where its lower left corner is, nm, by instance. Instances in it get the
            tile's name before their own, as `tile.instance`.
        margin: What `margin_grid` found; of it only what touches the supply counts.
        pins: Of the supply, at the edge of the die.
        wires: Wire layers, as each grid has them first.

    Raises:
        FlowError: No pin is on a wire of the supply.
    """
    parts = [*((f"{name}.", grid, at) for name, (grid, at) in tiles.items()), ("", margin, (0, 0))]
    kinds = (*wires, *sorted({kind for _, grid, _ in parts for kind in grid.layers[len(wires) :]}))
    every = np.concatenate([grid.nodes + np.array([0, *at]) for _, grid, at in parts])
    nodes, index = np.unique(every, axis=0, return_inverse=True)
    index = index.reshape(-1)
    ends, kind, size = [], [], []
    points: dict[str, list[int]] = {}
    unfed: list[str] = []
    first = 0
    for name, grid, _ in parts:
        mine = index[first : first + len(grid.nodes)]
        ends.append(mine[grid.ends])
        kind.append(np.array([kinds.index(layer) for layer in grid.layers])[grid.kind])
        size.append(grid.size)
        points |= {name + i: mine[of].tolist() for i, of in grid.points.items()}
        unfed += [name + i for i in grid.unfed]
        first += len(grid.nodes)
    net = next(iter(tiles.values()))[0].net
    of_margin = np.unique(index[first - len(margin.nodes) :])
    of_tiles = index[: first - len(margin.nodes)]
    whole = Grid(
        net, nodes, kinds, np.concatenate(ends), np.concatenate(kind), np.concatenate(size),
        _under(nodes, of_margin, pins, wires), points, tuple(unfed),
    )  # fmt: skip
    return _touching(whole, of_tiles)


def _under(nodes: np.ndarray, of: np.ndarray, pins: Shapes, wires: Sequence[str]) -> np.ndarray:
    """Those of some nodes that lie on pins."""
    layer, x, y = nodes[of].T
    hit = np.zeros(len(of), bool)
    for name, box in pins:
        hit |= (
            (layer == wires.index(name))
            & (x >= box.left) & (x <= box.right) & (y >= box.bottom) & (y <= box.top)
        )  # fmt: skip
    return np.asarray(of[hit])


def _touching(grid: Grid, some: np.ndarray) -> Grid:
    """A grid without the resistors and sources that are not joined to any of some nodes."""
    count = len(grid.nodes)
    a, b = grid.ends.T
    _, part = connected_components(coo_matrix((np.ones(len(a)), (a, b)), (count, count)), directed=False)
    near = np.isin(part, np.unique(part[some]))
    keep, sources = near[a], grid.sources[near[grid.sources]]
    if not len(sources):
        raise FlowError(f"no pin of {grid.net} is on a wire of its tiles", hint="Run: sc-flow base check")
    return replace(grid, ends=grid.ends[keep], kind=grid.kind[keep], size=grid.size[keep], sources=sources)


def _boxes(cell: kdb.Cell, layer: tuple[int, int], name: str) -> list[kdb.Box]:
    found = []
    for shape in cell.shapes(cell.layout().layer(*layer)).each():
        if shape.is_text():
            continue
        if not (shape.is_box() or shape.polygon.is_box()):
            raise FlowError(f"{name} of {cell.name} is not made of rectangles", where=str(shape.bbox()))
        found.append(shape.bbox())
    return found
