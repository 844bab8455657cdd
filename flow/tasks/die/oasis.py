"""Whether the two files of a chip are alike."""

__all__ = ["OasisTask"]

from flow.tasks.die.programmed import dies_of
from flow.tasks.step import Job, Result, StepTask


class OasisTask(StepTask):
    """GDS and OASIS of each die with its model, shape by shape."""

    step_name = "oasis"
    needs = ("compile", "metal")
    config = ("base",)
    is_check = True

    def work(self, job: Job) -> Result:
        from signoff.assembly.same import same_layout
        from signoff.readback import read_layout
        from signoff.result import of_dies

        rows = []
        for die in dies_of(job):
            folder = job.scratch / die
            folder.mkdir()
            gds, oasis = (read_layout(job.inputs["metal"] / die / f"chip.{kind}") for kind in ("gds", "oas"))
            rows.append(same_layout(gds, oasis, f"scf_{job.config.base}", folder))
        return Result(of_dies(rows))
