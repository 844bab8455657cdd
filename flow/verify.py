"""Checks a finished build that somebody else made: its files, its table, and its ROM once more."""

__all__ = ["Finding", "load_build", "record_of", "verify"]

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from base_chip.pdk import load_pdk
from flow.evidence import of_step
from flow.graph import Steps, steps_of
from flow.keys import folder_files
from flow.pdk.providers import find_pdk
from flow.request import Run, load_run
from flow.result_file import Check, ResultFile, read_result
from flow.tasks.step import LARGEST_RECORD, RESULT, Job, Result, StepTask
from rtl_gen.errors import FlowError
from rtl_gen.tools import TOOLS, version
from rtl_gen.untrusted import read_file, relative_name, sha256_name
from signoff.waivers import Waiver, expired

READBACK = ("readback",)  # steps that are repeated without any EDA tool


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        status: "pass", "fail" or "not run".
        detail: What was found, or why it was not run.
    """

    name: str
    status: str
    detail: str


def verify(
    build: Path, *, rerun: bool = False, say: Callable[[str], None] = lambda text: None
) -> list[Finding]:
    """Check a folder `build/<name>`.

    Files and table are compared with what the steps recorded, which finds damage and careless edits; a
    record that was forged together with its files is found by what is done again: read-back always, every
    check with `rerun`.

    Args:
        build: The folder.
        rerun: Run every check of the table again, with the tools of this machine.
        say: Told what is being done.

    Raises:
        FlowError: There is no build, or its records cannot be read.
    """
    result = read_result(build)
    run = load_build(build)
    steps = steps_of(run.config)
    records = {s.step_name: record_of(build / s.step_name) for s in steps}
    found = [_same_build(result, run), _complete(result, steps, records)]
    found += _outputs(build, records)
    found += [_rows(result, records), _verdict(result, expired(run.config.waivers, date.today()))]
    again = [s for s in steps if s.is_check and (rerun or s.step_name in READBACK) and records[s.step_name]]
    for step in again:
        say(f"{step.step_name} again")
        found.append(_again(step, run, build, records[step.step_name]["result"]["checks"]))
    return found


def load_build(build: Path) -> Run:
    """What a build was asked for, in the folder that it is in now; FlowError when that cannot be read."""
    return dataclasses.replace(load_run(build / ".run.json"), build=build)


def record_of(folder: Path) -> dict[str, Any]:
    """What a step recorded; empty when it left nothing."""
    if not (folder / RESULT).exists():
        return {}
    try:
        record = json.loads(read_file(folder / RESULT, LARGEST_RECORD))
        files, evidence = (
            {relative_name(n, RESULT): sha256_name(d, RESULT) for n, d in record.get(kind, {}).items()}
            for kind in ("files", "evidence")
        )
        return {"files": {**files, **evidence}, "evidence": evidence, "result": dict(record["result"])}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, FlowError) as e:
        raise FlowError(
            f"the record of a step is damaged ({e})", where=str(folder / RESULT), hint="Build it again."
        ) from e


def _same_build(result: ResultFile, run: Run) -> Finding:
    asked = run.config
    pairs = {
        "model": (result.model, asked.model),
        "model_sha256": (result.model_sha256, asked.model_digest),
        "base": (result.base, asked.base),
        "pdk": (result.pdk, asked.pdk),
        "pdk_sha256": (result.pdk_sha256, run.pdk.digest),
    }
    bad = [f"{k}: {a} and {b}" for k, (a, b) in pairs.items() if a != b]
    told = f"{result.model} on {result.base}, sc-flow {result.sc_flow}, Python {result.python}"
    if (here := installed("sc-flow")) != result.sc_flow:
        told += f"; this is sc-flow {here}, so what differs below may be the version's doing"
    return Finding("result", "fail" if bad else "pass", "; ".join(bad) or told)


def _complete(result: ResultFile, steps: Steps, records: dict[str, dict[str, Any]]) -> Finding:
    names = [s.step_name for s in steps]
    if [s.name for s in result.steps] != names:
        return Finding("steps", "fail", f"result.json has other steps than this sc-flow: {len(result.steps)}")
    done = {s.name for s in result.steps if s.status == "done"}
    if lacking := sorted(n for n in done if not records[n]):
        return Finding("steps", "fail", f"no record of {', '.join(lacking)}")
    return Finding("steps", "pass", f"{len(done)} of {len(names)} steps are done and recorded")


def _outputs(build: Path, records: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    """Every output has the hash that its step recorded, and there is no other file beside them."""
    count, bad = 0, []
    for name, record in records.items():
        if not record:
            continue
        there = folder_files(build / name)
        there.pop(RESULT, None)
        for file in sorted({*there, *record["files"]}):
            told, is_now = record["files"].get(file), there.get(file)
            if told != is_now:
                what = (
                    "is missing"
                    if is_now is None
                    else "is not of the build"
                    if told is None
                    else "was changed"
                )
                bad.append(f"{name}/{file} {what}")
            count += 1
    yield Finding(
        "outputs", "fail" if bad else "pass", "; ".join(bad[:5]) or f"{count} files have their hashes"
    )


def _rows(result: ResultFile, records: dict[str, dict[str, Any]]) -> Finding:
    fields = [f for f in Check.__struct_fields__ if f != "evidence"]
    rows = [c for r in records.values() if r for c in r["result"]["checks"]]
    recorded = [tuple((k, c[k]) for k in fields) for c in rows]
    shown = [
        tuple((k, getattr(c, k)) for k in fields)
        for c in result.checks
        if c.status != "not run" or c.tool or c.version
    ]
    recorded = [
        r for r in recorded if dict(r)["status"] != "not run" or dict(r)["tool"] or dict(r)["version"]
    ]
    if sorted(map(repr, shown)) != sorted(map(repr, recorded)):
        other = sorted({dict(r)["name"] for r in {*shown} ^ {*recorded}})
        return Finding("rows", "fail", f"result.json and the steps' records differ: {', '.join(other)}")
    kept = {f"{n}/{f}": d for n, r in records.items() if r for f, d in of_step(r).items()}
    if kept != result.evidence:
        return Finding("rows", "fail", "result.json names other evidence than the steps left")
    names = {c.name for c in result.checks}
    bare = sorted(n for n in names if not n.endswith("_control") and f"{n}_control" not in names)
    without = f"; without a control of their own: {', '.join(bare)}" if bare else ""
    return Finding("rows", "pass", f"{len(shown)} rows as the steps recorded them{without}")


def _verdict(result: ResultFile, late: Sequence[Waiver]) -> Finding:
    bad = [c.name for c in result.checks if c.status == "fail"]
    lacking = [c.name for c in result.checks if c.status == "not run"]
    lacking += [s.name for s in result.steps if s.status == "not run" and s.name not in lacking]
    if bad:
        return Finding("signoff", "fail", f"the build itself found faults: {', '.join(bad)}")
    if late:
        told = "; ".join(f"{w} on {w.expires}" for w in late)
        return Finding("signoff", "fail", f"waivers have expired: {told}")
    if lacking or not result.checks:
        return Finding("signoff", "not run", f"not everything was run: {', '.join(lacking) or 'no check'}")
    return Finding("signoff", "pass", f"{len(result.checks)} rows pass or are waived")


def _again(step: type[StepTask], run: Run, build: Path, before: list[dict[str, Any]]) -> Finding:
    """Do a check again on the outputs that it was done on."""
    name = f"{step.step_name} again"
    for tool in step.tools:
        if version(tool) is None:
            return Finding(
                name, "not run", f"{TOOLS[tool].exe or tool} is not installed; run: {TOOLS[tool].fix}"
            )
    lacking = [n for n in step.needs if not (build / n / RESULT).is_file()]
    if lacking:
        return Finding(name, "not run", f"the build has no outputs of {', '.join(lacking)}")
    try:
        pdk = find_pdk(load_pdk(run.config.pdk), need_all=bool(step.roles))
        with tempfile.TemporaryDirectory(prefix="sc-flow-verify-") as temp:
            (out := Path(temp, "out")).mkdir()
            (scratch := Path(temp, "scratch")).mkdir()
            inputs = {n: (build / n).absolute() for n in step.needs}
            got = step().work(Job(run.config, pdk, inputs, out, scratch, build, lambda text: None))
    except FlowError as e:
        return Finding(name, "fail", str(e))
    return _compared(name, got, before)


def _compared(name: str, got: Result, before: list[dict[str, Any]]) -> Finding:
    statuses = {c.name: c.status for c in got.checks}
    told = {c["name"]: c["status"] for c in before}
    if bad := [c for c in got.checks if c.status == "fail"]:
        return Finding(name, "fail", f"{bad[0].name}: {bad[0].reason or bad[0].detail}")
    if statuses != told:
        other = sorted(k for k in {*statuses, *told} if statuses.get(k) != told.get(k))
        return Finding(name, "fail", f"other outcome than recorded: {', '.join(other)}")
    return Finding(name, "pass", f"{len(statuses)} rows come out as recorded")
