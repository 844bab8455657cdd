"""Static IR drop from the pins at the die's edge to every cell."""

__all__ = ["IrDropTask"]

from flow.tasks.die.stitched import TILES, lacking_tiles, stitched_die
from flow.tasks.step import Job, Result, StepTask


class IrDropTask(StepTask):
    """Static IR drop from the pins at the edge to every cell, at an assumed activity."""

    step_name = "ir_drop"
    needs = ("stitch", *TILES)
    config = ("base",)
    roles = ("cells", "tech_lef")
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.stitching.power import check_power
        from flow.tasks.energies import six_digits
        from signoff.power.picture import draw_drops

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        made, tiles, period = stitched_die(job)
        found = check_power(made, tiles, period, job.pdk)
        width, height = made.plan.die
        size = width / 1000, height / 1000
        draw_drops(job.out / "ir_drop.png", found.found[found.worst].drops, found.places, size)
        return Result(found.rows, six_digits(found.metrics), note=found.note)
