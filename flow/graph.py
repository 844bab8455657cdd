"""The one SiliconCompiler flowgraph of a build."""

__all__ = [
    "CHAIN_STEPS",
    "COLUMN_STEPS",
    "STEPS",
    "ancestors",
    "check_steps",
    "descendants",
    "make_project",
    "steps_of",
    "steps_on",
]

import logging
from collections.abc import Sequence

from siliconcompiler import Design, Flowgraph, Project

from base_chip.dies import load_die
from base_chip.harden.artifact import HardenedTile
from flow.request import BuildConfig, Run
from flow.tasks.chain.dies import DiesTask
from flow.tasks.chain.layouts import BankDrcKlayoutTask, BankDrcMagicTask, BankLvsTask
from flow.tasks.chain.plan import PlanTask
from flow.tasks.chain.readback import DieReadbackTask
from flow.tasks.chain.replay import ReplayTask, TileSimulatorTask
from flow.tasks.chain.sample import SampleTask
from flow.tasks.column.metal import ColumnMetalTask
from flow.tasks.column.readback import ColumnReadbackTask
from flow.tasks.column.replay import ColumnReplayTask
from flow.tasks.die.antenna import AntennaTask
from flow.tasks.die.assembly import AssemblyTask
from flow.tasks.die.backdrops import BackdropsTask
from flow.tasks.die.base_layers import BaseLayersTask
from flow.tasks.die.compile import CompileTask
from flow.tasks.die.die_nets import DieNetsTask
from flow.tasks.die.drc_klayout import DieDrcKlayoutTask
from flow.tasks.die.energy import EnergyTask
from flow.tasks.die.equiv import EQUIV_STEPS
from flow.tasks.die.figures import FiguresTask
from flow.tasks.die.floorplan import FloorplanTask
from flow.tasks.die.gatesim import GatesimTask, RtlsimTask
from flow.tasks.die.inside import INSIDE_STEPS
from flow.tasks.die.invariance import InvarianceTask
from flow.tasks.die.ir_drop import IrDropTask
from flow.tasks.die.macros import MacrosTask
from flow.tasks.die.metal import MetalTask
from flow.tasks.die.oasis import OasisTask
from flow.tasks.die.quantise import QuantiseTask
from flow.tasks.die.readback import ReadbackTask
from flow.tasks.die.seams import SeamsTask
from flow.tasks.die.simulators import RtlSimulatorTask, SimulatorTask
from flow.tasks.die.stitch import StitchTask
from flow.tasks.die.supplies import SuppliesTask
from flow.tasks.die.tile_drc import TILE_DRC_STEPS
from flow.tasks.die.tiles import MAP_STEPS, TILE_STEPS
from flow.tasks.die.timed import TimedTask
from flow.tasks.die.timed_simulator import TimedSimulatorTask
from flow.tasks.step import StepTask
from rtl_gen.errors import ExitCode, FlowError

Steps = Sequence[type[StepTask]]

# Of a build on one column of tiles, a die or a chain of built ones. In an order in which each comes after
# what it needs; the table has the same order, and of the steps that can run the first is started: what leads
# to the chip, then what takes longest.
STEPS: Steps = (
    QuantiseTask,
    CompileTask,
    FloorplanTask,
    *TILE_STEPS,
    StitchTask,
    MetalTask,
    ReadbackTask,
    TimedSimulatorTask,
    TimedTask,
    *MAP_STEPS,
    SimulatorTask,
    RtlSimulatorTask,
    RtlsimTask,
    GatesimTask,
    DieNetsTask,
    EnergyTask,
    *TILE_DRC_STEPS,
    *INSIDE_STEPS,
    *EQUIV_STEPS,
    MacrosTask,
    SeamsTask,
    AssemblyTask,
    SuppliesTask,
    DieDrcKlayoutTask,
    AntennaTask,
    IrDropTask,
    BaseLayersTask,
    InvarianceTask,
    OasisTask,
    BackdropsTask,
    FiguresTask,
)

# Of a build on a chain of dies of one column whose vec tile has no artifact.
COLUMN_STEPS: Steps = (
    QuantiseTask,
    CompileTask,
    FloorplanTask,
    *TILE_STEPS,
    StitchTask,
    ColumnMetalTask,
    ColumnReadbackTask,
    RtlSimulatorTask,
    ColumnReplayTask,
)

# Of a build on a chain of dies of several columns, which are planned.
CHAIN_STEPS: Steps = (
    PlanTask,
    DiesTask,
    DieReadbackTask,
    TileSimulatorTask,
    ReplayTask,
    SampleTask,
    BankDrcKlayoutTask,
    BankDrcMagicTask,
    BankLvsTask,
)


def steps_of(config: BuildConfig) -> Steps:
    """The graph of a build."""
    return CHAIN_STEPS if config.chain else steps_on(config.base) if config.base else STEPS


def steps_on(base: str) -> Steps:
    """The graph of builds on a base; FlowError when there is no such base."""
    die = load_die(base)
    if not die.one_column:
        return CHAIN_STEPS
    return STEPS if HardenedTile.ships(die.vec.tile) else COLUMN_STEPS


class OrderedFlow(Flowgraph):
    """A flowgraph whose scheduler prefers nodes in a given order to one by the alphabet."""

    def __init__(self, name: str = "", steps: Sequence[str] = ()) -> None:
        super().__init__(name)
        self.__steps = tuple(steps)

    def get_execution_order(self, reverse: bool = False) -> tuple[tuple[tuple[str, str], ...], ...]:
        levels: tuple[tuple[tuple[str, str], ...], ...] = super().get_execution_order(reverse)
        nodes = [node for level in levels for node in level]
        if set(self.__steps) != {name for name, _ in nodes}:
            return levels
        nodes.sort(key=lambda node: self.__steps.index(node[0]), reverse=reverse)
        return tuple((node,) for node in nodes)


def check_steps(steps: Steps, *names: str | None) -> None:
    """Raise FlowError when a name that was given is not a step's."""
    known = [s.step_name for s in steps]
    for name in names:
        if name is not None and name not in known:
            raise FlowError(
                f"unknown step {name!r}; known: {', '.join(known)}",
                hint="`sc-flow steps` shows the graph.",
                code=ExitCode.USAGE,
            )


def descendants(steps: Steps, name: str) -> tuple[str, ...]:
    """A step and all that depend on it, in graph order."""
    found = {name}
    for step in steps:
        if found.intersection(step.needs):
            found.add(step.step_name)
    return tuple(s.step_name for s in steps if s.step_name in found)


def ancestors(steps: Steps, name: str) -> tuple[str, ...]:
    """A step and all that it depends on, in graph order."""
    found = {name}
    for step in reversed(steps):
        if step.step_name in found:
            found.update(step.needs)
    return tuple(s.step_name for s in steps if s.step_name in found)


def make_project(steps: Steps, run: Run, *, to: str | None, jobs: int) -> Project:
    """A SiliconCompiler project whose nodes are the steps, working in `<build>/work`."""
    flow = OrderedFlow("build", [s.step_name for s in steps])
    for step in steps:
        flow.node(step.step_name, step())
    for step in steps:
        for name in step.needs:
            flow.edge(name, step.step_name)
    design = Design(run.build.name)
    with design.active_fileset("none"):
        design.set_topmodule("chip")  # an identifier, which the name of a folder need not be
    project = Project(design)
    project.set_flow(flow)
    project.add_fileset("none")
    for step in steps:
        step.find_task(project).set("var", "run", str(run.file))
    project.option.set_builddir(str(run.build.parent))
    project.option.set_jobname("work")
    # What need not run again is found by content (flow.keys), across build folders and after a kill, so
    # SiliconCompiler's own check, by time stamps in one folder, starts from nothing each time.
    project.option.set_clean(True)
    project.option.set_quiet(True)
    project.option.set_nodashboard(True)
    project.option.set_nodisplay(True)
    project.option.scheduler.set_maxnodes(jobs)
    if to is not None:
        project.option.add_to(to)
    # The terminal belongs to flow.progress; SiliconCompiler's messages are in work/job.log.
    project.logger.removeHandler(project._logger_console)
    project._logger_console = logging.NullHandler()
    return project
