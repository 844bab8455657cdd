"""Static IR drop from the pins at the die's edge to every cell."""

__all__ = ["IrDropTask"]

from flow.tasks.die.stitched import StitchedCheck, stitched_die
from flow.tasks.step import Job, Result


class IrDropTask(StitchedCheck):
    """Static IR drop from the pins at the edge to every cell, at an assumed activity."""

    step_name = "ir_drop"
    roles = ("cells", "tech_lef")

    def check(self, job: Job) -> Result:
        from flow.stitching.power import check_power
        from flow.tasks.energies import six_digits
        from signoff.power.picture import draw_drops

        made, tiles, period = stitched_die(job)
        found = check_power(made, tiles, period, job.pdk)
        width, height = made.plan.die
        size = width / 1000, height / 1000
        draw_drops(job.out / "ir_drop.png", found.found[found.worst].drops, found.places, size)
        return Result(found.rows, six_digits(found.metrics), note=found.note)
