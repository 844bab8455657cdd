"""The steps that look at timing: the corners that a base is signed off in."""

from base_chip.bank import BankSpec
from base_chip.bank.timing import load_timing
from base_chip.config import load_base
from flow.tasks.sta import StaTask, corners
from flow.tasks.timed import TimedTask
from signoff import timed


def test_a_base_has_three_corners_each_at_its_clock(tmp_path):
    base = load_base("nano")
    spec = BankSpec.of(base.rom, base.pdk)
    found = corners("nano", tmp_path / "hardened", tmp_path)
    assert [c.name for c in found] == ["slow", "typical", "fast"]
    for corner, name in zip(found, load_timing(spec).corners, strict=True):
        assert corner.period == base.hardening.signoff_ns[corner.name]
        assert f"create_clock -name clk -period {corner.period:g} " in corner.constraints
        assert corner.sdf == tmp_path / "hardened" / f"delays.{corner.name}.sdf"
        assert f"cell ({spec.name})" in corner.bank.read_text().replace('"', "")
        assert corner.charge == load_timing(spec).corners[name].precharge_ns
    assert timed.CORNER in [c.name for c in found]


def test_both_are_checks_of_the_hardened_base():
    for step in (StaTask, TimedTask):
        assert step.is_check
        assert "harden" in step.needs
