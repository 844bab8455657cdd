"""Pictures of layouts without a display, and the layer names and colours that klayout shows them in."""

__all__ = ["draw_png", "write_layer_properties"]

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import klayout.db as kdb
import klayout.lay as lay

from rtl_gen.errors import ExitCode, FlowError

Layer = tuple[int, int]
Window = tuple[float, float, float, float]

BACKGROUND = 0x0E1116
PROGRAM = 0xFFD400  # a colour that no other layer has
OTHER = 0x808890
MARGIN = 0.02  # of the chip's size around it
SOLID, HOLLOW, DOTS, SPARSE, LEFT, RIGHT = 0, 1, 3, 5, 4, 8  # klayout's dither patterns

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
OVERVIEW = ("prBoundary", "met3", "via2")  # what is left to see of a whole chip
HIDDEN = ("areaid_core", "nwell", "psdm", "nsdm", "npc")  # large areas behind everything, in a detail


def write_layer_properties(
    path: Path, layers: Mapping[str, Layer], program_layers: Collection[str] = ("via2",)
) -> None:
    """Write a .lyp file: every layer with its name, numbers and colour, program layers uppermost.

    Args:
        path: The file.
        layers: GDS layer and datatype by name.
        program_layers: Names of those that a model is drawn on.

    Raises:
        FlowError: The file cannot be written.
    """
    view = lay.LayoutView()
    _set_layers(view, layers, program_layers, list(layers))
    _save(path, lambda: view.save_layer_props(str(path)))


def draw_png(
    layout: Path,
    png: Path,
    layers: Mapping[str, Layer],
    *,
    shown: Collection[str] = (),
    program_layers: Collection[str] = ("via2",),
    window: Window | None = None,
    size: tuple[int, int] = (1600, 1000),
) -> None:
    """Draw a layout.

    Args:
        layout: GDS or OASIS.
        png: The picture.
        layers: GDS layer and datatype by name.
        shown: Names of the layers to draw; if empty, a choice that suits the whole chip or a window.
        program_layers: Names of those that a model is drawn on; they are drawn last, in their own colour.
        window: Left, bottom, right and top in um; the whole chip if None.
        size: Width and height in pixels.

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
    view = lay.LayoutView()
    for key, value in {
        "background-color": f"#{BACKGROUND:06x}",
        "grid-visible": "false",
        "text-visible": "false",
        "cell-box-visible": "false",
        "default-text-size": "0.5",
    }.items():
        view.set_config(key, value)
    try:
        view.load_layout(str(layout), False)
    except RuntimeError as e:
        raise FlowError(f"not a layout, or damaged ({e})", where=str(layout), hint="Build it again.") from e
    chosen = shown or [
        n for n in layers if (n not in HIDDEN if window else n in {*OVERVIEW, *program_layers})
    ]
    _set_layers(view, layers, program_layers, chosen)
    view.max_hier()
    whole = view.active_cellview().cell.dbbox()
    target = kdb.DBox(*window) if window else whole.enlarged(whole.width() * MARGIN, whole.height() * MARGIN)
    # Finer than a pixel and averaged, so that vias smaller than one still show how dense they are
    _save(png, lambda: view.save_image_with_options(str(png), *size, 0, 3, 0, target, False))


def _set_layers(
    view: lay.LayoutView,
    layers: Mapping[str, Layer],
    program_layers: Collection[str],
    shown: Collection[str],
) -> None:
    """Give a view exactly these layers, from the bottom of the chip up, as klayout draws them."""
    height = {name: n for n, name in enumerate(STYLES)}
    order = sorted(layers, key=lambda n: (n in program_layers, height.get(n, -1)))
    view.clear_layers()
    for name in order:
        color, pattern = STYLES.get(name, (OTHER, HOLLOW))
        if name in program_layers:
            color, pattern = PROGRAM, SOLID
        p = lay.LayerProperties()
        p.source_layer, p.source_datatype = layers[name]
        p.name = f"{name} {layers[name][0]}/{layers[name][1]}" + (
            " (program)" if name in program_layers else ""
        )
        p.fill_color = p.frame_color = color
        p.dither_pattern = pattern
        p.width = 1
        p.visible = name in shown
        view.insert_layer(view.end_layers(), p)


def _save(path: Path, save: Callable[[], object]) -> None:
    try:
        save()
    except RuntimeError as e:
        raise FlowError(
            f"cannot write ({e})",
            where=str(path),
            hint="Check the output directory and its free space.",
            code=ExitCode.OUTPUT,
        ) from e
