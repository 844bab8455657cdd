"""The layout of a model's chip, which several checks look at."""

__all__ = ["chip_layout"]

from pathlib import Path

from flow.tasks.step import Job


def chip_layout(job: Job) -> tuple[Path, str]:
    """Its GDS file, and its top cell."""
    from base_chip.assemble import cell_name

    return job.inputs["metal"] / "chip.gds", cell_name(f"scf_{job.config.base}_{job.config.model}")
