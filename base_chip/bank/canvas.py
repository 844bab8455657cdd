"""Draws rectangles on named layers of a klayout cell."""

__all__ = ["Canvas"]

from collections.abc import Sequence
from typing import Any

import klayout.db as db
import numpy as np

from base_chip.bank.dims import Size
from base_chip.pdk import Pdk


class Canvas:
    """A cell under construction.

    Args:
        layout: Layout that holds the cell.
        name: Name of the new cell.
        pdk: Layer numbers by name.
    """

    def __init__(self, layout: db.Layout, name: str, pdk: Pdk) -> None:
        self.layout, self.pdk = layout, pdk
        self.cell: Any = layout.create_cell(name)

    def rect(self, layer: str, x0: int, y0: int, x1: int, y1: int) -> None:
        """A rectangle from (x0, y0) to (x1, y1)."""
        self._shapes(self.pdk.layers[layer]).insert(db.Box(int(x0), int(y0), int(x1), int(y1)))

    def pad(self, layer: str, x: int, y: int, size: int | Size) -> None:
        """A rectangle or square around (x, y)."""
        w, h = (size, size) if isinstance(size, int) else size
        self.rect(layer, x - w // 2, y - h // 2, x - w // 2 + w, y - h // 2 + h)

    def row(self, layer: str, x: tuple[int, int], y: int, height: int) -> None:
        """A horizontal line of a height, centred on y."""
        self.rect(layer, x[0], y - height // 2, x[1], y - height // 2 + height)

    def column(self, layer: str, x: int, y: tuple[int, int], width: int) -> None:
        """A vertical line of a width, centred on x."""
        self.rect(layer, x - width // 2, y[0], x - width // 2 + width, y[1])

    def pin(self, layer: str, name: str, x0: int, y0: int, x1: int, y1: int) -> None:
        """Mark a rectangle of drawn metal as a pin and label it; draws the metal, too."""
        self.rect(layer, x0, y0, x1, y1)
        self._shapes(self.pdk.pins[layer]).insert(db.Box(int(x0), int(y0), int(x1), int(y1)))
        at = db.Trans((int(x0) + int(x1)) // 2, (int(y0) + int(y1)) // 2)
        self._shapes(self.pdk.labels[layer]).insert(db.Text(name, at))

    def array(self, child: "Canvas", x: Sequence[int] | np.ndarray, y: Sequence[int] | np.ndarray) -> None:
        """Instances of a cell at all (x, y), as regular arrays over each evenly spaced run of x and y."""
        for x0, dx, nx in _runs(x):
            for y0, dy, ny in _runs(y):
                step = db.Vector(dx, 0), db.Vector(0, dy)
                at = db.Trans(x0, y0)
                self.cell.insert(db.CellInstArray(child.cell.cell_index(), at, *step, nx, ny))

    def _shapes(self, gds: tuple[int, int]) -> Any:
        return self.cell.shapes(self.layout.layer(*gds))


def _runs(values: Sequence[int] | np.ndarray) -> list[tuple[int, int, int]]:
    """Split ascending values into evenly spaced runs: (first, step, count)."""
    runs: list[tuple[int, int, int]] = []
    for value in (int(v) for v in values):
        if runs:
            first, step, count = runs[-1]
            gap = value - (first + step * (count - 1))
            if count == 1 or gap == step:
                runs[-1] = first, gap, count + 1
                continue
        runs.append((value, 0, 1))
    return runs
