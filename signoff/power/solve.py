"""Drops on a grid of resistors under constant currents."""

__all__ = ["Drops", "drops_of"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from signoff.power.grid import Grid

_LEAST_OHMS = 1e-6  # of what lies at one point


@dataclass(frozen=True)
class Drops:
    """What a supply loses on its way.

    Attributes:
        volts: float64 [nodes]; infinite where no source reaches.
        by_instance: Mean over an instance's points, V.
        unfed: Instances with a point that no source reaches: all of the supply drops there.
    """

    volts: np.ndarray
    by_instance: Mapping[str, float]
    unfed: tuple[str, ...]


def drops_of(grid: Grid, ohms: Mapping[str, float], amps: Mapping[str, float]) -> Drops:
    """Solve a grid.

    Args:
        grid: Of a supply.
        ohms: Ohm a square or a cut, by layer.
        amps: What each instance takes, evenly over its points; instances of the grid that are not in it
            take nothing.
    """
    count = len(grid.nodes)
    of_kind = np.array([ohms[layer] for layer in grid.layers])
    siemens = 1 / np.maximum(of_kind[grid.kind] * grid.size, _LEAST_OHMS)
    a, b = grid.ends[:, 0], grid.ends[:, 1]
    joined = coo_matrix((siemens, (a, b)), (count, count)).tocsr()
    _, part = connected_components(joined, directed=False)
    fed = np.isin(part, np.unique(part[grid.sources]))
    inner = fed.copy()
    inner[grid.sources] = False
    taken = np.zeros(count)
    for name, points in grid.points.items():
        # Without a point an instance takes nothing: it is among the grid's unfed.
        if points and (current := amps.get(name, 0.0)):
            np.add.at(taken, points, current / len(points))
    volts = np.where(fed, 0.0, np.inf)
    index = np.flatnonzero(inner)
    if len(index):
        volts[index] = splu(_laplacian(joined)[index][:, index].tocsc()).solve(taken[index])
    by_instance = {name: float(volts[list(points)].mean()) for name, points in grid.points.items() if points}
    unfed = {n for n, points in grid.points.items() if not fed[list(points)].all()}
    return Drops(volts, by_instance, tuple(sorted({*unfed, *grid.unfed})))


def _laplacian(joined: csr_matrix) -> csr_matrix:
    both = joined + joined.T
    diagonal = np.asarray(both.sum(axis=1)).ravel()
    count = len(diagonal)
    return csr_matrix(coo_matrix((diagonal, (range(count), range(count))), (count, count))) - both
