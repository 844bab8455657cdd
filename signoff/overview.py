"""A whole chip as its layers cover it: they are finer than a pixel, so pixels are mixed from all of them."""

__all__ = ["Layered", "cover"]

from collections.abc import Sequence
from dataclasses import dataclass

import klayout.db as kdb
import numpy as np

_BRIGHTER = 1.6  # thin lines would be dim: what covers more than this part of a pixel is all there is to see
_STEP = 8  # of a colour's 256 values; finer ones are not seen, and double the file


@dataclass(frozen=True)
class Layered:
    """One layer of a picture.

    Attributes:
        shapes: What is drawn.
        colour: 0xRRGGBB.
        opacity: How much of what is below it a covered pixel hides, 0 to 1.
        strength: How much larger shapes look than they are.
    """

    shapes: kdb.Region
    colour: int
    opacity: float
    strength: float = _BRIGHTER


def cover(parts: Sequence[Layered], box: kdb.Box, size: tuple[int, int], background: int) -> np.ndarray:
    """Lay layers over each other, the first at the bottom.

    Args:
        parts: The layers.
        box: What of them the picture shows; it is centred, with the background around it.
        size: Width and height in pixels.
        background: 0xRRGGBB.

    Returns:
        uint8 [height, width, 3], the upper row first.
    """
    width, height = size
    step = max(-(-box.width() // width), -(-box.height() // height), 1)
    corner = box.center() - kdb.Vector(step * width // 2, step * height // 2)
    picture = np.broadcast_to(_rgb(background), (height, width, 3)).copy()
    for part in parts:
        area = part.shapes.rasterize(corner, kdb.Vector(step, step), width, height)
        share = np.minimum(np.array(area, dtype=float) * part.strength / step**2, 1)[::-1, :, None]
        picture += share * part.opacity * (_rgb(part.colour) - picture)
    return (np.round(picture / _STEP) * _STEP).clip(0, 255).astype(np.uint8)


def _rgb(colour: int) -> np.ndarray:
    return np.array([colour >> 16, colour >> 8 & 255, colour & 255], dtype=float)
