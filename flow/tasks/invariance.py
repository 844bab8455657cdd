"""Base and chip differ on the program layers alone, and only on legal sites."""

__all__ = ["InvarianceTask"]

from flow.tasks.step import Job, Result, StepTask


class InvarianceTask(StepTask):
    """See the module."""

    step_name = "invariance"
    needs = (
        "bank",
        "metal",
    )
    config = (
        "base",
        "pdk",
    )
    code = ("signoff",)
    libraries = (
        "klayout",
        "numpy",
    )
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
