"""The metal config (OASIS and manifest) and the chip: base and metal config merged."""

__all__ = ["MetalTask"]

from flow.tasks.step import Job, Result, StepTask


class MetalTask(StepTask):
    """See the module."""

    step_name = "metal"
    needs = (
        "bank",
        "image",
    )
    config = (
        "base",
        "pdk",
    )
    code = (
        "metal_configs",
        "base_chip",
    )
    libraries = (
        "klayout",
        "numpy",
    )

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
