"""Layout of the ROM banks, with LEF, Verilog and SPICE from the same description."""

__all__ = ["BankTask"]

from flow.tasks.step import Job, Result, StepTask


class BankTask(StepTask):
    """See the module."""

    step_name = "bank"
    config = (
        "base",
        "pdk",
    )
    code = ("base_chip",)
    libraries = (
        "klayout",
        "numpy",
    )

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
