"""Power of a token and static IR drop: rows, numbers and a map."""

__all__ = ["CornerGrid", "Found", "analyse"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from rtl_gen.errors import FlowError
from signoff.power.energy import Energy
from signoff.power.grid import Grid
from signoff.power.solve import drops_of
from signoff.result import CheckResult

NAME = "ir_drop"
_SHOWN = 5
_BEYOND = 1.1  # times the limit: the drop of a control


@dataclass(frozen=True)
class CornerGrid:
    """A corner of the analysis.

    Attributes:
        volts: Of the supply.
        ohms: Ohm a square or a cut, by layer.
        energy: Of the run.
    """

    volts: float
    ohms: Mapping[str, float]
    energy: Energy

    @property
    def amps(self) -> dict[str, float]:
        """Mean current of each instance over the run."""
        charge = self.volts * self.energy.seconds
        return {name: joules / charge for name, joules in self.energy.by_instance.items()}


@dataclass(frozen=True)
class Found:
    """What an analysis found in one corner.

    Attributes:
        drops: V that each instance loses, on all supplies together; infinite where one does not reach it.
        worst: Instance with the largest.
        unfed: Instances that a supply does not reach.
    """

    drops: Mapping[str, float]
    worst: str
    unfed: tuple[str, ...]


def analyse(
    grids: Sequence[Grid],
    corners: Mapping[str, CornerGrid],
    limit_percent: float,
    place: Callable[[str], tuple[float, float]],
) -> tuple[list[CheckResult], dict[str, Found]]:
    """Solve all supplies in every corner, and the controls in the first.

    Args:
        grids: One a supply.
        corners: By name.
        limit_percent: Largest drop of an instance, all supplies together.
        place: Where an instance stands, um.

    Returns:
        The rows `ir_drop` and `ir_drop_control`; what was found, by corner.
    """
    found = {name: _solve(grids, corner) for name, corner in corners.items()}
    faults, told = [], []
    count = 0
    for name, corner in corners.items():
        of = found[name]
        beyond = _beyond(of, corner, limit_percent)
        without = corner.energy.without
        count += len(beyond) + len(of.unfed) + len(without)
        faults += [f"{name}: a supply does not reach {i}, which loses all of it" for i in of.unfed[:_SHOWN]]
        faults += [f"{name}: {i} loses {1000 * of.drops[i]:.1f} mV" for i in beyond[:_SHOWN]]
        faults += [f"{name}: no energy of {cell}" for cell in without[:_SHOWN]]
        x, y = place(of.worst)
        mv = 1000 * of.drops[of.worst]
        told.append(f"{name} {mv:.2f} mV ({mv / 10 / corner.volts:.2f} %) at ({x:.0f}, {y:.0f}) um")
    detail = "; ".join(faults[:_SHOWN]) or f"largest drop: {', '.join(told)}"
    row = _row(NAME, count, "", detail)
    name, corner = next(iter(corners.items()))
    return [row, _control(grids, corner, found[name], limit_percent)], found


def _beyond(found: Found, corner: CornerGrid, limit_percent: float) -> list[str]:
    """Instances that lose more than they may, the worst first; not those that a supply does not reach."""
    limit = limit_percent / 100 * corner.volts
    beyond = [i for i, v in found.drops.items() if v > limit and i not in found.unfed]
    return sorted(beyond, key=lambda i: -found.drops[i])


def _solve(grids: Sequence[Grid], corner: CornerGrid) -> Found:
    amps = corner.amps
    total: dict[str, float] = {}
    unfed: set[str] = set()
    for grid in grids:
        drops = drops_of(grid, corner.ohms, amps)
        for name, volts in drops.by_instance.items():
            total[name] = total.get(name, 0.0) + volts
        unfed.update(drops.unfed)
    fed = total.keys() - unfed
    if not fed:
        nets = " and ".join(grid.net for grid in grids)
        raise FlowError(f"no cell is on both {nets}", hint="The SPECIALNETS of the DEF say what is.")
    worst = max(fed, key=lambda n: (total[n], n))
    return Found(total, worst, tuple(sorted(unfed)))


def _control(grids: Sequence[Grid], corner: CornerGrid, found: Found, limit_percent: float) -> CheckResult:
    """A strap less must cost, a rail without vias must be told, too much current must be beyond the limit."""
    first, *others = grids
    on_rails = [n for n in found.drops if first.points[n] and (first.nodes[first.points[n], 0] == 0).all()]
    worst = max(on_rails, key=lambda n: (found.drops[n], n))
    node = first.points[worst][0]
    less = _solve([_strap_removed(first, node), *others], corner)
    cut, on_rail = _rail_cut(first, node)
    lost = set(_solve([cut, *others], corner).unfed) - set(found.unfed)
    more = _BEYOND * limit_percent / 100 * corner.volts / found.drops[found.worst]
    strained = {name: joules * more for name, joules in corner.energy.by_instance.items()}
    hungry = replace(corner, energy=replace(corner.energy, by_instance=strained))
    seen = {
        "a strap removed raises the drop": less.drops[worst] > 1.001 * found.drops[worst],
        f"{len(on_rail)} cells of a rail without vias lose all of the supply": lost >= on_rail > set(),
        f"{more:.0f} times the current is beyond the limit": bool(
            _beyond(_solve(grids, hungry), hungry, limit_percent)
        ),
    }
    missed = [what for what, was in seen.items() if not was]
    reason = f"not found: {', '.join(missed)}" if missed else ""
    detail = f"found: {', '.join(what for what, was in seen.items() if was)}"
    return _row(f"{NAME}_control", len(missed), reason, detail)


def _row(name: str, count: int, reason: str, detail: str) -> CheckResult:
    return CheckResult(
        name, "scipy", scipy.__version__, count, 0, "fail" if count else "pass", reason, detail
    )


def _strap_removed(grid: Grid, node: int) -> Grid:
    """A grid without the uppermost strap that is nearest to a node, and without the vias to it."""
    top = int(grid.nodes[:, 0].max())
    part = _parts(grid, top)
    mine = np.flatnonzero(grid.nodes[:, 0] == top)
    _, x, y = grid.nodes[node]
    away = np.abs(grid.nodes[mine, 1] - x) + np.abs(grid.nodes[mine, 2] - y)
    gone = (grid.nodes[:, 0] == top) & (part == part[mine[np.argmin(away)]])
    keep = ~gone[grid.ends].any(axis=1)
    return _kept(grid, keep, grid.sources[~gone[grid.sources]])


def _rail_cut(grid: Grid, node: int) -> tuple[Grid, set[str]]:
    """A grid whose rail at a node of the lowest layer has no vias, and the instances on that rail."""
    part = _parts(grid, 0)
    mine = (grid.nodes[:, 0] == 0) & (part == part[node])
    keep = (grid.kind == 0) | ~mine[grid.ends].any(axis=1)
    on_rail = {name for name, points in grid.points.items() if mine[list(points)].any()}
    return _kept(grid, keep, grid.sources), on_rail


def _parts(grid: Grid, layer: int) -> np.ndarray:
    """Which piece of the wires of a layer each node is on, by number."""
    count = len(grid.nodes)
    a, b = grid.ends[grid.kind == layer].T
    _, part = connected_components(coo_matrix((np.ones(len(a)), (a, b)), (count, count)), directed=False)
    return np.asarray(part)


def _kept(grid: Grid, keep: np.ndarray, sources: np.ndarray) -> Grid:
    return replace(grid, ends=grid.ends[keep], kind=grid.kind[keep], size=grid.size[keep], sources=sources)
