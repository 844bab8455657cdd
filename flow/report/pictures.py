"""Pictures of a finished chip, for its report."""

__all__ = ["Picture", "cells", "draw_base", "draw_picture", "window_around"]

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from base_chip.pdk import Pdk
from signoff.labels import Mark, label_png
from signoff.picture import Window, draw_backdrop, draw_png

_CELLS = 6.4  # um of a few cells of a bank


@dataclass(frozen=True)
class Picture:
    """A picture of the report, `<name>.png`.

    Attributes:
        text: What it shows.
        window: Left, bottom, right and top, um; None for the whole chip.
    """

    name: str
    text: str
    window: Window | None = None


def window_around(x: float, y: float, width: float) -> Window:
    """A window of that width around a point, um; it is 8 wide for 5 high."""
    left, bottom = float(x) - width / 2, float(y) - width * 5 / 16
    return left, bottom, left + width, bottom + width * 5 / 8


def cells(x: float, y: float) -> Picture:
    """A few cells of a ROM around a point, um."""
    return Picture("cell", "A few bits: a via (yellow) is a 1", window_around(x, y, _CELLS))


def draw_picture(
    chip: Path,
    folder: Path,
    pdk: Pdk,
    picture: Picture,
    *,
    width: int = 960,
    marks: Sequence[Mark] = (),
    outside: bool = False,
    backdrop: Path | None = None,
) -> None:
    """Draw a part of the chip with marks and a scale; what is higher than wide is laid on its side.

    Args:
        chip: Its layout.
        folder: Of the picture.
        pdk: The process.
        picture: One with a window.
        width: In pixels.
        marks: What is named on it.
        outside: Names stand above it.
        backdrop: What `draw_base` wrote of it.
    """
    path, window = folder / f"{picture.name}.png", picture.window
    assert window
    size, aside = _size(window, width)
    draw_png(
        chip, path, pdk.layers, program_layers=pdk.program_layers, window=window, size=size, backdrop=backdrop
    )
    label_png(path, window, marks, aside=aside, outside=outside)


def draw_base(base: Path, path: Path, pdk: Pdk, window: Window, width: int) -> None:
    """Write the backdrop of a picture of that window and width: what no model changes."""
    draw_backdrop(base, path, pdk.layers, window, _size(window, width)[0])


def _size(window: Window, width: int) -> tuple[tuple[int, int], bool]:
    """Width and height in pixels, before it is laid on its side; and whether it is."""
    across, up = window[2] - window[0], window[3] - window[1]
    aside = up > across
    return ((round(width * across / up), width) if aside else (width, round(width * up / across))), aside
