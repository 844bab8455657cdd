"""What a die of tiles is made of."""

__all__ = ["AssemblyTask"]

from flow.tasks.die.stitched import TILES, lacking_tiles, stitched_die
from flow.tasks.step import Job, Result, StepTask


class AssemblyTask(StepTask):
    """Every instance, cell, transistor and layer of the stitched die; `invariance` says what a model adds.

    Each of its checks has a control, with one planted fault of each kind.
    """

    step_name = "assembly"
    needs = ("stitch", *TILES)
    config = ("base",)
    roles = ("cells", "tech_lef")
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.stitching.assembly import check_assembly

        if lacking := lacking_tiles(self.step_name, job):
            return lacking
        made, tiles, _ = stitched_die(job)
        rows, expected = check_assembly(made, tiles, job.pdk, job.scratch)
        cells = sum(plan.cells.total() for plan in expected.plans)
        return Result(rows, note=f"{cells} cells and memories in {len(tiles)} kinds of tile")
