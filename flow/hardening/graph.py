"""The SiliconCompiler project that hardens a block."""

__all__ = ["FIRST", "LAST", "ROUTED", "hardening_flow", "make_project"]

import json
from dataclasses import dataclass
from pathlib import Path

from siliconcompiler import ASIC, Design, Flowgraph
from siliconcompiler.flows.asicflow import (
    ClockTreeSynthesisFlow,
    FillerCellFlow,
    FloorplanningFlow,
    PlacementFlow,
    RoutingFlow,
)
from siliconcompiler.tools.openroad.antenna_repair import AntennaRepairTask
from siliconcompiler.tools.openroad.clock_tree_synthesis import CTSTask
from siliconcompiler.tools.openroad.detailed_placement import DetailedPlacementTask
from siliconcompiler.tools.openroad.detailed_route import DetailedRouteAntennaRepairTask
from siliconcompiler.tools.openroad.endcap_tapcell_insertion import EndCapTapCellTask
from siliconcompiler.tools.openroad.fillercell_insertion import FillCellTask
from siliconcompiler.tools.openroad.global_placement import GlobalPlacementTask
from siliconcompiler.tools.openroad.global_route import GlobalRouteTask
from siliconcompiler.tools.openroad.init_floorplan import InitFloorplanTask
from siliconcompiler.tools.openroad.power_grid import PowerGridTask
from siliconcompiler.tools.openroad.repair_design import RepairDesignTask
from siliconcompiler.tools.openroad.repair_timing import RepairTimingTask
from siliconcompiler.tools.openroad.write_data import WriteViewsTask

from base_chip.harden import harden_file
from base_chip.harden.block import Block
from base_chip.harden.floorplan import rows_um2
from base_chip.pdk.place_route import PlaceRoute
from base_chip.synth import script_digest
from flow.hardening.library import bank_library, cell_library, process
from flow.hardening.synthesis import SynthesisNode
from flow.pdk.files import PdkFiles

FIRST, ROUTED, LAST = "synthesis", "route.detailed_antenna_repair", "write.views"
# What timing repair adds to the constraints, as routed wires are slower than estimated ones.
SETUP_MARGIN_NS, HOLD_MARGIN_NS = 3.0, 0.2
# Percent by which repair keeps slews below their limits, for the same reason. With 30, buffers for
# slews made the rom tile's worst path 3 ns longer.
SLEW_MARGIN = 15
OVERFLOW_ITERATIONS = 30
ROUTE_ANTENNA_MARGIN = 25  # percent of the antenna limits, before detailed route


@dataclass(frozen=True)
class Sources:
    """Files that hardening starts from; all paths are absolute.

    Attributes:
        rtl: Verilog of the block.
        liberty: Typical liberty, not compressed.
        views: Folder of the macros' LEF and liberty.
        cells: LEF of the cells.
        sdc: Constraints.
        variables: What the PDK's Tcl is told of the block.
        diodes: What diodes.tcl is told: interpreter, diode cell, LEF files.
        closed: What closed.tcl is told: areas that global route keeps off.
    """

    rtl: Path
    liberty: Path
    views: Path
    cells: Path
    sdc: Path
    variables: Path
    diodes: Path
    closed: Path


def hardening_flow() -> Flowgraph:
    """Synthesis, SiliconCompiler's floorplan, placement, clock tree and routing, and the views of the result.

    As SiliconCompiler's `asicflow`, without its synthesis (which needs a Yosys with Tcl) and its metal fill.
    """
    flow = Flowgraph("hardening")
    flow.node(FIRST, SynthesisNode())
    last = FIRST
    for prefix, part in (
        ("floorplan", FloorplanningFlow()),
        ("place", PlacementFlow()),
        ("cts", ClockTreeSynthesisFlow()),
        ("fill", FillerCellFlow()),
        ("route", RoutingFlow()),
    ):
        flow.graph(part, name=prefix)
        for name, _ in part.get_entry_nodes():
            flow.edge(last, f"{prefix}.{name}")
        ((name, _),) = part.get_exit_nodes()
        last = f"{prefix}.{name}"
    flow.node(LAST, WriteViewsTask())
    flow.edge(last, LAST)
    return flow


def make_project(
    block: Block, facts: PlaceRoute, files: PdkFiles, sources: Sources, build: Path, *, jobs: int
) -> ASIC:
    """A project whose run leaves the hardened block in `<build>/<top>/harden/write.views/0/outputs`.

    Raises:
        FlowError: The PDK lacks liberty or extraction rules for a corner.
    """
    design = Design(block.top)
    with design.active_fileset("harden"):
        design.set_topmodule(block.top)
        design.add_file(str(sources.sdc), filetype="sdc")
    project = ASIC(design)
    project.add_fileset("harden")
    pdk = process(files, facts, block.layer_adjustment)
    project.set_pdk(pdk)
    cells = cell_library(files, facts, pdk, sources.cells, block.dont_use)
    cells.set_openroad_placement_density(block.density)
    project.set_mainlib(cells)
    for macro in block.memories:
        project.add_asiclib(bank_library(macro.name, sources.views, facts, pdk))
    project.set_asic_delaymodel("nldm")
    project.set_flow(hardening_flow())
    _constrain(project, block, facts)
    _set_up_tasks(project, block, facts, sources)
    project.option.set_builddir(str(build))
    project.option.set_jobname("harden")
    project.option.set_quiet(True)
    project.option.set_nodashboard(True)
    project.option.set_nodisplay(True)
    project.option.scheduler.set_maxnodes(1)
    project.option.scheduler.set_maxthreads(jobs)
    return project


def _constrain(project: ASIC, block: Block, facts: PlaceRoute) -> None:
    for name, corner in facts.corners.items():
        scenario = project.constraint.timing.make_scenario(name)
        scenario.add_libcorner(name)
        scenario.set_pexcorner(corner.parasitics)
        scenario.add_check(list(corner.checks))
        scenario.set_pin_voltage("VPWR", corner.voltage)
    project.constraint.area.set_dieoutline(*block.die)
    project.constraint.area.set_corearea([tuple(p) for p in block.core])
    for name, (x, y) in block.origins().items():
        macro = project.constraint.component.make_component(name)
        macro.set_placement(x, y)
        macro.set_rotation(block.places[name].orient)
    for port, at in block.pins.items():
        pin = project.constraint.pin.make_pinconstraint(port)
        pin.set_layer(at.layer)
        pin.set_placement(round((at.left + at.right) / 2, 4), round((at.bottom + at.top) / 2, 4))
        pin.set_shape("rectangle")
        pin.set_width(round(at.right - at.left, 4))
        pin.set_length(round(at.top - at.bottom, 4))


def _set_up_tasks(project: ASIC, block: Block, facts: PlaceRoute, sources: Sources) -> None:
    synthesis = SynthesisNode.find_task(project)
    synthesis.set("var", "script", script_digest())
    synthesis.set("var", "block", f"{block.kind} {block.name}")
    synthesis.set("var", "rows_um2", rows_um2(block))
    synthesis.set("var", "rtl", str(sources.rtl))
    synthesis.set("var", "liberty", str(sources.liberty))
    synthesis.set("var", "macros", json.dumps({macro.name: macro.ports for macro in block.memories}))
    synthesis.set("var", "resimplify", block.resimplify)
    for task in (EndCapTapCellTask, PowerGridTask):
        task.find_task(project).set("prescript", str(sources.variables))
    for legal in (DetailedPlacementTask, CTSTask, FillCellTask, RepairTimingTask):
        legal.find_task(project).set("var", "dpl_use_diamond_legalizer", block.diamond)
    InitFloorplanTask.find_task(project).set("var", "ifp_snap_strategy", "none")
    timing = RepairTimingTask.find_task(project)
    # Smaller cells where there is slack would save a little power for an hour of work.
    timing.set("var", "rsz_skip_recover_power", True)
    # Rebuffering was seen to put 36 buffers in series on one net: 17 ns.
    timing.set("var", "rsz_skip_buffering", True)
    # The worst paths alone: with all of them, most of the time goes into ends that cannot be helped.
    timing.set("var", "rsz_repair_tns", 0)
    timing.set("var", "rsz_setup_slack_margin", SETUP_MARGIN_NS)
    timing.set("var", "rsz_hold_slack_margin", HOLD_MARGIN_NS)
    # Wires differ from what global route foresaw, so more is repaired there, where a diode costs nothing.
    antennas = AntennaRepairTask.find_task(project)
    antennas.set("var", "ant_margin", ROUTE_ANTENNA_MARGIN)
    antennas.set("prescript", str(harden_file("antennas.tcl")))
    repair = RepairDesignTask.find_task(project)
    repair.add("prescript", str(harden_file("ports.tcl")))
    # Wires alone: timing puts buffers in, and congestion over macros blows cells up.
    for slews in (repair, timing):
        slews.set("var", "rsz_slew_margin", SLEW_MARGIN)
    for seen in ("timing", "routability"):
        GlobalPlacementTask.find_task(project).set("var", f"gpl_{seen}_driven", False)
    # A hundredth of the tracks that are wanted over the macros is missing to the end: the detailed router
    # finds them among those that layer_adjustment leaves alone.
    route = GlobalRouteTask.find_task(project)
    route.set("var", "grt_allow_congestion", True)
    route.set("var", "grt_overflow_iter", OVERFLOW_ITERATIONS)
    if block.closed:
        for routes in (route, antennas):
            routes.add("prescript", [str(sources.closed), str(harden_file("closed.tcl"))])
    # Diodes below wires first, so that nothing is left for which the task would route again
    behind = DetailedRouteAntennaRepairTask.find_task(project)
    behind.set("prescript", [str(sources.diodes), str(harden_file("diodes.tcl"))])
    behind.set("var", "ant_margin", 0)
    if block.clock_layer:
        for routes in (GlobalRouteTask, AntennaRepairTask):
            routes.find_task(project).set("var", "grt_clock_min_layer", block.clock_layer)
    if block.homes:
        repair.add("prescript", [str(sources.variables), str(harden_file("homes.tcl"))])
    if block.split_gates:
        repair.add("prescript", str(harden_file("clock_gates.tcl")))
    CTSTask.find_task(project).set("prescript", str(harden_file("clock_tree.tcl")))
