"""The netlist with the ROM that was read back generates text, token for token as the golden model."""

__all__ = ["GatesimTask"]

from flow.tasks.step import Job, Result, StepTask


class GatesimTask(StepTask):
    """See the module."""

    step_name = "gatesim"
    needs = (
        "quantise",
        "image",
        "synth",
        "readback",
    )
    config = (
        "base",
        "prompt",
        "seed",
        "words",
    )
    code = (
        "signoff",
        "rtl_gen.golden",
    )
    tools = ("iverilog",)
    roles = (
        "cells",
        "cell_models",
    )
    is_check = True

    def work(self, job: Job) -> Result:
        raise NotImplementedError("the domain call comes with integration")
