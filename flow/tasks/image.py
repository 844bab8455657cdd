"""The ROM image: weights, scales, tables and the sequencer's program, as `image.npz`."""

__all__ = ["ImageTask"]

from flow.tasks.step import Job, Result, StepTask


class ImageTask(StepTask):
    """See the module."""

    step_name = "image"
    needs = ("quantise",)
    config = ("base",)
    code = (
        "metal_configs",
        "rtl_gen.golden",
        "base_chip.config",
    )
    libraries = ("numpy",)

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
