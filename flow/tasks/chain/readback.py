"""Every bit of every die, read from its file and compared with the hashes of the quantised weights."""

__all__ = ["DieReadbackTask"]

from dataclasses import replace

import numpy as np

from flow.tasks.step import Job, Result, StepTask
from signoff.result import CheckResult


class DieReadbackTask(StepTask):
    """Its negative control plants a removed and an added via in a copy of a row of banks."""

    step_name = "readback"
    needs = ("metal",)
    cached = False
    is_check = True

    def work(self, job: Job) -> Result:
        from flow.chain.check import check_die
        from flow.cluster import connected, run_all
        from flow.tasks.chain.dies import FOLDER, all_dies, die_jobs

        asked = job.config.chain
        assert asked
        jobs = die_jobs(job.config, job.build / FOLDER)
        jobs[0] = replace(jobs[0], control=True)
        done = []
        with connected(asked.scheduler, min(asked.workers, len(jobs)), job.scratch) as client:
            for r in run_all(client, check_die, jobs, lambda j: f"read-back of die {j.die}"):
                done.append(r)
                job.say(
                    f"die {r['die']} ({len(done)} of {len(jobs)}): {r['sites']:,} bits,"
                    f" {len(r['faults'])} faults, {r['seconds']:.1f} s, {r['cpu']:.1f} s of processor"
                )
        done.sort(key=lambda r: r["die"])
        bad = [f"die {r['die']}: {f}" for r in done for f in r["faults"]]
        if bad:
            job.say("dies with faults are built anew when the same command is given again")
        bits = sum(r["sites"] for r in done)
        row = _row(
            "readback", len(bad), "; ".join(bad[:5]), f"{bits:,} bits of {len(done)} dies ({asked.weights})"
        )
        missed = [m for r in done for m in r["missed"]]
        control = _row(
            "readback_control",
            len(missed),
            "; ".join(missed),
            "a removed and an added via were each found at their place",
        )
        cpu = sum(r["cpu"] for r in done)
        return Result(
            [row, control],
            {"rom_bits_read_back": bits, "readback_cpu_seconds": cpu},
            note=f"{bits:,} bits{all_dies(asked, [r['cpu'] for r in done])}",
        )


def _row(name: str, count: int, faults: str, detail: str) -> CheckResult:
    status = "fail" if count else "pass"
    return CheckResult(name, "numpy", np.__version__, count, 0, status, "", faults or detail)
