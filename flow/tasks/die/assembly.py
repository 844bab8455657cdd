"""What a die of tiles is made of."""

__all__ = ["AssemblyTask"]

from flow.tasks.die.stitched import StitchedCheck, stitched_die
from flow.tasks.step import Job, Result


class AssemblyTask(StitchedCheck):
    """Every instance, cell, transistor and layer of the stitched die; `invariance` says what a model adds.

    Each of its checks has a control, with one planted fault of each kind.
    """

    step_name = "assembly"
    roles = ("cells", "tech_lef")

    def check(self, job: Job) -> Result:
        from flow.stitching.assembly import check_assembly

        made, tiles, _ = stitched_die(job)
        rows, expected = check_assembly(made, tiles, job.pdk, job.scratch)
        cells = sum(plan.cells.total() for plan in expected.plans)
        return Result(rows, note=f"{cells} cells and memories in {len(tiles)} kinds of tile")
