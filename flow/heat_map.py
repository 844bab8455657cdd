"""A picture of what another model changes: every site of the ROM macros that are used."""

__all__ = ["draw_heat_map"]

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from flow.diff import BuildDiff
from flow.files import disk_faults, make_folder
from rtl_gen.errors import FlowError

ADDED, REMOVED, KEPT, EMPTY = (31, 119, 180), (214, 39, 40), (190, 190, 190), (250, 250, 250)
_ACROSS = 8  # macros side by side
_GAP, _TITLE, _LETTERS = 8, 20, 14.0  # pixels


def draw_heat_map(path: Path, found: BuildDiff, *, scale: int = 2) -> None:
    """Write a PNG of the macros in which either model has a via: added blue, removed red, kept grey.

    Args:
        path: The picture.
        found: The builds.
        scale: Pixels a site, which is a square; word line 0 is at the bottom.

    Raises:
        FlowError: Neither model has a via, or the picture cannot be written.
    """
    shown = []
    for n, die in enumerate(found.dies):
        used = dict(die.used)
        of = zip(die.names, die.metal.first, die.metal.second, strict=True)
        title = f"die {n} " if len(found.dies) > 1 else ""
        shown += [(title + name, a, b) for name, a, b in of if name in used]
    if not shown:
        raise FlowError("there is nothing to draw: neither model has a via")
    words, lines = shown[0][1].shape
    width, height = lines * scale + _GAP, words * scale + _TITLE + _GAP
    across = min(_ACROSS, len(shown))
    picture = Image.new("RGB", (across * width - _GAP, -(-len(shown) // across) * height - _GAP), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(_LETTERS)
    for n, (title, a, b) in enumerate(shown):
        x, y = n % across * width, n // across * height
        draw.text((x, y), title, "black", font)
        picture.paste(Image.fromarray(_macro(a, b, scale)), (x, y + _TITLE))
    with disk_faults(path.parent):
        make_folder(path.parent)
        picture.save(path, "PNG")


def _macro(first: np.ndarray, second: np.ndarray, scale: int) -> np.ndarray:
    sites = np.full((*first.shape, 3), EMPTY, np.uint8)
    for where, colour in ((second & ~first, ADDED), (first & ~second, REMOVED), (first & second, KEPT)):
        sites[where] = colour
    return np.flipud(sites).repeat(scale, 0).repeat(scale, 1)
