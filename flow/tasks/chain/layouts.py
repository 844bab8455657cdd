"""Design rules and LVS on banks with the contents of built dies: dies are planned, their banks are real."""

__all__ = ["BankDrcKlayoutTask", "BankDrcMagicTask", "BankLvsTask"]

from pathlib import Path

import numpy as np

from flow.tasks.drc_klayout import DrcKlayoutTask
from flow.tasks.drc_magic import DrcMagicTask
from flow.tasks.lvs import LvsTask
from flow.tasks.sample import BIT_LINES, TOP, WORD_LINES, SampleBank
from flow.tasks.step import Job


class BankDrcKlayoutTask(DrcKlayoutTask):
    """As for a chip, on the two banks."""

    needs = ("sample",)
    config = ("pdk", "waivers")

    def layout(self, job: Job) -> tuple[Path, str]:
        return job.inputs["sample"] / "banks.gds", TOP


class BankDrcMagicTask(DrcMagicTask):
    """As for a chip, on the two banks."""

    needs = ("sample",)
    config = ("pdk", "waivers")

    def layout(self, job: Job) -> tuple[Path, str]:
        return job.inputs["sample"] / "banks.gds", TOP


class BankLvsTask(LvsTask):
    """As for a chip, with the corner of a sampled bank as contents."""

    needs = ("sample",)

    def sample(self, job: Job) -> SampleBank:
        from flow.tasks.sample import sample_bank

        bits = np.load(job.inputs["sample"] / "bits.npy")[0, :WORD_LINES, :BIT_LINES]
        return sample_bank(job.config.pdk, job.scratch, bits)
