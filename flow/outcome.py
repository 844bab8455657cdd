"""What a run came to: a row for each step, the checks, its text and its metrics."""

__all__ = ["Outcome", "StepRow", "collect"]

import contextlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flow.evidence import of_row, of_step
from flow.files import disk_is_full
from flow.tasks.step import FAILURE, RESULT, StepTask
from rtl_gen.errors import ExitCode, FlowError
from signoff.result import CheckResult


@dataclass(frozen=True)
class StepRow:
    """One step of a run.

    Attributes:
        status: "done", "failed" or "not run".
        seconds: From its start to its end.
        cpu: Seconds of the processor, those of the tools that it ran included.
        note: What it found, or why it failed or did not run.
    """

    name: str
    status: str
    seconds: float
    cpu: float
    reused: bool
    note: str = ""


@dataclass
class Outcome:
    """Everything that `result.json` and the table show.

    Attributes:
        errors: Of the steps that could not be done, as FlowErrors.
        asked: Steps that this run was to do.
        evidence: SHA-256 of each file that rows rest on, by its path in the build.
        folder: Of the build, with result.json, report.html and a folder for each step.
    """

    steps: list[StepRow] = field(default_factory=list)
    checks: list[CheckResult] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    tokens_equal: bool = False
    metrics: dict[str, float] = field(default_factory=dict)
    errors: list[tuple[FlowError, int]] = field(default_factory=list)
    asked: Collection[str] = ()
    evidence: dict[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def exit_code(self, *, strict: bool) -> int:
        """Status of the process: that of the first step that could not be done, else 1 for a failed check.

        With `strict`, a check or step that was asked for and did not run counts as failed.
        """
        if self.errors:
            return self.errors[0][1]
        bad = {"fail", "not run"} if strict else {"fail"}
        if any(c.status in bad for c in self.checks):
            return int(ExitCode.CHECK_FAILED)
        lacking = [s for s in self.steps if s.name in self.asked and s.status == "not run"]
        return int(ExitCode.CHECK_FAILED) if strict and lacking else 0


def collect(steps: Sequence[type[StepTask]], asked: Collection[str], work: Path, said: str = "") -> Outcome:
    """Read what the steps of a run left.

    Args:
        steps: The graph.
        asked: Steps that were to run.
        work: SiliconCompiler's folder of the job.
        said: By SiliconCompiler and the processes of the steps.
    """
    out = Outcome(asked=asked)
    broken: set[str] = set()
    for step in steps:
        name = step.step_name
        node = work / name / "0"
        found = _read(node / "outputs" / name / RESULT)
        timing = _read(node / "timing.json")
        failure = _read(node / FAILURE)
        if name not in asked:
            out.steps.append(StepRow(name, "not run", 0.0, 0.0, False, "not asked for (--to)"))
        elif found and timing:
            out.steps.append(_finished(out, name, found, timing))
            if out.steps[-1].status == "failed":
                broken.add(name)
        elif lacking := [n for n in step.needs if n in broken]:
            broken.add(name)
            out.steps.append(StepRow(name, "not run", 0.0, 0.0, False, f"needs {', '.join(lacking)}"))
            if step.is_check:
                reason = out.steps[-1].note
                out.checks.append(CheckResult.not_run(name, reason))
        else:
            broken.add(name)
            told = failure or _lost(name, node, said)
            out.errors.append((FlowError(told["what"], where=told["where"], hint=told["hint"]), told["code"]))
            out.steps.append(StepRow(name, "failed", told["seconds"], told["cpu"], False, told["what"]))
            if step.is_check:
                out.checks.append(CheckResult.not_run(name, told["what"]))
    return out


def _lost(name: str, node: Path, said: str) -> dict[str, Any]:
    """What to tell of a step whose process left neither a result nor a reason."""
    what, code = "the step's process ended without a result", ExitCode.TOOL_FAILED
    hint = f"Was it killed, or out of memory? See the logs in {node}"
    with contextlib.suppress(OSError):
        if disk_is_full(said, node.parent.parent):
            what, code = "the disk is full, or a file reached its limit (ulimit -f)", ExitCode.OUTPUT
            hint = "Free some space, then run the same command again."
    return {"what": what, "where": name, "hint": hint, "code": int(code), "seconds": 0.0, "cpu": 0.0}


def _finished(out: Outcome, name: str, found: dict[str, Any], timing: dict[str, Any]) -> StepRow:
    result = found["result"]
    kept = {f"{name}/{file}": digest for file, digest in of_step(found).items()}
    checks = [CheckResult(**{**c, "evidence": of_row(c["name"], kept)}) for c in result["checks"]]
    out.evidence |= kept
    out.checks += checks
    out.text = result["text"] or out.text  # where RTL has spoken first, the gates have the last word
    out.metrics |= result["metrics"]
    if result["tokens_equal"] is not None:
        out.tokens_equal = result["tokens_equal"]
    bad = [c for c in checks if c.status == "fail"]
    absent = [c for c in checks if c.status == "not run"]
    if bad:
        status, note = "failed", bad[0].reason or f"{bad[0].name}: {bad[0].count} found: {bad[0].detail}"
    elif checks and len(absent) == len(checks):
        status, note = "not run", absent[0].reason
    else:
        status, note = "done", result["note"]
    return StepRow(name, status, round(timing["seconds"], 3), round(timing["cpu"], 3), timing["reused"], note)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
