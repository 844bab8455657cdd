"""Design rules with the KLayout deck, every rule group on; density and empty shapes with theirs."""

__all__ = ["DrcKlayoutTask"]

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from flow.tasks.step import Job, Result, StepTask


class DrcKlayoutTask(StepTask):
    """Each has a negative control: for the rules, a small bank with an error of each group."""

    step_name = "drc_klayout"
    needs = ("metal",)
    config: ClassVar[tuple[str, ...]] = ("model", "base", "pdk", "waivers")
    tools = ("klayout",)
    roles = ("klayout_drc", "klayout_density", "klayout_zeroarea")
    is_check = True

    def layout(self, job: Job) -> tuple[Path, str]:
        """What is checked: a GDS file and its top cell."""
        from base_chip.assemble import cell_name

        return job.inputs["metal"] / "chip.gds", cell_name(f"scf_{job.config.base}_{job.config.model}")

    def work(self, job: Job) -> Result:
        from base_chip.pdk import load_pdk
        from flow.tasks.sample import sample_bank
        from signoff.drc_klayout import (
            control,
            density,
            density_control,
            run,
            zero_area,
            zero_area_control,
        )

        chip, top = self.layout(job)
        deck = job.pdk.path("klayout_drc")
        dense, empty = job.pdk.path("klayout_density"), job.pdk.path("klayout_zeroarea")
        sample = sample_bank(job.config.pdk, job.scratch)
        layers = load_pdk(job.config.pdk).layers
        checks = (
            lambda: run(chip, top, deck, job.scratch / "drc", waivers=job.config.waivers),
            lambda: control(
                sample.layout,
                sample.spec.name,
                deck,
                job.scratch / "control",
                site=sample.empty,
                layers=layers,
            ),
            lambda: density(chip, top, dense, job.scratch / "density", waivers=job.config.waivers),
            lambda: density_control(dense, job.scratch / "density_control", layers=layers),
            lambda: zero_area(chip, top, empty, job.scratch / "zero"),
            lambda: zero_area_control(empty, job.scratch / "zero_control", layers=layers),
        )
        with ThreadPoolExecutor(2) as pool:  # the first takes longer than all others
            return Result([row.result() for row in [pool.submit(check) for check in checks]])
