"""Routed DEF, cells and banks to the layout of a base."""

__all__ = ["stream_out"]

from collections.abc import Sequence
from pathlib import Path

import klayout.db as kdb

from base_chip.harden.closing import close_gaps
from base_chip.pdk import Pdk
from rtl_gen.errors import FlowError


def stream_out(
    def_file: Path, lef_files: Sequence[Path], macro_layouts: Sequence[Path], pdk: Pdk
) -> kdb.Layout:
    """The layout that a DEF describes, with the cells' own layouts in place.

    Args:
        def_file: Placed and routed design, its special nets included.
        lef_files: Tech LEF, and LEF of every cell and macro in the DEF.
        macro_layouts: GDS of every cell and macro, each called as in the LEF.
        pdk: Numbers of the layers.

    Returns:
        A layout whose top cell is called as the DEF's design; pins have shapes and labels on their layers.

    Raises:
        FlowError: The DEF cannot be read, or names a cell that no layout has.
    """
    options = kdb.LoadLayoutOptions()
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
        layout.read(str(def_file), options)
    except RuntimeError as e:
        raise FlowError(f"cannot read the routed design ({e})", where=str(def_file)) from e
    top = layout.top_cell()
    if lost := sorted(layout.cell(i).name for i in top.called_cells() if layout.cell(i).is_empty()):
        raise FlowError(
            f"no layout for {len(lost)} of its cells: {', '.join(lost[:5])}",
            where=str(def_file),
            hint="Install the PDK's kit again.",
        )
    for name, least in pdk.merged_if_closer.items():
        close_gaps(top, pdk.layers[name], least)
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
