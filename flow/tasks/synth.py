"""The netlist: mapped from the RTL where there is liberty, else the shipped one, hash-checked."""

__all__ = ["SynthTask"]

from flow.tasks.step import Job, Result, StepTask


class SynthTask(StepTask):
    """See the module."""

    step_name = "synth"
    needs = ("rtl",)
    config = (
        "base",
        "pdk",
    )
    code = ("base_chip",)
    tools = ("yosys",)
    roles = ("liberty",)

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
