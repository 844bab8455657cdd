"""Design rules with Magic, style drc(full)."""

__all__ = ["DrcMagicTask"]

from flow.tasks.step import Job, Result, StepTask


class DrcMagicTask(StepTask):
    """See the module."""

    step_name = "drc_magic"
    needs = ("metal",)
    config = ("pdk",)
    code = (
        "signoff",
        "flow.pdk.magic_tech",
    )
    tools = ("magic",)
    roles = ("magic_tech",)
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
