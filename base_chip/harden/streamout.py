"""Routed DEF, cells and banks to the layout of a base."""

__all__ = ["StreamedOut", "stream_out"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import klayout.db as kdb

from base_chip.harden.closing import close_gaps
from base_chip.harden.def_wires import read_tech, read_wires
from base_chip.harden.lengthen import Lengthened, lengthen
from base_chip.pdk import Pdk
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class StreamedOut:
    """A base's layout, and by layer what was lengthened there to its least area."""

    layout: kdb.Layout
    lengthened: Mapping[str, Lengthened]


def stream_out(
    def_file: Path, lef_files: Sequence[Path], macro_layouts: Sequence[Path], pdk: Pdk
) -> StreamedOut:
    """The layout that a DEF describes, with the cells' own layouts in place.

    Wires are drawn segment by segment (`def_wires`): KLayout's own reading of them narrows some of the jogs
    where two segments of a net meet.

    Args:
        def_file: Placed and routed design, its special nets included.
        lef_files: Tech LEF, and LEF of every cell and macro in the DEF.
        macro_layouts: GDS of every cell and macro, each called as in the LEF.
        pdk: Numbers of the layers.

    Returns:
        A layout whose top cell is called as the DEF's design; pins have shapes and labels on their layers.

    Raises:
        FlowError: A file cannot be read, or the DEF names a cell that no layout has.
    """
    tech = read_tech("".join(_read(path) for path in lef_files))
    wires = read_wires(_read(def_file), tech, pdk.dbu)
    with TemporaryDirectory() as folder:
        rest = Path(folder) / "rest.def"
        rest.write_text(wires.rest, "utf-8")
        layout = _read_def(rest, lef_files, macro_layouts, pdk, def_file)
    top = layout.top_cell()
    if lost := sorted(layout.cell(i).name for i in top.called_cells() if layout.cell(i).is_empty()):
        raise FlowError(
            f"no layout for {len(lost)} of its cells: {', '.join(lost[:5])}",
            where=str(def_file),
            hint="Install the PDK's kit again.",
        )
    for name, boxes in wires.boxes.items():
        shapes = top.shapes(layout.layer(*pdk.layers[name]))
        for box in boxes:
            shapes.insert(kdb.Box(*box))
    for name, least in pdk.merged_if_closer.items():
        close_gaps(top, pdk.layers[name], least)
    lengthened = {
        name: lengthen(top, pdk.layers[name], rule, horizontal=name in tech.horizontal, grid=pdk.grid)
        for name, rule in pdk.least_area.items()
    }
    return StreamedOut(layout, lengthened)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise FlowError(f"cannot read a file of the routed design ({e})", where=str(path)) from e


def _read_def(
    path: Path, lef_files: Sequence[Path], macro_layouts: Sequence[Path], pdk: Pdk, told: Path
) -> kdb.Layout:
    """What KLayout's reader makes of a DEF; errors name the file `told`."""
    options = kdb.LoadLayoutOptions()
    options.warn_level = 0  # it would tell of each purpose that is left out below
    lefdef = options.lefdef_config
    lefdef.dbu = pdk.dbu
    lefdef.lef_files = [str(p) for p in lef_files]
    lefdef.read_lef_with_def = False
    lefdef.macro_layout_files = [str(p) for p in macro_layouts]
    lefdef.macro_resolution_mode = 2  # always the macro's layout, never the outlines that LEF holds of it
    lefdef.layer_map = _layers(pdk)
    lefdef.create_other_layers = False
    for purpose in ("routing", "via_geometry", "special_routing", "fills"):
        setattr(lefdef, f"{purpose}_suffix", "")
    lefdef.pins_suffix, lefdef.labels_suffix = ".PIN", ".LABEL"
    for what in ("lef_pins", "lef_labels", "obstructions", "blockages", "regions"):
        setattr(lefdef, f"produce_{what}", False)
    lefdef.produce_placement_blockages = False
    # Names as properties would double the layout, and it must not depend on how a router calls its nets
    lefdef.net_property_name = lefdef.instance_property_name = lefdef.pin_property_name = None
    layout = kdb.Layout()
    try:
        layout.read(str(path), options)
    except RuntimeError as e:
        raise FlowError(f"cannot read the routed design ({e})", where=str(told)) from e
    return layout


def _layers(pdk: Pdk) -> kdb.LayerMap:
    """Names that KLayout's reader gives to the shapes of a DEF, with our numbers."""
    layers = kdb.LayerMap()
    for name, (number, datatype) in pdk.layers.items():
        layers.map(f"{name} : {number}/{datatype}")
    for suffix, table in (("PIN", pdk.pins), ("LABEL", pdk.labels)):
        for name, (number, datatype) in table.items():
            layers.map(f"{name}.{suffix} : {number}/{datatype}")
    number, datatype = pdk.layers["prBoundary"]
    layers.map(f"OUTLINE : {number}/{datatype}")  # the die, on whose area densities are measured
    for name in pdk.pins:  # a pin is metal too: wires may end at its edge, and its label lies in its middle
        number, datatype = pdk.layers[name]
        layers.mmap(f"{name}.PIN : {number}/{datatype}")
    return layers
