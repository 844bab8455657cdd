"""Quantised, mapped and written: a metal config for each die, spread over processes or machines."""

__all__ = ["DiesTask", "all_dies", "die_jobs"]

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flow.request import BuildConfig, Chain
from flow.tasks.step import Job, Result, StepTask

if TYPE_CHECKING:
    from flow.chain.die import DieJob

FOLDER = "dies"  # beside the steps: large, and kept from one build to the next


class DiesTask(StepTask):
    """A die that is finished and whole is kept; each other is one task."""

    step_name = "metal"
    needs = ("plan",)
    cached = False  # finished dies are known by their own keys

    def work(self, job: Job) -> Result:
        from flow.chain.die import build_die
        from flow.cluster import connected, run_all

        asked = job.config.chain
        assert asked
        jobs = die_jobs(job.config, job.build / FOLDER)
        done = []
        with connected(asked.scheduler, min(asked.workers, len(jobs)), job.scratch) as client:
            for r in run_all(client, build_die, jobs, lambda j: f"die {j.die}"):
                done.append(r)
                how = "kept" if r["reused"] else f"{r['seconds']:.1f} s, {r['cpu']:.1f} s of processor"
                why = f", built again: {r['why']}" if r["why"] else ""
                job.say(f"die {r['die']} ({len(done)} of {len(jobs)}): {how}, {r['bytes'] / 1e6:.1f} MB{why}")
        done.sort(key=lambda r: r["die"])
        kept = sum(r["reused"] for r in done)
        built = [r["cpu"] for r in done if not r["reused"]]
        sites, size = sum(r["sites"]["total"] for r in done), sum(r["bytes"] for r in done)
        (job.out / "dies.json").write_text(
            json.dumps([{k: r[k] for k in ("die", "sites", "bytes")} for r in done], indent=1)
        )
        return Result(
            metrics={
                "dies_built": len(done) - kept,
                "dies_kept": kept,
                "program_sites": sites,
                "program_vias": sum(r["sites"]["programmed"] for r in done),
                "metal_config_bytes": size,
                "bytes_per_site": size / sites,
                "die_cpu_seconds": sum(built),
            },
            note=f"{len(done)} dies ({kept} kept), {sites / 1e6:,.0f} M sites, {size / sites:.3f} bytes a"
            f" site{all_dies(asked, built)}; weights: {asked.weights}",
        )


def all_dies(asked: Chain, cpu: Sequence[float]) -> str:
    """What the time of these dies says of all that the plan has, for a note; empty without any."""
    if not cpu:
        return ""
    each = sum(cpu) / len(cpu)
    return (
        f", {each:.1f} s of processor per die: {asked.total * each / 60:.1f} min for all {asked.total}"
        f" ({asked.total * each / 120:.1f} on two cores)"
    )


def die_jobs(config: BuildConfig, folder: Path) -> "list[DieJob]":
    """A job for each die that is asked for."""
    from base_chip.dies import load_die
    from flow.chain.die import FORMAT, DieJob
    from flow.closure import Sources
    from flow.files import sha256_bytes

    asked = config.chain
    assert asked
    parts = [
        FORMAT, Sources().closure("flow.chain.die").digest, load_die(config.base).digest(),
        config.model_digest, asked.shape, asked.context, asked.weights,
    ]  # fmt: skip
    key = sha256_bytes(json.dumps(parts, sort_keys=True).encode())
    count = asked.stop - asked.first
    return [
        DieJob(
            config.model, config.model_path, asked.seed, asked.weights, asked.shape, config.base,
            asked.context, die, sha256_bytes(f"{key} {die}".encode()), str(folder),
            threads=1 if asked.scheduler else max(1, asked.workers // count), gds=asked.gds,
            quantised=asked.quantised,
        )
        for die in range(asked.first, asked.stop)
    ]  # fmt: skip
