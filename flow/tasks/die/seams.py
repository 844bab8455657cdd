"""What is checked of the seams of a die, and of its margin."""

__all__ = ["SeamsTask"]

from flow.tasks.die.stitched import StitchedCheck, stitched_die
from flow.tasks.step import Job, Result


class SeamsTask(StitchedCheck):
    """Placement, supplies, LVS with tiles as boxes, timing and design rules at seams, each with a control."""

    step_name = "seams"
    tools = ("klayout", "magic", "netgen", "sta")
    roles = ("cells", "tech_lef", "netgen_setup", "klayout_drc", "magic_tech")

    def check(self, job: Job) -> Result:
        from flow.stitching.seams import check_seams

        made, tiles, period = stitched_die(job)
        return Result(*check_seams(made, tiles, period, job.pdk, job.scratch / "seams"))
