"""Pictures of layouts without a display, and the layer names and colours that klayout shows them in."""

__all__ = ["MODEL", "Extra", "Window", "draw_backdrop", "draw_png", "save_picture", "write_layer_properties"]

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import klayout.lay as lay
import numpy as np
from PIL import Image

from rtl_gen.errors import ExitCode, FlowError
from signoff.overview import Layered, cover, pixels, plain

Layer = tuple[int, int]
Window = tuple[float, float, float, float]

BACKGROUND = 0x0E1116
PROGRAM = 0xFFD400  # a colour that no other layer has
OTHER = 0x808890
MARGIN = 0.02  # of the chip's size around it
COARSE = 0.1  # um a pixel from which on shapes are finer than pixels
COLOURS = 128  # of a picture: of mixed ones more are not seen, and double the file
SOLID, HOLLOW, SPARSE, LEFT, RIGHT = 0, 1, 5, 4, 8  # klayout's dither patterns

# From the bottom of the chip to its top, which is the order of drawing: colour, pattern
STYLES = {
    "prBoundary": (0x5A626C, HOLLOW),
    "areaid_core": (0x3A4048, HOLLOW),
    "nwell": (0x3A3A2A, SPARSE),
    "psdm": (0x6A4A2A, HOLLOW),
    "nsdm": (0x2A4A3A, HOLLOW),
    "npc": (0x444444, HOLLOW),
    "diff": (0x1F6B3C, SOLID),
    "tap": (0x55773F, SOLID),
    "poly": (0xB03A2E, SOLID),
    "licon1": (0x6E747C, SOLID),
    "li1": (0x6F5FA0, LEFT),
    "mcon": (0x7A8088, SOLID),
    "met1": (0x2F5FC8, LEFT),
    "via": (0x8A9098, SOLID),
    "met2": (0xB84AB6, RIGHT),
    "via2": (0xE0E4EA, SOLID),
    "met3": (0x27A0AC, SPARSE),
    "via3": (0xA8AEB6, SOLID),
    "met4": (0x7C8B52, SPARSE),
    "via4": (0xC0C6CE, SOLID),
    "met5": (0xA07038, SPARSE),
}
# What is to see of shapes that are finer than pixels, and how much of what lies below a layer hides
OVERVIEW = {
    "nwell": 0.25,
    "diff": 0.5,
    "poly": 0.4,
    "li1": 0.5,
    "met1": 0.5,
    "met2": 0.5,
    "met3": 0.5,
    "met4": 0.6,
    "met5": 0.35,
}
VIAS = 0.9, 8.0  # of a model: opacity, and how much larger they look than they are
MODEL = "_metal"  # ends the name of the cell that holds a model
HIDDEN = ("areaid_core", "nwell", "psdm", "nsdm", "npc")  # large areas behind everything, in a detail


@dataclass(frozen=True)
class Extra:
    """A layer that a layout has for the picture alone, with its colour as 0xRRGGBB; drawn last."""

    name: str
    layer: Layer
    colour: int


def write_layer_properties(
    path: Path,
    layers: Mapping[str, Layer],
    program_layers: Collection[str] = ("via2",),
    extra: Sequence[Extra] = (),
) -> None:
    """Write a .lyp file: every layer with its name, numbers and colour, program layers uppermost.

    Args:
        path: The file.
        layers: GDS layer and datatype by name.
        program_layers: Names of those that a model is drawn on.
        extra: Layers of the file that the process does not have.

    Raises:
        FlowError: The file cannot be written.
    """
    view = lay.LayoutView()
    _set_layers(view, layers, program_layers, list(layers), {}, extra)
    _save(path, lambda: view.save_layer_props(str(path)))


def draw_png(
    layout: Path,
    png: Path,
    layers: Mapping[str, Layer],
    *,
    shown: Collection[str] = (),
    program_layers: Collection[str] = ("via2",),
    extra: Sequence[Extra] = (),
    window: Window | None = None,
    size: tuple[int, int] = (1600, 1000),
    backdrop: Path | None = None,
) -> None:
    """Draw a layout: where shapes are finer than pixels as its layers cover them, else as klayout draws it.

    Args:
        layout: GDS or OASIS.
        png: The picture.
        layers: GDS layer and datatype by name.
        shown: Names of the layers to draw; if empty, a choice that suits the whole chip or a window.
        program_layers: Names of those that a model is drawn on; its shapes come last, in their own colour.
        extra: Layers of the file that the process does not have.
        window: Left, bottom, right and top in um; the whole chip if None.
        size: Width and height in pixels; a height of 0 is that of what is drawn.
        backdrop: What `draw_backdrop` wrote for the same window and size, where shapes are finer than pixels.

    Raises:
        FlowError: A name is unknown, the layout is damaged, or the picture cannot be written.
    """
    unknown = sorted(set(shown) - set(layers))
    if unknown:
        raise FlowError(
            f"unknown layers {unknown}; known: {', '.join(layers)}",
            hint="Name layers as the PDK does.",
            code=ExitCode.USAGE,
        )
    if not shown and (window is None or window[2] - window[0] > COARSE * size[0]):
        _draw_covered(layout, png, layers, program_layers, extra, window, size, backdrop)
        return
    view = lay.LayoutView()
    for key, value in {
        "background-color": f"#{BACKGROUND:06x}",
        "grid-visible": "false",
        "text-visible": "false",
        "cell-box-visible": "false",
        "default-text-size": "0.5",
    }.items():
        view.set_config(key, value)
    with _damaged(layout):
        view.load_layout(str(layout), False)
    apart = _set_apart(view.active_cellview().layout(), layers, program_layers)
    _set_layers(view, layers, program_layers, shown or [n for n in layers if n not in HIDDEN], apart, extra)
    view.max_hier()
    whole = view.active_cellview().cell.dbbox()
    target = kdb.DBox(*window) if window else whole.enlarged(whole.width() * MARGIN, whole.height() * MARGIN)
    pixels = _sized(size, target.width(), target.height())
    # Finer than a pixel and averaged, so that vias smaller than one still show how dense they are
    _save(png, lambda: view.save_image_with_options(str(png), *pixels, 0, 3, 0, target, False))


def draw_backdrop(
    layout: Path, path: Path, layers: Mapping[str, Layer], window: Window, size: tuple[int, int]
) -> None:
    """Write what a picture whose shapes are finer than pixels shows of all but a model, for `draw_png`.

    Args:
        layout: GDS or OASIS of the base.
        path: A file of numpy.
        layers: GDS layer and datatype by name.
        window: Left, bottom, right and top in um.
        size: Width and height in pixels.

    Raises:
        FlowError: The layout is damaged.
    """
    made = kdb.Layout()
    with _damaged(layout):
        made.read(str(layout))
    box = kdb.DBox(*window).to_itype(made.dbu)
    np.save(path, cover(_of_base(made, layers, box), box, plain(size, BACKGROUND)))


def _draw_covered(
    path: Path,
    png: Path,
    layers: Mapping[str, Layer],
    program_layers: Collection[str],
    extra: Sequence[Extra],
    window: Window | None,
    size: tuple[int, int],
    backdrop: Path | None,
) -> None:
    layout = kdb.Layout()
    with _damaged(path):
        layout.read(str(path))
        top = layout.top_cell()
    apart = _set_apart(layout, layers, program_layers)
    if window:
        box = kdb.DBox(*window).to_itype(layout.dbu)
    else:
        box = top.bbox() if not top.bbox().empty() else kdb.Box(0, 0, 1, 1)
        box = box.enlarged(round(box.width() * MARGIN), round(box.height() * MARGIN))
    if backdrop:
        below = np.load(backdrop)
    else:
        blank = plain(_sized(size, box.width(), box.height()), BACKGROUND)
        below = cover(_of_base(layout, layers, box), box, blank)
    of_model = [*((a, PROGRAM) for a in apart.values()), *((e.layer, e.colour) for e in extra)]
    parts = [Layered(_seen(layout, layer, box), colour, *VIAS) for layer, colour in of_model]
    save_picture(png, Image.fromarray(pixels(cover(parts, box, below))))


def _of_base(layout: kdb.Layout, layers: Mapping[str, Layer], box: kdb.Box) -> list[Layered]:
    return [
        Layered(_seen(layout, layers[name], box), STYLES[name][0], opacity)
        for name, opacity in OVERVIEW.items()
        if name in layers
    ]


def _seen(layout: kdb.Layout, layer: Layer, box: kdb.Box) -> kdb.Region:
    return kdb.Region(layout.top_cell().begin_shapes_rec_touching(layout.layer(*layer), box))


def save_picture(path: Path, picture: Image.Image) -> None:
    """Write a picture as PNG, with as many colours as are seen.

    Raises:
        FlowError: It cannot be written.
    """
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    _save(path, lambda: few.save(path, "PNG", optimize=True))


def _sized(size: tuple[int, int], width: float, height: float) -> tuple[int, int]:
    return size[0], size[1] or max(round(size[0] * height / width), 1)


def _set_apart(
    layout: kdb.Layout, layers: Mapping[str, Layer], program_layers: Collection[str]
) -> dict[str, Layer]:
    """Move the shapes of a model to layers of their own: vias of wires may lie on its layers, too."""
    free = max((info.layer for info in layout.layer_infos()), default=0) + 1
    models = [c for c in layout.each_cell() if c.name.endswith(MODEL)]
    cells = {index for cell in models for index in (cell.cell_index(), *cell.called_cells())}
    apart = {}
    for number, name in enumerate(sorted(set(program_layers) & set(layers))):
        apart[name] = free, number
        source, target = layout.layer(*layers[name]), layout.layer(free, number)
        for index in cells:
            layout.cell(index).move(source, target)
    return apart


def _set_layers(
    view: lay.LayoutView,
    layers: Mapping[str, Layer],
    program_layers: Collection[str],
    shown: Collection[str],
    apart: Mapping[str, Layer],
    extra: Sequence[Extra],
) -> None:
    """Give a view exactly these layers, from the bottom of the chip up, as klayout draws them.

    `apart` has the layers on which a model's shapes are alone; otherwise all of a program layer are its.
    """
    height = {name: n for n, name in enumerate(STYLES)}
    order = sorted(layers, key=lambda n: (n in program_layers, height.get(n, -1)))
    view.clear_layers()
    drawn = [(name, layers[name], name in program_layers and name not in apart) for name in order]
    drawn += [(name, apart[name], True) for name in order if name in apart]
    looks = []
    for name, layer, of_model in drawn:
        colour, pattern = (PROGRAM, SOLID) if of_model else STYLES.get(name, (OTHER, HOLLOW))
        text = f"{name} {layer[0]}/{layer[1]}" + (" (program)" if of_model else "")
        looks.append((text, layer, colour, pattern, name in shown))
    looks += [(e.name, e.layer, e.colour, SOLID, True) for e in extra]
    for text, layer, colour, pattern, visible in looks:
        p = lay.LayerProperties()
        p.source_layer, p.source_datatype = layer
        p.name = text
        p.fill_color = p.frame_color = colour
        p.dither_pattern = pattern
        p.width = 1
        p.visible = visible
        view.insert_layer(view.end_layers(), p)


@contextlib.contextmanager
def _damaged(layout: Path) -> Iterator[None]:
    try:
        yield
    except RuntimeError as e:
        raise FlowError(f"not a layout, or damaged ({e})", where=str(layout), hint="Build it again.") from e


def _save(path: Path, save: Callable[[], object]) -> None:
    try:
        save()
    except (RuntimeError, OSError) as e:
        raise FlowError(
            f"cannot write ({e})",
            where=str(path),
            hint="Check the output directory and its free space.",
            code=ExitCode.OUTPUT,
        ) from e
