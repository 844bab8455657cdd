"""The die: its tiles side by side, as layout and netlist."""

__all__ = ["StitchTask"]

from flow.tasks.die.stitched import TILES, plan_of
from flow.tasks.step import Job, Result, StepTask


class StitchTask(StepTask):
    """While a tile is not hardened, the layout has no margin: there are no straps to join."""

    step_name = "stitch"
    needs = ("base", *TILES)
    config = ("base",)

    def work(self, job: Job) -> Result:
        from flow.stitching.stitch import stitch

        plan, period = plan_of(job)
        layouts = {name.removeprefix("tile_"): job.inputs[name] / "tile.gds" for name in TILES}
        stitch(plan, layouts, period, job.out)
        x, y = plan.die
        return Result(note=f"{len(plan.tiles)} tiles, {x / 1000:g} x {y / 1000:g} um")
