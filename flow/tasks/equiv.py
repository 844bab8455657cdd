"""Yosys proves that netlist and RTL of the engine do the same."""

__all__ = ["EquivTask"]

from flow.tasks.step import Job, Result, StepTask


class EquivTask(StepTask):
    """See the module."""

    step_name = "equiv"
    needs = (
        "rtl",
        "synth",
    )
    config = (
        "base",
        "pdk",
    )
    code = ("signoff",)
    tools = ("yosys",)
    roles = (
        "cells",
        "cell_models",
    )
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
