"""A build is made again from what it recorded, and compared byte for byte."""

import json
import shutil

import pytest
from demo_tasks import STEPS

from flow.reproduce import reproduce
from rtl_gen.errors import FlowError


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def build(demo, kept, tmp_path, monkeypatch):
    """A copy of a build of the demo; another run's copy stands for the second."""
    if not (kept / "first").exists():
        for name in ("first", "second"):
            done = demo("--prompt", "xy", "--from", "a")
            assert done.returncode == 0, done.stdout + done.stderr
            shutil.copytree(demo.build, kept / name)
    monkeypatch.setattr("flow.reproduce.steps_of", lambda config: STEPS)
    monkeypatch.setattr("flow.reproduce._model", lambda config: "")

    def run(config, out, **asked):
        shutil.copytree(kept / "second", out / config.model)
        run.asked = asked
        return run.outcome

    class Outcome:
        errors = ()

    run.outcome = Outcome()
    monkeypatch.setattr("flow.reproduce.run_build", run)
    folder = shutil.copytree(kept / "first", tmp_path / "first" / "demo")
    return folder, tmp_path / "second", run


def test_two_runs_give_the_same_bytes_and_nothing_comes_from_the_cache(build):
    first, second, run = build
    found = {f.name: f for f in reproduce(first, second)}
    assert {n: f.status for n, f in found.items()} == dict.fromkeys(
        ("lock", "a", "b", "check", "c", "end"), "pass"
    )
    assert found["a"].detail == "1 files byte for byte, 0 rows alike"
    assert run.asked["everything"] is True
    assert run.asked["last"] is None


def edit(path, change):
    data = json.loads(path.read_bytes())
    change(data)
    path.write_text(json.dumps(data))


def test_a_file_and_a_row_that_come_out_otherwise_are_named(build):
    first, second, _ = build
    edit(first / "a" / "step.json", lambda d: d["files"].update({"deep/a.txt": "0" * 64}))
    edit(first / "check" / "step.json", lambda d: d["result"]["checks"][0].update(status="fail"))
    found = {f.name: f for f in reproduce(first, second)}
    assert found["a"].detail == "1 of 1 files differ: deep/a.txt"
    assert found["check"].status == "fail"


def test_evidence_may_differ(build):
    first, second, _ = build
    edit(first / "check" / "step.json", lambda d: d["evidence"].update({"evidence/tool.log": "0" * 64}))
    assert {f.status for f in reproduce(first, second)} == {"pass"}


def test_other_versions_are_told(build):
    first, second, _ = build
    edit(first / "result.json", lambda d: d.update(python="3.99.0"))
    lock = reproduce(first, second)[0]
    assert lock.status == "fail"
    assert "Python 3.99.0 there" in lock.detail


def test_the_first_build_is_not_replaced(build):
    first, _, _ = build
    with pytest.raises(FlowError, match="would replace the first"):
        reproduce(first, first.parent)


def test_another_model_at_the_same_place_is_refused(build, tmp_path, monkeypatch):
    first, second, _ = build
    monkeypatch.undo()
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    edit(first / ".run.json", lambda d: d["config"].update(model_path=str(model), model_digest="0" * 64))
    with pytest.raises(FlowError, match="its SHA-256 is"):
        reproduce(first, second)
