"""A build of somebody else's: damage, careless edits and forged records are found."""

import json
import shutil
from pathlib import Path

import pytest
from demo_tasks import STEPS

from flow.cli import main
from flow.result_file import read_result, schema
from flow.verify import verify
from rtl_gen.errors import FlowError
from signoff.result import CheckResult


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the demo's build is kept once it has run, as a run takes seconds."""
    return tmp_path_factory.mktemp("kept") / "demo"


@pytest.fixture
def build(demo, kept, tmp_path, monkeypatch):
    """A copy of the demo's build, of whose check `readback` plays the part."""
    if not kept.exists():
        done = demo("--prompt", "xy")
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.copytree(demo.build, kept)
    monkeypatch.setattr("flow.verify.steps_of", lambda config: STEPS)
    monkeypatch.setattr("flow.verify.READBACK", ("check",))
    monkeypatch.setenv("DEMO_LOG", str(tmp_path / "again.log"))
    return shutil.copytree(kept, tmp_path / "copy" / "demo")


def found(build, **options):
    return {f.name: f for f in verify(build, **options)}


def edit(path, change):
    data = json.loads(path.read_bytes())
    change(data)
    path.write_text(json.dumps(data))


def test_a_build_that_is_whole_passes(build):
    assert {f.name: f.status for f in verify(build)} == {
        "result": "pass",
        "steps": "pass",
        "outputs": "pass",
        "rows": "pass",
        "signoff": "pass",
        "check again": "pass",
    }


def test_a_build_of_another_version_says_so(build):
    edit(build / "result.json", lambda d: d.update(sc_flow="0.0.9"))
    assert "sc-flow 0.0.9" in (told := found(build)["result"].detail)
    assert "this is sc-flow " in told


def test_an_output_that_was_changed_removed_or_added_is_named(build):
    for file, text in (("a/deep/a.txt", "other"), ("b/b.txt", None), ("c/more.txt", "new")):
        if text is None:
            (build / file).unlink()
        else:
            (build / file).write_text(text)
    outputs = found(build)["outputs"]
    assert outputs.status == "fail"
    assert "a/deep/a.txt was changed" in outputs.detail
    assert "b/b.txt is missing" in outputs.detail
    assert "c/more.txt is not of the build" in outputs.detail


def test_a_row_that_was_made_to_pass_is_found(build):
    edit(build / "check" / "step.json", lambda d: d["result"]["checks"][0].update(status="fail", count=1))
    rows = found(build)["rows"]
    assert (rows.status, rows.detail) == ("fail", "result.json and the steps' records differ: check")


def test_evidence_is_kept_with_its_hash_and_named_by_its_row(build):
    row = read_result(build).checks[0]
    assert row.evidence == ["check/evidence/tool.log"]
    assert (build / row.evidence[0]).read_text() == "ran\n"
    (build / row.evidence[0]).write_text("ran well\n")
    assert "check/evidence/tool.log was changed" in found(build)["outputs"].detail


def test_evidence_that_a_row_no_longer_names_is_found(build):
    edit(build / "result.json", lambda d: d.update(evidence={}))
    assert "other evidence" in found(build)["rows"].detail


def test_a_row_that_is_missing_is_found(build):
    edit(build / "result.json", lambda d: d.update(checks=[]))
    assert found(build)["rows"].status == "fail"
    assert found(build)["signoff"].status == "not run"


def test_a_forged_record_is_found_by_doing_it_again(build, monkeypatch):
    """Files, record and table agree, but the check finds something when it is done again."""
    monkeypatch.setenv("DEMO_CHECK", "fail")
    again = found(build)["check again"]
    assert (again.status, again.detail) == ("fail", "check: why")


def test_a_check_that_is_done_again_needs_its_inputs(build):
    (build / "b" / "step.json").unlink()
    by_name = found(build)
    assert by_name["check again"].status == "not run"
    assert by_name["steps"].detail == "no record of b"


def test_other_weights_than_asked_for_are_found(build):
    edit(build / "result.json", lambda d: d.update(model_sha256="0" * 64))
    assert "model_sha256" in found(build)["result"].detail


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(format="sc-flow-result-1"), "format"),
        (lambda d: d["checks"][0].update(status="passed"), "passed"),
        (lambda d: d.update(more=1), "more"),
        (lambda d: d.pop("metrics"), "metrics"),
    ],
)
def test_a_result_of_another_version_or_edited_is_refused(build, change, says):
    edit(build / "result.json", change)
    with pytest.raises(FlowError, match=says):
        verify(build)


def test_a_cut_result_and_a_folder_without_one_are_refused(build, tmp_path):
    text = (build / "result.json").read_text()
    (build / "result.json").write_text(text[: len(text) // 2])
    with pytest.raises(FlowError, match="not a result of this version"):
        verify(build)
    with pytest.raises(FlowError, match="no result of a build there"):
        verify(tmp_path / "nothing")


def test_the_hidden_file_is_needed(build):
    (build / ".run.json").unlink()
    with pytest.raises(FlowError) as e:
        verify(build)
    assert "hidden files too" in e.value.hint


def test_the_command_tells_and_its_status_is_that_of_checks(build, capsys):
    assert main(["verify", str(build)]) == 0
    (build / "c" / "c.txt").write_text("d")
    assert main(["verify", str(build)]) == 1
    assert "c/c.txt was changed" in capsys.readouterr().out


def test_the_schema_that_is_published_is_the_one_that_is_checked():
    published = Path(__file__).parents[2] / "docs" / "result.schema.json"
    assert json.loads(published.read_text()) == schema(), (
        "run: python -m flow.result_file > docs/result.schema.json"
    )


def test_what_is_written_is_what_is_read(build):
    result = read_result(build)
    assert [s.name for s in result.steps] == [s.step_name for s in STEPS]
    names = set(CheckResult.__dataclass_fields__)
    assert set(result.checks[0].__struct_fields__) == names
