"""Every bit, read from the finished layout by a reader of its own."""

__all__ = ["ReadbackTask"]

from flow.tasks.step import Job, Result, StepTask


class ReadbackTask(StepTask):
    """See the module."""

    step_name = "readback"
    needs = (
        "image",
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
