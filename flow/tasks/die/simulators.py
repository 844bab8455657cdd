"""Simulators of the stitched die, one program for every model of a base: of RTL, and of cells."""

__all__ = ["LACKING", "RtlSimulatorTask", "SimulatorTask"]

import shutil
from pathlib import Path

from flow.tasks.die.tiles import MODELS, NETLIST, routed
from flow.tasks.step import Job, Result, StepTask

KINDS = ("rom", "ram", "vec")
TILES = tuple(f"tile_{kind}" for kind in KINDS)
LACKING = "lacking.txt"  # in place of a simulator: why there is none


class RtlSimulatorTask(StepTask):
    """Compiles the stitched netlist with the RTL of its tiles: one program for every model of the base."""

    step_name = "rtl_simulator"
    needs = ("stitch", *TILES)
    config = ("base",)
    tools = ("verilator",)

    def work(self, job: Job) -> Result:
        _build(job, [job.inputs[tile] / "rtl.v" for tile in TILES], Path())
        return Result()


class SimulatorTask(StepTask):
    """Compiles the stitched netlist with the netlists of its tiles: routed, or mapped where they are not."""

    step_name = "simulator"
    needs = ("stitch", *TILES, *(f"map_{kind}" for kind in KINDS))
    config = ("base",)
    tools = ("verilator",)
    roles = ("cells", "cell_models")

    def work(self, job: Job) -> Result:
        found = {}
        for kind in KINDS:
            tile = job.inputs[f"tile_{kind}"]
            found[kind] = (tile if routed(tile) else job.inputs[f"map_{kind}"]) / NETLIST
        if lacking := [kind for kind, path in found.items() if not path.exists()]:
            why = f"tile {', '.join(lacking)} has neither an artifact nor, without liberty, a mapped netlist"
            (job.out / LACKING).write_text(why)
            return Result(note=why)
        _build(job, list(found.values()), job.pdk.path("cells"), states=True)
        mapped = [kind for kind in KINDS if not routed(job.inputs[f"tile_{kind}"])]
        return Result(note=f"mapped, not routed: {', '.join(mapped)}" if mapped else "all tiles routed")


def _build(job: Job, tiles: list[Path], cells: Path, *, states: bool = False) -> None:
    from signoff.gatesim import Protocol, build_simulator

    stitched = job.inputs["stitch"] / f"{job.config.base}.v"
    netlist = "\n".join(path.read_text("utf-8") for path in (stitched, *tiles))
    models = {path.name: path for tile in TILES for path in (job.inputs[tile] / MODELS).iterdir()}
    memories = "\n".join(path.read_text("utf-8") for _, path in sorted(models.items()))
    top, data = f"scf_{job.config.base}", Protocol("payload")
    program = build_simulator(netlist, top, cells, memories, job.scratch, protocol=data, states=states)
    shutil.copy2(program, job.out / "simulator")
