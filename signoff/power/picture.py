"""A map of the drops of a chip's cells."""

__all__ = ["draw_drops"]

from collections.abc import Mapping
from pathlib import Path

import numpy as np

_BIN = 10.0  # um


def draw_drops(
    path: Path,
    drops: Mapping[str, float],
    places: Mapping[str, tuple[float, float]],
    die: tuple[float, float],
) -> None:
    """Write a PNG: in squares of 10 um the largest drop of a cell in it, mV.

    Args:
        drops: V by instance; those of infinite drop are shown as the largest finite one.
        places: Centre of each instance, um.
        die: Width and height, um.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wide, high = (int(np.ceil(side / _BIN)) for side in die)
    shown = np.full((high, wide), np.nan)
    most = max((v for v in drops.values() if np.isfinite(v)), default=0.0)
    for name, volts in drops.items():
        x, y = places[name]
        at = min(int(y / _BIN), high - 1), min(int(x / _BIN), wide - 1)
        shown[at] = np.fmax(shown[at], 1000 * min(volts, most))
    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shown, origin="lower", extent=(0, die[0], 0, die[1]), cmap="viridis", vmin=0)
    figure.colorbar(image, ax=axes, label="largest drop, VPWR and VGND together, mV")
    axes.set_xlabel("um")
    axes.set_ylabel("um")
    figure.savefig(path, format="png", dpi=110, metadata={"Software": None})
