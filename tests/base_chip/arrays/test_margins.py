"""The command that looks for the weakest corner of a margin."""

import numpy as np
import pytest
from click.testing import CliRunner

from base_chip.arrays.characterise import margins
from rtl_gen.errors import ExitCode, FlowError

WEAK = ("fs", 1.40, 100.0)


def samples(library, where, count, seed):
    """Twenty sigma anywhere but in one place, where there are six."""
    spread = np.random.default_rng(seed).normal(size=count)
    spread = (spread - spread.mean()) / spread.std(ddof=1)
    return (0.6 if where == WEAK else 2.0) + 0.1 * spread


def test_many_samples_are_taken_where_the_margin_is_least(monkeypatch, tmp_path):
    monkeypatch.setitem(margins.MARGINS, "rom", samples)
    arguments = ["--library", str(tmp_path), "--kind", "rom", "--samples", "50"]
    lines = CliRunner().invoke(margins.main, arguments).output.splitlines()
    assert len(lines) == len(margins.PROCESSES) * len(margins.SUPPLIES) + 1
    assert all(line.endswith("sigma of 10") for line in lines[:-1])
    assert lines[-1].startswith("rom fs 1.40 V 100 C: 0.600 V")
    assert lines[-1].endswith("6.0 sigma of 50")


def test_a_simulator_that_fails_is_told(monkeypatch, tmp_path):
    def fails(*_):
        raise FlowError("ngspice is missing", code=ExitCode.MISSING_TOOL)

    monkeypatch.setitem(margins.MARGINS, "sram_read", fails)
    result = CliRunner().invoke(margins.main, ["--library", str(tmp_path), "--kind", "sram_read"])
    assert result.exit_code == ExitCode.MISSING_TOOL
    assert result.output == "error: ngspice is missing\n"


@pytest.mark.parametrize("kind", ["rom", "rom_mux4", "sram_hold", "sram_half", "sram_write", "sram_read"])
def test_every_margin_has_a_name(kind):
    assert kind in margins.MARGINS
