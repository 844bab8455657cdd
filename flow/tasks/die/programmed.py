"""What steps read that put a model's vias on a die, and that look at what became of it."""

__all__ = [
    "CHIP", "LOADED", "ProgrammedStep", "dies_of", "packed_images", "positions_of", "read_chip",
]  # fmt: skip

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flow.tasks.step import Job, StepTask

if TYPE_CHECKING:
    from metal_configs.sitemap import SiteMap

LOADED = "adapter.bin"  # what `compile` says that the host sends first; empty without an adapter
CHIP = "chip.json"  # what `compile` says: instances of the ROM macros, and how tokens travel


def read_chip(folder: Path) -> dict[str, Any]:
    """What `compile` says of the chip."""
    found: dict[str, Any] = json.loads((folder / CHIP).read_bytes())
    return found


def positions_of(job: Job) -> int:
    """How many a sequence may have, if the model has as many."""
    from base_chip.dies import load_die

    return job.config.context or load_die(job.config.base).context


def packed_images(job: Job) -> np.ndarray:
    """The ROM images of all dies, uint8 [dies, rows, bytes of a row], bit 0 of a byte first."""
    found: np.ndarray = np.load(job.inputs["compile"] / "image.npy")
    return found


def dies_of(job: Job) -> list[str]:
    """Folders of the dies of a chain, one or more, in the outputs of steps that have something for each."""
    return [f"die{n}" for n in range(read_chip(job.inputs["compile"])["dies"])]


class ProgrammedStep(StepTask):
    """Reads the stitched die and what `compile` made for it."""

    def dies(self, job: Job) -> list[str]:
        """Folders of the dies, in the outputs of steps that have something for each."""
        return dies_of(job)

    def sites(self, job: Job) -> "SiteMap":
        """Where each bit of the ROM lies."""
        from flow.stitching.roms import die_sites

        return die_sites(job.config.base)

    def images(self, job: Job) -> Iterator[np.ndarray]:
        """The ROM image of each die, bool [rows, bits]."""
        for image in packed_images(job):
            yield np.unpackbits(image, axis=1, bitorder="little").view(bool)

    def base_layout(self, job: Job) -> Path:
        """The base chip's layout."""
        return job.inputs["stitch"] / f"{job.config.base}.gds"
