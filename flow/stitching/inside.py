"""What is checked inside a hardened tile; what lies between tiles is the business of `seams`."""

__all__ = ["inside"]

from pathlib import Path

import klayout.db as kdb

from base_chip.harden.block import Block
from base_chip.harden.constraints import tile_sdc
from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.checks import load_checks
from base_chip.pdk.place_route import load_place_route
from flow.pdk.files import PdkFiles
from flow.pdk.magic_tech import tech_for_magic
from flow.stitching.periods import PERIODS
from flow.stitching.tiles import HardTile
from flow.tasks.wiring import stack_of
from rtl_gen.tools import require
from signoff import antenna, lvs_cells, lvs_chip, routed_equiv, same_netlist, sta
from signoff.chip.netlist import read_pins
from signoff.chip.verilog import chip_netlist
from signoff.netlist import read_netlist
from signoff.result import CheckResult
from signoff.timing.analysis import Corner


def inside(
    tile: HardTile, block: Block, period_ns: float, files: PdkFiles, scratch: Path
) -> tuple[list[CheckResult], dict[str, float]]:
    """Equivalence with the mapped netlist, timing, antennas, LVS with macros as boxes.

    Args:
        tile: The tile, drawn.
        block: What it was made from.
        period_ns: Clock period of the slow and the fast corner; `PERIODS` has the others'.
        files: The PDK.
        scratch: Folder for all files; made if missing.

    Returns:
        The rows, each check's followed by its control's; and the metrics of `signoff.sta.run`.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    pdk, cells = load_pdk(block.pdk), files.path("cells")
    mapped, routed, told = (tile.folder / name for name in ("mapped.v", "netlist.v", "lvs.v"))
    supplies = load_place_route(pdk).supplies
    outputs = dict.fromkeys((macro.name for macro in tile.macros), "q")
    rows = [*routed_equiv.run(mapped, routed, block.top, cells, outputs, scratch)]
    rows += same_netlist.run(routed, told, block.top, supplies, scratch)
    timing, metrics = _timing(tile, block, period_ns, files, scratch / "sta")
    return [*rows, *timing, *_layout(tile, block, pdk, files, scratch)], metrics


def _timing(
    tile: HardTile, block: Block, period_ns: float, files: PdkFiles, folder: Path
) -> tuple[list[CheckResult], dict[str, float]]:
    folder.mkdir(parents=True, exist_ok=True)
    corners, pins = [], {name: pin.output for name, pin in block.pins.items()}
    for name, corner in load_place_route(load_pdk(block.pdk)).corners.items():
        liberty = [folder / f"{macro.name}.{name}.lib" for macro in tile.macros]
        for path, macro in zip(liberty, tile.macros, strict=True):
            path.write_text(macro.liberty[corner.liberty])
        period = period_ns * PERIODS.get(name, 1)
        sdc = tile_sdc(block.name, period, pins, tree=True)
        corners.append(Corner(name, tile.folder / f"delays.{name}.sdf", sdc, period, macros=tuple(liberty)))
    names = [macro.name for macro in tile.macros]
    return sta.run(tile.folder / "netlist.v", files.path("cells"), corners, folder, names)


def _layout(tile: HardTile, block: Block, pdk: Pdk, files: PdkFiles, scratch: Path) -> list[CheckResult]:
    """LVS, of the whole and of each kind of cell, and antennas. Macros' programs are not in the layout."""
    cells, setup, facts = files.path("cells"), files.path("netgen_setup"), load_checks(pdk)
    layout = kdb.Layout()
    layout.read(str(tile.gds))
    rules = {name: antenna.Rule(r.thickness, r.limit) for name, r in facts.antenna.items()}
    rows = antenna.run(layout, block.top, stack_of(pdk), rules, markers=scratch / "antenna.lyrdb")
    kinds = lvs_cells.run(
        layout,
        {path.stem: path for path in sorted(cells.glob("*/*.spice"))},
        lvs_cells.Narrow(facts.narrow.width, facts.narrow.models),
        tech_for_magic(files.path("magic_tech"), require("magic")),
        setup,
        scratch / "cells",
        diodes=lvs_cells.Diodes(pdk.layers["diff"], pdk.layers["areaid_diode"]),
    )
    boxes = read_pins(tile.lef.read_text("utf-8"))
    netlist = chip_netlist(read_netlist(tile.folder / "lvs.v"), block.top, boxes)
    whole = lvs_chip.run(layout, block.top, netlist, stack_of(pdk), boxes, setup, scratch / "lvs")
    return [*rows, *whole, *kinds]
