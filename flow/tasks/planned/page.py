"""A page about the dies: `report.md`."""

__all__ = ["PageTask"]

import json

from base_chip.planned import STATUS
from flow.tasks.report import page
from flow.tasks.step import RESULT, Job, Result, StepTask


class PageTask(StepTask):
    """Comes last, and says what the weights are and what the base is."""

    step_name = "report"
    needs = ("plan", "metal", "readback", "sample", "drc_klayout", "drc_magic", "lvs")
    cached = False

    def work(self, job: Job) -> Result:
        asked = job.config.planned
        assert asked
        found = {n: json.loads((job.inputs[n] / RESULT).read_bytes())["result"] for n in self.needs}
        lines = [
            page(job.config, found),
            f"Base {job.config.base}: {STATUS}; its banks are checked by sample.",
            "",
            f"Weights: {asked.weights}.",
            "",
        ]
        (job.out / "report.md").write_text("\n".join(lines), "utf-8")
        return Result(note="report.md")
