"""Design rules with Magic, style drc(full)."""

__all__ = ["DrcMagicTask"]

from pathlib import Path
from typing import ClassVar

from flow.tasks.chip_layout import chip_layout
from flow.tasks.step import Job, Result, StepTask


class DrcMagicTask(StepTask):
    """Its negative control is a small bank with errors inside its array and beside it."""

    step_name = "drc_magic"
    needs = ("metal",)
    config: ClassVar[tuple[str, ...]] = ("model", "base", "pdk", "waivers")
    tools = ("magic",)
    roles = ("magic_tech",)
    is_check = True

    def layout(self, job: Job) -> tuple[Path, str]:
        """What is checked: a GDS file and its top cell."""
        return chip_layout(job)

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.pdk.magic_tech import tech_for_magic
        from flow.tasks.sample import sample_bank
        from rtl_gen.tools import require
        from signoff.drc_magic import control, run

        chip, top = self.layout(job)
        tech = tech_for_magic(job.pdk.path("magic_tech"), require("magic"))
        sample = sample_bank(job.config.pdk, job.scratch)
        checks = [
            run(chip, top, tech, job.scratch / "drc", waivers=job.config.waivers),
            control(
                sample.layout,
                sample.spec.name,
                tech,
                job.scratch / "control",
                site=sample.empty,
                layers=load_pdk(job.config.pdk).layers,
            ),
        ]
        return Result(checks)
