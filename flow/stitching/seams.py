"""The checks of a stitched die: what tiles by themselves cannot show."""

__all__ = ["check_seams"]

from collections.abc import Mapping
from pathlib import Path

import klayout.db as kdb

from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.stitch.windows import windows
from flow.pdk.files import PdkFiles
from flow.pdk.magic_tech import tech_for_magic
from flow.stitching.delays import delays_of
from flow.stitching.periods import PERIODS
from flow.stitching.routed import routed_of
from flow.stitching.stitch import Stitched, constraints
from flow.stitching.tiles import HardTile
from flow.stitching.wires import wires_of_margin
from flow.tasks.wiring import stack_of
from rtl_gen.tools import require
from signoff.netlist import read_netlist
from signoff.result import CheckResult
from signoff.seams import Die, Stand, drc, lvs, supplies, timing
from signoff.seams.plant import plant
from signoff.timing.analysis import Corner


def check_seams(
    made: Stitched, tiles: Mapping[str, HardTile], period_ns: float, files: PdkFiles, scratch: Path
) -> tuple[list[CheckResult], dict[str, float]]:
    """Placement, power grid, LVS with tiles as boxes, timing and design rules of seams, each with a control.

    Args:
        made: The die.
        tiles: By kind.
        period_ns: Clock period of the slow and the fast corner; `PERIODS` has the others'.
        files: The PDK.
        scratch: Folder for all files; made if missing.

    Returns:
        The rows, and the metrics: ns to spare at the seams, by corner.
    """
    pdk, plan = load_pdk(made.plan.pdk), made.plan
    routed = {tile.view.cell: routed_of(tile.folder, files) for tile in tiles.values()}
    die = Die(
        plan.top,
        read_netlist(made.file(".lvs.v")),
        {tile.name: Stand(tile.view.cell, tile.at) for tile in plan.tiles},
        routed,
        windows(plan),
    )
    layout = kdb.Layout()
    layout.read(str(made.file(".gds")))
    track = round(load_place_route(pdk).pin_pitch["horizontal"] * 1000)
    planted = plant(layout, die, pdk.layers, pdk.pins, pdk.labels, track)
    stack, setup = stack_of(pdk), files.path("netgen_setup")
    rows = lvs.placement(layout, planted, die, scratch / "placement")
    rows += supplies.run(layout, planted, die, stack, scratch / "supplies")
    told, metrics = _timing(made, tiles, period_ns, files, scratch / "timing")
    magic = tech_for_magic(files.path("magic_tech"), require("magic"))
    rules = drc.run(layout, die, files.path("klayout_drc"), magic, pdk.layers, scratch / "drc")
    rows += lvs.run(layout, planted, die, stack, setup, scratch / "lvs")
    return [*rows, *told, *rules], metrics


def _timing(
    made: Stitched, tiles: Mapping[str, HardTile], period_ns: float, files: PdkFiles, folder: Path
) -> tuple[list[CheckResult], dict[str, float]]:
    folder.mkdir(parents=True, exist_ok=True)
    macros = {macro.name: macro for tile in tiles.values() for macro in tile.macros}
    corners = []
    for name, corner in load_place_route(load_pdk(made.plan.pdk)).corners.items():
        liberty = [folder / f"{macro.name}.{name}.lib" for macro in macros.values()]
        for path, macro in zip(liberty, macros.values(), strict=True):
            path.write_text(macro.liberty[corner.liberty])
        period = period_ns * PERIODS.get(name, 1)
        sdc = constraints(made.plan, period)
        timed = Corner(name, Path(), sdc, period, macros=tuple(liberty))
        corners.append(timing.SeamCorner(timed, delays_of(tiles, name)))
    wires = wires_of_margin(made.plan)
    die = timing.Timed(read_netlist(made.file(".v")), files.path("cells"), list(macros), wires)
    return timing.run(die, corners, folder)
