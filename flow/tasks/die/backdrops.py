"""What the report's pictures of a die show of its base, whatever the model."""

__all__ = ["BackdropsTask"]

from flow.tasks.die.stitched import TILES, plan_of
from flow.tasks.die.tiles import routed
from flow.tasks.step import Job, Result, StepTask


class BackdropsTask(StepTask):
    """Of the whole die and of a tile, whose layers take long to draw."""

    step_name = "backdrops"
    needs = ("stitch", *TILES)
    config = ("base", "pdk")

    def work(self, job: Job) -> Result:
        from base_chip.dies import load_die
        from base_chip.pdk import load_pdk
        from flow.report.die_pictures import DieShape, draw_backdrops
        from flow.stitching.roms import die_blocks

        die = load_die(job.config.base)
        done = [kind for kind in die.kinds if routed(job.inputs[f"tile_{kind}"])]
        shape = DieShape(plan_of(job)[0], done, die_blocks(die))
        layout = job.inputs["stitch"] / f"{job.config.base}.gds"
        draw_backdrops(layout, job.out, load_pdk(job.config.pdk), shape)
        return Result(note=", ".join(sorted(path.stem for path in job.out.iterdir())))
