"""Antenna ratios on the layout of the chip, model included."""

__all__ = ["AntennaTask"]

from pathlib import Path
from typing import ClassVar

from flow.tasks.chip_layout import chip_layout
from flow.tasks.step import Job, Result, StepTask


class AntennaTask(StepTask):
    """Its negative control is a gate on too much metal, and one with a diode, on every layer."""

    step_name = "antenna"
    needs: ClassVar[tuple[str, ...]] = ("harden", "metal")
    config: ClassVar[tuple[str, ...]] = ("model", "base", "pdk", "waivers")
    is_check = True
    routed = True

    def layout(self, job: Job) -> tuple[Path, str]:
        """What is checked: a GDS file and its top cell."""
        return chip_layout(job)

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from base_chip.pdk.checks import load_checks
        from flow.tasks.wiring import stack_of
        from signoff.antenna import Rule, run
        from signoff.readback import read_layout

        pdk = load_pdk(job.config.pdk)
        rules = {name: Rule(r.thickness, r.limit) for name, r in load_checks(pdk).antenna.items()}
        chip, top = self.layout(job)
        return Result(
            run(
                read_layout(chip),
                top,
                stack_of(pdk),
                rules,
                job.config.waivers,
                job.scratch / "antenna.lyrdb",
            )
        )
