"""Dies say what the golden model says: their RTL, and their netlist of cells, with the ROMs read back."""

__all__ = ["DieGatesimTask", "DieSimulatorTask", "RtlSimulatorTask", "RtlsimTask", "die_chip"]

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from flow.tasks.die.programmed import LOADED, dies_of, positions_of, read_chip
from flow.tasks.die.tiles import MODELS, NETLIST, routed
from flow.tasks.gatesim import LACKING, Chip, GatesimTask
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from rtl_gen.golden.decoder import GoldenDecoder
    from rtl_gen.golden.network import Network

KINDS = ("rom", "ram", "vec")
TILES = tuple(f"tile_{kind}" for kind in KINDS)


class RtlSimulatorTask(StepTask):
    """Compiles the stitched netlist with the RTL of its tiles: one program for every model of the base."""

    step_name = "rtl_simulator"
    needs = ("stitch", *TILES)
    config = ("base",)
    tools = ("verilator",)

    def work(self, job: Job) -> Result:
        _build(job, [job.inputs[tile] / "rtl.v" for tile in TILES], Path())
        return Result()


class DieSimulatorTask(StepTask):
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
        _build(job, list(found.values()), job.pdk.path("cells"), rises=True)
        mapped = [kind for kind in KINDS if not routed(job.inputs[f"tile_{kind}"])]
        return Result(note=f"mapped, not routed: {', '.join(mapped)}" if mapped else "all tiles routed")


class DieGatesimTask(GatesimTask):
    """As of nano, or of a chain of dies; the control inverts a macro of the first one's first rom tile."""

    needs = ("quantise", "compile", "simulator", "readback")
    config = (*GatesimTask.config, "context")
    counts = True

    def golden(self, job: Job) -> "GoldenDecoder | Network":
        from flow.tasks.integer_model import golden_model

        return golden_model(job.inputs["quantise"], positions_of(job))

    def chip(self, job: Job) -> Chip:
        return die_chip(job)


class RtlsimTask(DieGatesimTask):
    """The same of the tiles' RTL."""

    step_name = "rtlsim"
    needs = ("quantise", "compile", "rtl_simulator", "readback")
    simulator_step = "rtl_simulator"
    counts = False
    metric = "rtl_sim"


def die_chip(job: Job) -> Chip:
    """The dies with the ROMs that were read back; needs `compile` and `readback`."""
    from signoff.gatesim.host import Protocol

    told = read_chip(job.inputs["compile"])
    contents = [
        {name: job.inputs["readback"] / die / f"{name}.hex" for name in told["roms"]} for die in dies_of(job)
    ]
    loaded = (job.inputs["compile"] / LOADED).read_bytes()
    protocol = Protocol("payload", told["token_bytes"], told["count_bytes"], loaded)
    return Chip(contents, protocol, "rom_0_0.bank0.macro", 0)


def _build(job: Job, tiles: list[Path], cells: Path, *, rises: bool = False) -> None:
    from signoff.gatesim import Protocol, build_simulator

    stitched = job.inputs["stitch"] / f"{job.config.base}.v"
    netlist = "\n".join(path.read_text("utf-8") for path in (stitched, *tiles))
    models = {path.name: path for tile in TILES for path in (job.inputs[tile] / MODELS).iterdir()}
    memories = "\n".join(path.read_text("utf-8") for _, path in sorted(models.items()))
    top, data = f"scf_{job.config.base}", Protocol("payload")
    program = build_simulator(netlist, top, cells, memories, job.scratch, protocol=data, rises=rises)
    shutil.copy2(program, job.out / "simulator")
