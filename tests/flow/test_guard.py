"""A step that works is held to its closure."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files

import pytest

from flow.closure import Closure, Sources
from flow.guard import confined
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig, Run
from flow.tasks.step import Job, Result, StepTask
from rtl_gen.errors import FlowError


@pytest.fixture(scope="module")
def closure():
    return Sources().closure("base_chip.bank.spec", "signoff.result")


def test_what_is_in_the_closure_is_imported_and_opened(closure):
    with confined(closure, "s"):
        from base_chip.bank.spec import BankSpec

        assert BankSpec(8, 16).process.dbu > 0
        assert files("base_chip.pdk").joinpath("sky130", "bank.yaml").read_text()


def test_a_module_outside_is_refused_by_name_whether_it_was_imported_before_or_not(closure):
    import signoff.antenna as known

    before = dict(sys.modules)
    for name in ("signoff.antenna", "signoff.invariance"):
        with pytest.raises(FlowError, match=rf"^step s: it imports {name}, which its key") as e:
            with confined(closure, "s"):
                importlib.import_module(name)
        assert "docs/flow.md" in e.value.hint
    with pytest.raises(FlowError, match=r"imports signoff\.antenna"):
        with confined(closure, "s"):
            from signoff import antenna
    assert sys.modules["signoff.antenna"] is known
    assert {n: m for n, m in sys.modules.items() if n in before} == before
    from signoff import antenna

    assert antenna is known


def test_data_outside_are_refused_by_name(closure, tmp_path):
    outside = files("signoff.tcl").joinpath("drc.tcl")
    with pytest.raises(FlowError, match=r"^step s: it opens signoff/tcl/drc.tcl, which its key"):
        with confined(closure, "s"):
            outside.read_text()
    assert outside.read_text()
    with confined(closure, "s"):
        (tmp_path / "own.txt").write_text("of no package")


class QuickTask(StepTask):
    step_name = "quick"
    config = ("model", "model_digest")
    roles = ("tech_lef",)

    def work(self, job: Job) -> Result:
        if job.config.model == "seed":
            job.config.seed  # noqa: B018
        if job.config.model == "cells":
            job.pdk.path("cells")
        return Result(note=f"{job.config.model_path} {job.pdk.path('tech_lef')}")


def run_of(tmp_path, model: str, closure: Closure) -> Run:
    files = {role: tmp_path / role for role in ("tech_lef", "cells")}
    pdk = PdkFiles("sky130", files, dict.fromkeys(files, "kit"), {"tt": tmp_path}, {}, {})
    return Run(BuildConfig(model, "at", ""), pdk, tmp_path, {"quick": closure})


@pytest.fixture(scope="module")
def quick():
    return Sources().of_classes({"quick": QuickTask})["quick"]


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("seed", "step quick: it reads the setting seed, which its key does not cover"),
        ("cells", "reads the cells file of the PDK, which its key does not cover"),
    ],
)
def test_a_step_reads_no_setting_and_no_file_of_the_pdk_that_it_does_not_name(
    tmp_path, monkeypatch, quick, model, says
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowError, match=says):
        QuickTask()._checked_work(run_of(tmp_path, model, quick), tmp_path)


@pytest.mark.parametrize("changed", ["flow/tasks/step.py", "rtl_gen/errors.py", ""])
def test_what_was_computed_while_a_source_changed_is_thrown_away(tmp_path, monkeypatch, quick, changed):
    monkeypatch.chdir(tmp_path)
    began = replace(quick, files={**quick.files, **({changed: "0" * 64} if changed else {})})
    run = run_of(tmp_path, "m", began)
    if not changed:
        assert QuickTask()._checked_work(run, tmp_path).note == f"at {tmp_path / 'tech_lef'}"
        return
    with pytest.raises(FlowError, match=f"step quick: {changed} changed while the build ran"):
        QuickTask()._checked_work(run, tmp_path)


def test_variables_of_the_project_that_the_key_does_not_cover_are_not_seen(closure, monkeypatch):
    for name in ("SCF_READ", "SCF_OTHER", "SCF_CACHE", "OTHER"):
        monkeypatch.setenv(name, name)
    with confined(replace(closure, environment={"SCF_READ": ""}), "s"):
        assert [v for v in ("SCF_READ", "SCF_OTHER", "SCF_CACHE", "OTHER") if v in os.environ] == [
            "SCF_READ", "SCF_CACHE", "OTHER",
        ]  # fmt: skip
    assert os.environ["SCF_OTHER"] == "SCF_OTHER"


def test_a_tool_that_the_step_does_not_name_is_refused(closure, tmp_path):
    for program, tool in (("magic", "magic"), ("netgen-lvs", "netgen"), ("vvp", "iverilog")):
        path = tmp_path / program
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        with confined(closure, "s", tools=("klayout", tool)):
            assert subprocess.run([path], check=False).returncode == 0
        with pytest.raises(FlowError, match=f"step s: it runs {program}, which its key") as e:
            with confined(closure, "s", tools=("klayout",)):
                subprocess.run([path], check=False)
        assert f"Name {tool} among its tools" in e.value.hint
        assert subprocess.run([path], check=False).returncode == 0


def test_a_model_of_the_project_is_open_to_a_step_whose_key_has_its_digest(closure):
    folder = files("metal_configs").joinpath("words")
    with confined(closure, "s", also=[folder]):
        assert folder.joinpath("config.json").read_bytes()
    with pytest.raises(FlowError, match=r"opens metal_configs/words/config\.json"), confined(closure, "s"):
        folder.joinpath("config.json").read_bytes()
