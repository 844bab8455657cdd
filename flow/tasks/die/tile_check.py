"""A check of one kind of tile: the same for every die and every model that has it."""

__all__ = ["TileCheck"]

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from flow.tasks.die.tiles import not_routed
from flow.tasks.step import Job, Result, StepTask


class TileCheck(StepTask):
    """In its rows and metrics the kind comes first."""

    is_check = True
    kind: ClassVar[str]

    def work(self, job: Job) -> Result:
        folder = job.inputs[f"tile_{self.kind}"]
        if lacking := not_routed(self.step_name, {self.kind: folder}):
            return lacking
        found = self.check(job, folder)
        rows = [replace(row, name=f"{self.kind}_{row.name}") for row in found.checks]
        return Result(rows, {f"{self.kind}_{name}": value for name, value in found.metrics.items()})

    def check(self, job: Job, folder: Path) -> Result:
        """Rows and metrics by the names that they have for any tile."""
        raise NotImplementedError
