"""The cells around a ROM's banks, mapped by Yosys."""

import json
from dataclasses import replace

import pytest

from base_chip.bank import BankSpec
from base_chip.config import load_base
from base_chip.splits import Split
from flow.hardening import sweep as module
from flow.hardening.periphery import measure_periphery
from flow.hardening.sweep import sweep
from flow.hardening.synthesis import CORNER, need_liberty, plain_liberty
from flow.pdk.providers import find_pdk
from rtl_gen.golden.rom import RomGeometry

NANO = load_base("nano")


@pytest.fixture
def liberty(sky130, tmp_path):
    files = find_pdk(sky130, need_all=False)
    if CORNER not in files.liberty:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    return plain_liberty(need_liberty(files), tmp_path)


def measured(banks, word_lines, mux, liberty, work):
    rom = RomGeometry(banks=banks, word_lines=word_lines, bits=8, mux=mux)
    return measure_periphery(rom, BankSpec.of(rom, "sky130"), liberty, work)


@pytest.mark.flow
def test_cells_are_told_apart_by_what_they_drive(liberty, tmp_path):
    small = measured(1, 32, 1, liberty, tmp_path / "small")
    stat = json.loads((tmp_path / "small" / "stat.json").read_text())
    assert small.total == pytest.approx(stat["design"]["area"])
    assert small == measured(1, 32, 1, liberty, tmp_path / "again")
    # 32 of and2_4 and one clkbuf_16; 8 of dfxtp_1 and one dlclkp_1; areas are the liberty's.
    assert small.drivers == pytest.approx(32 * 8.7584 + 25.024, abs=0.01)
    assert small.samplers == pytest.approx(8 * 20.0192 + 17.5168, abs=0.01)
    tall = measured(1, 128, 1, liberty, tmp_path / "tall")
    assert tall.decoders > 1.5 * small.decoders
    assert tall.drivers == pytest.approx(128 * 8.7584 + 25.024, abs=0.01)
    assert (tall.columns, tall.samplers) == (small.columns, small.samplers)
    wide = measured(1, 32, 4, liberty, tmp_path / "wide")
    assert wide.columns > 2 * small.columns
    assert (wide.drivers, wide.samplers) == (small.drivers, small.samplers)
    four = measured(4, 32, 1, liberty, tmp_path / "four")
    assert four.drivers == pytest.approx(4 * small.drivers)
    assert four.decoders > small.decoders
    assert four.columns > small.columns


@pytest.mark.flow
def test_a_small_sweep_runs_yosys(liberty, tmp_path, monkeypatch):
    base = replace(NANO, rom=RomGeometry(banks=2, word_lines=32, bits=8, mux=1))
    other = RomGeometry(banks=1, word_lines=64, bits=8, mux=1)
    found = [Split(rom, BankSpec.of(rom, "sky130")) for rom in (other, base.rom)]
    monkeypatch.setattr(module, "splits", lambda rom, pdk: found)
    one = sweep(base, tmp_path / "a", jobs=1, say=print)
    again = sweep(base, tmp_path / "b", jobs=2, say=print)
    assert one.to_json() == again.to_json()
    assert one.own is one.rows[1]
    assert one.smallest is one.rows[0]
    assert one.rows[0].periphery.total < one.rows[1].periphery.total
