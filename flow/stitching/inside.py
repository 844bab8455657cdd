"""What is checked inside a hardened tile; what lies between tiles is the business of `seams`."""

__all__ = ["check_tile", "design_rules", "inside", "open_inputs"]

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import klayout.db as kdb

from base_chip.harden.block import Block
from base_chip.harden.constraints import tile_sdc
from base_chip.pdk import Pdk, load_pdk
from base_chip.pdk.checks import load_checks
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import load_tile
from flow.hardening.blocks import load_block
from flow.pdk.files import PdkFiles
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import find_pdk
from flow.stitching.tiles import HardTile, artifact, hardened
from flow.tasks.drc_klayout import klayout_rows
from flow.tasks.sample import sample_bank
from flow.tasks.wiring import stack_of
from rtl_gen.tools import require
from signoff import antenna, drc_magic, lvs_cells, lvs_chip, routed_equiv, same_netlist, sta
from signoff.chip.netlist import read_pins
from signoff.chip.verilog import chip_netlist
from signoff.netlist import read_netlist
from signoff.result import CheckResult
from signoff.timing.analysis import Corner
from signoff.waivers import Waiver

# Of the period that a tile is made for, in which the slow corner must be in time: 25 and 60 MHz
PERIODS = {"typical": 25 / 60}


def check_tile(kind: str) -> list[CheckResult]:
    """Check the artifact of a tile that ships.

    Raises:
        FlowError: There is none (MISSING_TOOL), it was edited or no longer fits, or a tool failed.
    """
    kept, files = artifact(kind), find_pdk(load_pdk(load_tile(kind).pdk))
    with TemporaryDirectory() as scratch:
        tile, block = hardened(kept, kind, files, Path(scratch)), load_block(kind)[0]
        rows, _ = inside(tile, block, load_tile(kind).target_ns, files, Path(scratch) / "checks")
        return [*rows, *design_rules(tile, block, files, Path(scratch) / "rules")]


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


def design_rules(tile: HardTile, block: Block, files: PdkFiles, scratch: Path) -> list[CheckResult]:
    """Design rules in KLayout and in Magic, density, empty shapes; each row followed by its control's."""
    scratch.mkdir(parents=True, exist_ok=True)
    pdk = load_pdk(block.pdk)
    rows = klayout_rows(tile.gds, block.top, pdk, files, scratch / "klayout", open_inputs(tile.folder, block))
    return [*rows, *_magic(tile, block, pdk, files, scratch / "magic")]


def open_inputs(folder: Path, block: Block) -> tuple[Waiver, ...]:
    """Waivers for inputs that a tile does not use: metal without a via, until the next tile drives it."""
    netlist = read_netlist(folder / "netlist.v")
    on_pins = {net for of in netlist.instances.values() for nets in of.pins.values() for net in nets}
    used = on_pins.union(*netlist.aliases)
    return tuple(
        Waiver(
            "drc_klayout",
            f"m{pin.layer.removeprefix('met')}.x",  # as the deck calls floating metal of a layer
            (pin.left, pin.bottom, pin.right, pin.top),
            "an input that the tile does not use: the tile beside it drives it",
            date.max,
        )
        for name, pin in block.pins.items()
        if not pin.output and name not in used
    )


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
    return sta.run(tile.folder / "netlist.v", files.path("cells"), corners, None, folder, names)


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


def _magic(tile: HardTile, block: Block, pdk: Pdk, files: PdkFiles, folder: Path) -> list[CheckResult]:
    folder.mkdir(parents=True, exist_ok=True)
    tech, sample = tech_for_magic(files.path("magic_tech"), require("magic")), sample_bank(pdk.name, folder)
    control = drc_magic.control(
        sample.layout, sample.spec.name, tech, folder / "control", site=sample.empty, layers=pdk.layers
    )
    return [drc_magic.run(tile.gds, block.top, tech, folder / "drc"), control]
