"""Design rules with Magic, style drc(full)."""

__all__ = ["DrcMagicTask"]

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from flow.tasks.step import Job, Result, StepTask


class DrcMagicTask(StepTask):
    """Its negative control is a small bank with errors inside its array and beside it."""

    step_name = "drc_magic"
    needs = ("metal",)
    config: ClassVar[tuple[str, ...]] = ("model", "base", "pdk")
    code = (
        "signoff.absent_rules",
        "signoff.drc_magic",
        "signoff.drc_parts",
        "signoff.gds",
        "signoff.controls",
        "signoff.eda",
        "signoff.tcl",
        "signoff.violations",
        "base_chip.bank",
        "base_chip.pdk",
        "flow.pdk.magic_tech",
        "flow.tasks.sample",
    )
    tools = ("magic",)
    libraries = ("klayout",)
    roles = ("magic_tech",)
    is_check = True

    def layout(self, job: Job) -> tuple[Path, str]:
        """What is checked: a GDS file and its top cell."""
        from base_chip.assemble import cell_name

        return job.inputs["metal"] / "chip.gds", cell_name(f"scf_{job.config.base}_{job.config.model}")

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.pdk import tech_for_magic
        from flow.tasks.sample import sample_bank
        from flow.tools import require
        from signoff.absent_rules import without_absent
        from signoff.drc_magic import control, run

        chip, top = self.layout(job)
        tech, left_out = without_absent(
            tech_for_magic(job.pdk.path("magic_tech"), require("magic")),
            chip,
            load_checks(load_pdk(job.config.pdk)).magic_absent,
            job.scratch / "chip.tech",
        )
        sample = sample_bank(job.config.pdk, job.scratch)
        row = run(chip, top, tech, job.scratch / "drc")
        if row.status == "pass" and left_out:
            row = replace(row, detail=f"{row.detail}; no layer for {', '.join(left_out)}")
        checks = [
            row,
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
