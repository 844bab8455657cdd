"""Design rules with the KLayout deck, every rule group on."""

__all__ = ["DrcKlayoutTask"]

from flow.tasks.step import Job, Result, StepTask


class DrcKlayoutTask(StepTask):
    """See the module."""

    step_name = "drc_klayout"
    needs = ("metal",)
    config = ("pdk",)
    code = ("signoff",)
    tools = ("klayout",)
    roles = (
        "klayout_drc",
        "klayout_density",
        "klayout_zeroarea",
    )
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
