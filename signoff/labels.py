"""What is where on a picture of a layout: outlines with names, and a scale."""

__all__ = ["Mark", "label_png"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from signoff.picture import Window, save_picture

LINE = 0xD8DEE6
TEXT = 0xF2F4F7
PLATE = 0x0E1116
HATCH = 0x2A323B
_DARK = 40  # what is darker in every colour is background
_HATCH_PITCH = 14  # pixels
_INSIDE, _OUTSIDE = 40, 56  # letters of the usual size in a picture's width
_LARGEST_SCALE = 5  # of which a bar of the scale is at most one part of the picture


@dataclass(frozen=True)
class Mark:
    """A rectangle with a name.

    Attributes:
        box: Left, bottom, right and top, um; what is outside of the picture is cut off.
        name: In its corner; there need be none.
        note: A second line, smaller.
        hatched: Whether what nothing is drawn on is hatched: there is more to come.
    """

    box: Window
    name: str
    note: str = ""
    hatched: bool = False


def label_png(
    png: Path, window: Window, marks: Sequence[Mark] = (), *, aside: bool = False, outside: bool = False
) -> None:
    """Draw marks and a scale on a picture that `draw_png` made.

    Args:
        png: The picture, which is replaced.
        window: What it shows, as `draw_png` was told, um.
        marks: Drawn in this order.
        aside: Lay it on its side first, with north on the left.
        outside: Names and scale stand above and below the picture, not on it.

    Raises:
        FlowError: The picture cannot be written.
    """
    picture = Image.open(png).convert("RGB")
    width, height = picture.size
    um = max((window[2] - window[0]) / width, (window[3] - window[1]) / height)
    middle = (window[0] + window[2]) / 2, (window[1] + window[3]) / 2

    def pixels(box: Window) -> tuple[int, int, int, int]:
        """Left, upper, right and lower pixel, inside of the picture."""
        left, right = (width / 2 + (x - middle[0]) / um for x in (box[0], box[2]))
        upper, lower = (height / 2 - (y - middle[1]) / um for y in (box[3], box[1]))
        if aside:
            left, upper, right, lower = upper, width - right, lower, width - left
        across, up = picture.size
        (x0, x1), (y0, y1) = (
            [min(max(round(v), 0), most - 1) for v in ends]
            for most, ends in ((across, (left, right)), (up, (upper, lower)))
        )
        return x0, y0, x1, y1

    if aside:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    for mark in marks:
        if mark.hatched:
            picture = _hatched(picture, pixels(mark.box))
    large = max(picture.width / (_OUTSIDE if outside else _INSIDE), 10.0)
    thick = max(round(large / 12), 1)
    above = round((3 if any(mark.note for mark in marks) else 2) * large) if outside else 0
    below = round(1.5 * large) if outside else 0
    picture = ImageOps.expand(picture, (0, above, 0, below), _hex(PLATE))
    draw = ImageDraw.Draw(picture)
    for mark in marks:
        left, upper, right, lower = pixels(mark.box)
        draw.rectangle((left, upper + above, right, lower + above), outline=_hex(LINE), width=thick)
        if mark.name:
            at = (left, 0) if outside else (left + 2 * thick, upper + 2 * thick)
            _write(draw, at, mark.name, large, mark.note)
    _scale(draw, picture.size, um, large, "north is on the left" if aside else "")
    save_picture(png, picture)


def _hatched(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    shown = np.array(picture)
    left, upper, right, lower = box
    part = shown[upper:lower, left:right]
    y, x = np.indices(part.shape[:2])
    stripes = (x + y) % _HATCH_PITCH < 2
    part[stripes & (part < _DARK).all(axis=2)] = [HATCH >> 16, HATCH >> 8 & 255, HATCH & 255]
    return Image.fromarray(shown)


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], name: str, large: float, note: str = "") -> None:
    """Lines on a plate whose upper left corner is there."""
    lines = [(name, ImageFont.load_default(large))]
    lines += [(note, ImageFont.load_default(0.8 * large))] if note else []
    gap = round(large / 4)
    sizes = [draw.textbbox((0, 0), text, font)[2:] for text, font in lines]
    wide = max(w for w, _ in sizes) + 2 * gap
    high = sum(h for _, h in sizes) + (1 + len(lines)) * gap
    draw.rectangle((*at, at[0] + wide, at[1] + high), fill=_hex(PLATE))
    y: float = at[1] + gap
    for (text, font), (_, h) in zip(lines, sizes, strict=True):
        draw.text((at[0] + gap, y), text, _hex(TEXT), font)
        y += h + gap


def _scale(draw: ImageDraw.ImageDraw, size: tuple[int, int], um: float, large: float, note: str) -> None:
    """A bar of 1, 2 or 5 times a power of ten um in the lower right corner."""
    most = size[0] * um / _LARGEST_SCALE
    power = 10.0 ** math.floor(math.log10(most))
    length = max(n * power for n in (1, 2, 5) if n * power <= most)
    pixels = round(length / um)
    font = ImageFont.load_default(0.8 * large)
    text = f"{length:g} um" + (f"; {note}" if note else "")
    _, _, wide, high = draw.textbbox((0, 0), text, font)
    gap = round(large / 3)
    right, lower = size[0] - gap, size[1] - gap
    left = right - pixels - gap - wide
    draw.rectangle((left - gap, lower - high - gap, *size), fill=_hex(PLATE))
    draw.text((left, lower - high), text, _hex(TEXT), font)
    middle = lower - high // 2
    draw.line((right - pixels, middle, right, middle), _hex(TEXT), max(round(large / 6), 2))


def _hex(colour: int) -> str:
    return f"#{colour:06x}"
