"""Builds again what somebody else built, and compares every output byte for byte."""

__all__ = ["reproduce"]

import platform
from dataclasses import replace
from importlib.metadata import version as installed
from pathlib import Path

from base_chip.pdk import load_pdk
from flow.digest import content_digest
from flow.graph import steps_of
from flow.pdk.providers import find_pdk
from flow.request import BuildConfig
from flow.result_file import ResultFile, read_result
from flow.run import run_build
from flow.tasks.step import StepTask
from flow.verify import Finding, load_build, record_of
from flow.weights import find_weights
from rtl_gen.errors import FlowError

_SHOWN = 5


def reproduce(build: Path, out: Path, *, jobs: int = 2) -> list[Finding]:
    """Run every step of a build again, none of it from the cache.

    Logs and reports of tools (`evidence/`) hold times and places, and are not compared.

    Args:
        build: A folder `build/<name>` that somebody made.
        out: Folder for the second build.
        jobs: Steps at a time.

    Raises:
        FlowError: The records cannot be read, or the model that was built is not here.
    """
    result, config = read_result(build), load_build(build).config
    if out.absolute() == build.absolute().parent:
        raise FlowError(
            "the second build would replace the first", where=str(out), hint="Pass another folder to --out."
        )
    config = replace(config, model_path=str(_model(config)))
    steps = steps_of(config)
    done = [s.name for s in result.steps if s.status in ("done", "failed")]
    if not done:
        raise FlowError("no step of that build was done", where=str(build), hint="Nothing to compare.")
    last = None if done[-1] == steps[-1].step_name else done[-1]
    lock = _lock(result, config)
    outcome = run_build(config, out, last=last, jobs=jobs, steps=steps, everything=True)
    if outcome.errors:
        raise outcome.errors[0][0]
    again = out / config.model
    return [lock, *(_compared(s, build, again) for s in steps if s.step_name in done)]


def _model(config: BuildConfig) -> Path:
    """The model on this machine; its content is what counts, not where it lay."""
    if config.chain and not config.model_path:
        return Path()
    there = Path(config.model_path)
    path = there if there.exists() else find_weights(config.model)
    if config.model_digest and (found := content_digest(path)) != config.model_digest:
        raise FlowError(
            f"its SHA-256 is {found}, that of the build is {config.model_digest}",
            where=str(path),
            hint="Put the model that was built at the place that .run.json names (model_path).",
        )
    return path


def _lock(result: ResultFile, config: BuildConfig) -> Finding:
    """Whether this machine has what the build was made with."""
    here = {
        "sc-flow": (result.sc_flow, installed("sc-flow")),
        "Python": (result.python, platform.python_version()),
        "PDK": (result.pdk_sha256[:12], find_pdk(load_pdk(config.pdk)).digest[:12]),
    }
    other = [f"{name} {theirs} there, {ours} here" for name, (theirs, ours) in here.items() if theirs != ours]
    if other:
        return Finding("lock", "fail", "; ".join(other))
    return Finding("lock", "pass", ", ".join(f"{name} {theirs}" for name, (theirs, _) in here.items()))


def _compared(step: type[StepTask], build: Path, again: Path) -> Finding:
    name = step.step_name
    first, second = record_of(build / name), record_of(again / name)
    if not first or not second:
        return Finding(name, "not run", "no record in " + (str(again / name) if first else str(build / name)))
    one, two = ({f: d for f, d in r["files"].items() if f not in r["evidence"]} for r in (first, second))
    if other := sorted(f for f in {*one, *two} if one.get(f) != two.get(f)):
        return Finding(name, "fail", f"{len(other)} of {len(one)} files differ: {', '.join(other[:_SHOWN])}")
    rows = [[(c["name"], c["status"]) for c in r["result"]["checks"]] for r in (first, second)]
    if rows[0] != rows[1]:
        return Finding(name, "fail", "its rows come out otherwise")
    return Finding(name, "pass", f"{len(one)} files byte for byte, {len(rows[0])} rows alike")
