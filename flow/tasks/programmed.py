"""What steps read that put a model's vias on a base, and that look at what became of it."""

__all__ = ["ProgrammedStep"]

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flow.tasks.step import Job, StepTask

if TYPE_CHECKING:
    from metal_configs.sitemap import SiteMap


class ProgrammedStep(StepTask):
    """Its base is nano's kind; `flow.tasks.die.programmed` has that of a die of tiles."""

    def sites(self, job: Job) -> "SiteMap":
        """Where each bit of the ROM lies."""
        from base_chip.config import load_base
        from flow.tasks.sites import site_map

        return site_map(load_base(job.config.base))

    def dies(self, job: Job) -> list[str]:
        """Folders of the dies, in the outputs of steps that have something for each."""
        return ["."]

    def images(self, job: Job) -> np.ndarray:
        """The ROM image of each die, bool [dies, rows, bits]."""
        from flow.tasks.rom_image import read_image

        return read_image(job.inputs["image"])[np.newaxis]

    def base_layout(self, job: Job) -> Path:
        """The base chip's layout."""
        return job.inputs["base"] / "base.gds"
