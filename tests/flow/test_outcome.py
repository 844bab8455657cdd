"""What the steps left behind becomes rows, an exit status and the table."""

import io
import json
from pathlib import Path

import pytest
from demo_tasks import STEPS
from rich.console import Console

from flow.outcome import Outcome, StepRow, collect
from flow.progress import final_table
from signoff.result import STATUSES, CheckResult

ALL = tuple(s.step_name for s in STEPS)


def leave(work: Path, step: str, *, checks=(), reused=False, **result) -> None:
    folder = work / step / "0" / "outputs" / step
    folder.mkdir(parents=True)
    found = {"checks": list(checks), "metrics": {}, "text": [], "tokens_equal": None, "note": ""} | result
    (folder / "step.json").write_text(json.dumps({"key": "k", "files": {}, "evidence": {}, "result": found}))
    timing = {"seconds": 1.25, "cpu": 2.5, "reused": reused}
    (work / step / "0" / "timing.json").write_text(json.dumps(timing))


def row(status: str) -> dict:
    return {
        "name": "check",
        "tool": "t",
        "version": "1",
        "count": 0,
        "limit": 0,
        "status": status,
        "reason": "why",
        "detail": "",
    }


def shown(outcome: Outcome, width: int = 200) -> str:
    out = io.StringIO()
    final_table(outcome, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize(
    ("status", "step", "code", "strict"),
    [
        ("pass", "done", 0, 0),
        ("waived", "done", 0, 0),
        ("not run", "not run", 0, 1),
        ("fail", "failed", 1, 1),
    ],
)
def test_status_of_a_check(tmp_path, status, step, code, strict):
    for name in ALL:
        leave(tmp_path, name, checks=[row(status)] if name == "check" else ())
    got = collect(STEPS, ALL, tmp_path)
    assert {s.name: s.status for s in got.steps}["check"] == step
    assert got.exit_code(strict=False) == code
    assert got.exit_code(strict=True) == strict


@pytest.mark.parametrize("status", STATUSES)
def test_the_table_shows_a_status_as_what_it_is(status):
    text = shown(
        Outcome(steps=[StepRow("s", "not run", 0.0, 0.0, False, "n")], checks=[CheckResult(**row(status))])
    )
    line = next(x for x in text.splitlines() if "check " in x and "why" in x)
    assert [s for s in STATUSES if s in line] == [status]


def test_a_step_without_a_record_is_never_done(tmp_path):
    leave(tmp_path, "a")
    got = collect(STEPS, ALL, tmp_path)
    assert {s.name: s.status for s in got.steps} == {
        "a": "done",
        "b": "failed",
        "check": "not run",
        "c": "failed",
        "end": "not run",
    }
    assert got.exit_code(strict=False) == 5
    assert [c.status for c in got.checks] == ["not run"]


def test_a_half_written_record_counts_as_none(tmp_path):
    leave(tmp_path, "a")
    (tmp_path / "a" / "0" / "outputs" / "a" / "step.json").write_text("{")
    assert collect(STEPS, ("a",), tmp_path).steps[0].status == "failed"


def test_steps_that_were_not_asked_for_do_not_fail_a_strict_run(tmp_path):
    leave(tmp_path, "a")
    got = collect(STEPS, ("a",), tmp_path)
    assert [s.status for s in got.steps] == ["done"] + ["not run"] * 4
    assert got.exit_code(strict=True) == 0


def test_reused_steps_say_so(tmp_path):
    leave(tmp_path, "a", reused=True, note="[made] it")
    got = collect(STEPS, ("a",), tmp_path)
    assert got.steps[0].reused
    line = next(x for x in shown(got).splitlines() if "│ a " in x)
    assert "reused" in line
    assert "[made] it" in line  # not taken for markup


def test_a_check_whose_tool_is_missing_does_not_run_and_names_the_fix(tmp_path, monkeypatch):
    from flow.pdk.files import PdkFiles
    from flow.request import BuildConfig, Run
    from flow.tasks.chain.layouts import BankDrcMagicTask
    from flow.tasks.die.stitch import StitchTask
    from rtl_gen.errors import ExitCode, FlowError
    from rtl_gen.tools import TOOLS

    for module in ("flow.tasks.step", "rtl_gen.tools"):
        monkeypatch.setattr(f"{module}.version", lambda name: None)
    run = Run(BuildConfig("m", "", ""), PdkFiles("sky130", {}, {}, {}, {}, {}), tmp_path, {})
    (got,) = BankDrcMagicTask()._checked_work(run, tmp_path).checks
    assert (got.name, got.status) == ("drc_magic", "not run")
    assert TOOLS["magic"].fix in got.reason
    monkeypatch.setattr(StitchTask, "tools", ("yosys",))
    with pytest.raises(FlowError) as e:
        StitchTask()._checked_work(run, tmp_path)
    assert e.value.code == ExitCode.MISSING_TOOL


def test_on_a_narrow_terminal_only_faults_are_explained():
    good, bad = row("pass") | {"name": "good", "detail": "it is well"}, row("fail") | {"name": "bad"}
    good["reason"] = ""
    outcome = Outcome(checks=[CheckResult(**good), CheckResult(**bad)])
    assert "it is well" in shown(outcome)
    assert "it is well" not in shown(outcome, 80)
    assert "why" in shown(outcome, 80)


def test_what_models_and_files_say_cannot_steer_the_terminal():
    clear = "\x1b[2J\x1b]0;title\x07\x9b31m"
    checks = [CheckResult(**row("fail") | {"reason": f"net {clear}"})]
    steps = [StepRow("a", "failed", 1.0, 1.0, False, f"tensor {clear}")]
    text = shown(Outcome(steps=steps, checks=checks, text=[f"once{clear}\n\tupon"]))
    assert all(c.isprintable() or c in "\n\t" for c in text)
    assert text.count("\\x1b[2J") == 3
    assert "generated: once" in text
    assert "\n\tupon" in text or "\n        upon" in text


def test_the_text_is_that_of_the_step_that_spoke_last(tmp_path):
    leave(tmp_path, "a", text=["by RTL"])
    leave(tmp_path, "b", text=["by gates"])
    leave(tmp_path, "c")
    assert collect(STEPS, ("a", "b", "c"), tmp_path).text == ["by gates"]
