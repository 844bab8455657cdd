"""What looks at the routed chip says that there is none while the base is not placed and routed."""

from types import SimpleNamespace

import pytest

from flow.graph import STEPS
from flow.tasks.antenna import AntennaTask
from flow.tasks.equiv_routed import EquivRoutedTask
from flow.tasks.ir_drop import IrDropTask
from flow.tasks.supply_grid import SupplyGridTask


def test_all_of_them_are_checks_that_read_the_artifact():
    routed = [s for s in STEPS if s.routed]
    assert {s.step_name for s in routed} == {
        "antenna",
        "equiv_routed",
        "ir_drop",
        "lvs_chip",
        "sta",
        "supplies",
        "timed",
    }
    assert all(s.is_check and "harden" in s.needs for s in routed)


@pytest.mark.parametrize("step", [AntennaTask, EquivRoutedTask])
def test_without_a_routed_base_they_are_not_run(step, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inputs" / "harden").mkdir(parents=True)
    run = SimpleNamespace(config=SimpleNamespace(base="nano"))
    (row,) = step()._checked_work(run, tmp_path / "out").checks
    assert (row.name, row.status) == (step.step_name, "not run")
    assert "not placed and routed" in row.reason
    assert "sc-flow base build nano" in row.reason


def job(tmp_path):
    inputs = {name: tmp_path / name for name in ("harden", "timed", "readback", "supply_grid")}
    for folder in inputs.values():
        folder.mkdir()
    return SimpleNamespace(config=SimpleNamespace(base="nano", pdk="sky130"), inputs=inputs, out=tmp_path)


def test_a_base_that_is_not_routed_has_no_grid(tmp_path):
    found = SupplyGridTask().work(job(tmp_path))
    assert (found.checks, found.note) == ([], "not routed yet")


def test_without_a_timed_token_the_drop_is_not_run(tmp_path):
    (row,) = IrDropTask().work(job(tmp_path)).checks
    assert (row.name, row.status) == ("ir_drop", "not run")
    assert "the step timed, which did not run" in row.reason
