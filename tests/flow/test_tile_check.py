"""`sc-flow base check KIND`: all that a build checks of a tile, by itself."""

from types import SimpleNamespace

import pytest

from flow.cli.main import main
from signoff.result import CheckResult


def row(name, count=0):
    return CheckResult(name, "x", "", count, 0, "fail" if count else "pass", "wrong" if count else "")


@pytest.fixture
def checks(monkeypatch, tmp_path):
    """What is asked of each check, and what each says; tools do not run."""
    said = {name: [row(name)] for name in ("equiv", "inside", "supplies", "rules")}
    asked = {}
    (tmp_path / "mapped.v").write_text("the mapped netlist")

    def check(name):
        def does(*args):
            asked[name] = args
            return (said[name], {}) if name == "inside" else list(said[name])

        return does

    at = "flow.stitching.tile."
    monkeypatch.setattr(at + "artifact", lambda kind: None)
    monkeypatch.setattr(at + "find_pdk", lambda pdk: SimpleNamespace(path=lambda role: tmp_path / role))
    monkeypatch.setattr(at + "load_block", lambda kind: (f"block of {kind}", "the RTL"))
    monkeypatch.setattr(at + "hardened", lambda *_: SimpleNamespace(folder=tmp_path))
    named = {"tile_equiv": "equiv", "inside": "inside", "tile_supplies": "supplies", "design_rules": "rules"}
    for function, name in named.items():
        monkeypatch.setattr(at + function, check(name))
    return said, asked


def test_a_tile_is_compared_with_its_rtl_and_looked_at_inside(checks, capsys):
    _, asked = checks
    assert main(["base", "check", "rom"]) == 0
    assert asked["equiv"][:3] == ("the RTL", "the mapped netlist", "block of rom")
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("equiv", "inside", "supplies", "rules"))


@pytest.mark.parametrize("name", ["equiv", "inside", "supplies", "rules"])
def test_a_fault_of_any_of_them_ends_it_with_1(checks, name):
    said, _ = checks
    said[name][:] = [row(name, 1)]
    assert main(["base", "check", "rom"]) == 1
