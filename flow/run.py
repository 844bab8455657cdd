"""Runs the graph for one model."""

__all__ = ["run_build"]

import contextlib
from pathlib import Path

from base_chip.pdk import load_pdk
from flow.children import COMPLAINTS, run_nodes
from flow.closure import Sources
from flow.files import atomic_write, disk_faults
from flow.graph import Steps, ancestors, check_steps, descendants, make_project, steps_of
from flow.lock import build_lock, claim
from flow.outcome import Outcome, collect
from flow.pdk.providers import find_pdk
from flow.progress import Progress
from flow.report.page import REPORT, render_report
from flow.request import BuildConfig, Run
from flow.result_file import write_result
from rtl_gen.errors import FlowError


def run_build(
    config: BuildConfig,
    out: Path,
    *,
    first: str | None = None,
    last: str | None = None,
    jobs: int = 2,
    steps: Steps | None = None,
    everything: bool = False,
    show: bool = True,
) -> Outcome:
    """Run the steps and write `<out>/<model>/result.json` and `report.html`.

    Args:
        config: What to build.
        out: Folder that holds a folder for each model.
        first: Run this step and all that depend on it even when nothing has changed.
        last: Stop after this step (and what it needs).
        jobs: How many steps may run at once.
        steps: The graph; by default the one for what is built.
        everything: Run every step, changed or not.
        show: Show on the terminal how far it is.

    Raises:
        FlowError: When the run cannot start; an earlier `result.json` is untouched then.
    """
    steps = steps or steps_of(config)
    check_steps(steps, first, last)
    build = out.absolute() / config.model
    asked = ancestors(steps, last) if last else tuple(s.step_name for s in steps)
    closures = Sources().of_classes({s.step_name: s for s in steps if s.step_name in asked})
    forced = asked if everything else descendants(steps, first) if first else ()
    run = Run(config, find_pdk(load_pdk(config.pdk)), build, closures, forced)
    with build_lock(build), disk_faults(build):
        claim(build, config.model_path, config.model_digest)
        run.save()
        run.events.unlink(missing_ok=True)
        project = make_project(steps, run, to=last, jobs=jobs)
        progress = Progress(asked, run.events) if show else contextlib.nullcontext()
        failure = ""
        with progress:
            try:
                run_nodes(project, build)
            except RuntimeError as e:
                failure = str(e)
        outcome = collect(steps, asked, build / "work", f"{failure}\n{_tail(build / COMPLAINTS)}")
        if failure and not outcome.errors and all(s.status != "failed" for s in outcome.steps):
            raise FlowError(failure, where="SiliconCompiler", hint=f"See {build / 'work' / 'job.log'}")
        outcome.folder = out / config.model
        write_result(build, config, run.pdk, outcome)
        atomic_write(build / REPORT, render_report(build, config, outcome).encode())
    return outcome


def _tail(path: Path) -> str:
    with path.open("rb") as f:
        f.seek(max(path.stat().st_size - 65536, 0))
        return f.read().decode(errors="replace")
