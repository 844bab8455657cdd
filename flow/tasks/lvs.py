"""Layout against schematic: extracted bank against the netlist made from the weights."""

__all__ = ["LvsTask"]

from flow.tasks.step import Job, Result, StepTask


class LvsTask(StepTask):
    """See the module."""

    step_name = "lvs"
    needs = ("bank",)
    config = (
        "base",
        "pdk",
    )
    code = (
        "signoff",
        "base_chip",
    )
    tools = (
        "magic",
        "netgen",
    )
    roles = (
        "magic_tech",
        "netgen_setup",
    )
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
