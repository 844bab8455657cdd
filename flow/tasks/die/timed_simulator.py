"""Simulator of the routed die with its delays, one program for every model of a base."""

__all__ = ["TimedSimulatorTask"]

from flow.tasks.die.simulators import LACKING
from flow.tasks.die.stitched import TILES, lacking_tiles, stitched_die
from flow.tasks.step import Job, Result, StepTask

_LARGEST = 5.0  # mm2 of a die whose token is simulated: nano's, of 4,200 cycles, takes a minute


class TimedSimulatorTask(StepTask):
    """Icarus, typical corner. What ROMs hold is read when it runs."""

    step_name = "timed_simulator"
    needs = ("stitch", *TILES)
    config = ("base",)
    tools = ("iverilog",)
    roles = ("cells",)
    is_check = True  # of nothing by itself: without Icarus it is not run

    def work(self, job: Job) -> Result:
        if why := _lacking(job):
            (job.out / LACKING).write_text(why)
            return Result(note=why)
        from flow.stitching.timed import timed_die
        from flow.tasks.die.tiles import MODELS
        from signoff.gatesim.host import Protocol
        from signoff.gatesim.timed_run import build_timed

        made, tiles, _ = stitched_die(job)
        design = timed_die(made, tiles, job.pdk.path("cells"), job.scratch / "die")
        models = {path.name: path for tile in TILES for path in (job.inputs[tile] / MODELS).iterdir()}
        memories = "\n".join(path.read_text("utf-8") for _, path in sorted(models.items()))
        chip = build_timed(design, memories, job.scratch / "chip", job.out, Protocol("payload").data)
        limits = chip.limits
        return Result(note=f"{limits.paths + limits.wires} delays, {limits.checks} setup and hold limits")


def _lacking(job: Job) -> str:
    """Why there is none of this die."""
    from base_chip.dies import load_die

    if lacking := lacking_tiles("timed", job):
        return lacking.checks[0].reason
    width, height = load_die(job.config.base).die
    if (area := width * height / 1e6) > _LARGEST:
        return f"{area:.1f} mm2, more than {_LARGEST:g}: a token would take hours; STA sees every path"
    return ""
