"""A whole chip as its layers cover it: they are finer than a pixel, so pixels are mixed from all of them."""

__all__ = ["Layered", "cover", "pixels", "plain"]

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


def cover(parts: Sequence[Layered], box: kdb.Box, below: np.ndarray) -> np.ndarray:
    """Lay layers over a picture, the first at the bottom.

    Args:
        parts: The layers.
        box: What of them the picture shows; it is centred, with the background around it.
        below: What is below them: `plain`, or what this function made.

    Returns:
        Colours, 0 to 255, float32 [height, width, 3], the upper row first.
    """
    height, width, _ = below.shape
    step = max(-(-box.width() // width), -(-box.height() // height), 1)
    corner = box.center() - kdb.Vector(step * width // 2, step * height // 2)
    picture = below.astype(np.float32)
    for part in parts:
        area = part.shapes.rasterize(corner, kdb.Vector(step, step), width, height)
        share = np.minimum(np.array(area, dtype=np.float32) * part.strength / step**2, 1)[::-1, :, None]
        picture += share * part.opacity * (_rgb(part.colour) - picture)
    return picture


def plain(size: tuple[int, int], background: int) -> np.ndarray:
    """A picture of one colour, 0xRRGGBB; `size` is width and height in pixels."""
    return np.broadcast_to(_rgb(background), (size[1], size[0], 3))


def pixels(picture: np.ndarray) -> np.ndarray:
    """A picture with the colours that are seen, uint8."""
    return (np.round(picture / _STEP) * _STEP).clip(0, 255).astype(np.uint8)


def _rgb(colour: int) -> np.ndarray:
    return np.array([colour >> 16, colour >> 8 & 255, colour & 255], dtype=np.float32)
