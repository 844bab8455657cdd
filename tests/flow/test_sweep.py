"""`sc-flow base sweep`: what it measures, and how it is told."""

import json
from pathlib import Path

import pytest

from base_chip.config import load_base
from base_chip.splits import splits
from flow.cli.main import main
from flow.hardening import sweep as module
from flow.hardening.periphery import Periphery
from flow.hardening.sweep import sweep
from flow.hardening.synthesis import CORNER
from rtl_gen.errors import ExitCode, FlowError

NANO = load_base("nano")
HALO = (4, 4)  # um, of sky130's place_route/facts.yaml


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Liberty of nothing, and a synthesis that says 10 um2 a word line; the splits it was asked for."""
    asked = []
    library = tmp_path / "liberty" / f"sky130_fd_sc_hd__{CORNER}.lib"
    library.parent.mkdir()
    library.write_text("library (none) {}\n")
    monkeypatch.setenv("SCF_LIBERTY_DIR", str(library.parent))

    def measured(rom, bank, liberty, work):
        assert liberty.read_text() == library.read_text()
        asked.append((rom, bank.name, work))
        return Periphery(decoders=10.0 * rom.banks * rom.word_lines, drivers=2.0, columns=3.0, samplers=4.0)

    monkeypatch.setattr(module, "measure_periphery", measured)
    return asked


def run(work: Path, base=NANO, jobs=1):
    lines: list[str] = []
    return sweep(base, work, jobs=jobs, say=lines.append), lines


def test_a_total_is_banks_and_cells_and_the_smallest_is_marked(fake, tmp_path):
    found, lines = run(tmp_path / "w")
    assert [row.split for row in found.rows] == splits(NANO.rom, "sky130")
    for row in found.rows:
        lines_of_all = row.split.rom.banks * row.split.rom.word_lines
        assert row.total == pytest.approx(row.split.banks_um2(HALO) + 10 * lines_of_all + 9)
        assert row.um2_per_bit == pytest.approx(row.total / 131072)
    assert found.own.split.rom == NANO.rom
    assert found.smallest.total == min(row.total for row in found.rows)
    assert len(lines) == len(found.rows)
    assert lines[0] == "1 bank of 512 x 256, mux 4: 5129 um2 of cells"


def test_macros_take_the_place_of_banks_drivers_and_samplers(fake, tmp_path):
    found, _ = run(tmp_path / "w")
    for row in found.rows:
        lines_of_all = row.split.rom.banks * row.split.rom.word_lines
        assert row.macros == row.split.macros_um2(HALO)
        assert row.total_with_macros == pytest.approx(row.macros + 10 * lines_of_all + 3)
    assert found.own.macros == pytest.approx(4 * (100.445 + 8) * (195.675 + 8))


def test_each_synthesis_has_a_folder_of_its_own(fake, tmp_path):
    run(tmp_path / "w")
    folders = {work for _, _, work in fake}
    assert len(folders) == 16
    assert {f.parent for f in folders} == {tmp_path / "w"}


def test_jobs_change_nothing(fake, tmp_path):
    one, _ = run(tmp_path / "a")
    three, _ = run(tmp_path / "b", jobs=3)
    assert one == three
    assert one.to_json() == three.to_json()


def test_json_holds_every_number_and_no_path(fake, tmp_path):
    found, _ = run(tmp_path / "w")
    text = found.to_json()
    assert str(tmp_path) not in text
    data = json.loads(text)
    assert data["base"] == "nano"
    assert set(data["versions"]) == {"yosys", "liberty"}
    (own,) = (row for row in data["rows"] if row["own"])
    parts = ("banks_um2", "decoders_um2", "drivers_um2", "columns_um2", "samplers_um2")
    for row in data["rows"]:
        assert row["banks"] * row["word_lines"] * row["mux"] == 2048
        assert row["bit_lines"] == 64 * row["mux"]
        assert sum(row[p] for p in parts) == pytest.approx(row["total_um2"], abs=0.001)
    assert (own["banks"], own["word_lines"], own["mux"]) == (4, 256, 2)
    assert own["read_ns"]["slow"] == pytest.approx(10.1, abs=0.05)
    assert set(own["read_ns"]) == {"slow", "typical"}
    (smallest,) = (row for row in data["rows"] if row["smallest"])
    assert smallest["read_ns"] == {"slow": None, "typical": None}


def test_the_command_prints_a_table_whose_numbers_are_whole(fake, tmp_path, capsys):
    assert main(["base", "sweep", "nano", "--work", str(tmp_path / "w")]) == 0
    out = capsys.readouterr().out
    (own,) = (line.split() for line in out.splitlines() if line.split()[-1:] == ["base"])
    assert own[:4] == ["4", "256", "2", "128"]
    assert own[-3:] == ["10.1", "4.4", "base"]
    (smallest,) = (line.split() for line in out.splitlines() if line.split()[-1:] == ["smallest"])
    assert smallest[-3:] == ["-", "-", "smallest"]
    assert out.count("\n") == 16 + 5  # title, two lines of heads, two remarks
    assert "…" not in out


def test_the_command_prints_json_alone(fake, tmp_path, capsys):
    assert main(["base", "sweep", "nano", "--json", "-j", "2", "--work", str(tmp_path / "w")]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 16


def test_an_unknown_base_is_told(tmp_path, capsys):
    assert main(["base", "sweep", "giga", "--work", str(tmp_path / "w")]) == ExitCode.USAGE
    assert "unknown base 'giga'" in capsys.readouterr().err


def test_missing_liberty_is_told(fake, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SCF_LIBERTY_DIR")
    monkeypatch.setattr("flow.pdk.providers._lambdapdk", lambda pdk: None)
    assert main(["base", "sweep", "nano", "--work", str(tmp_path / "w")]) == ExitCode.MISSING_TOOL
    assert not fake
    assert "no liberty for corner tt_025C_1v80" in capsys.readouterr().err


def test_missing_yosys_is_told(fake, tmp_path, monkeypatch, capsys):
    def missing():
        raise FlowError("Yosys is not installed", code=ExitCode.MISSING_TOOL)

    monkeypatch.setattr(module, "yosys_version", missing)
    assert main(["base", "sweep", "nano", "--work", str(tmp_path / "w")]) == ExitCode.MISSING_TOOL
    assert not fake


def test_jobs_are_a_number_above_zero(tmp_path):
    assert main(["base", "sweep", "nano", "-j", "0", "--work", str(tmp_path / "w")]) == ExitCode.USAGE


def test_a_synthesis_that_fails_ends_the_sweep(fake, tmp_path, monkeypatch):
    def failed(rom, bank, liberty, work):
        raise FlowError("Yosys failed", where=str(work), code=ExitCode.TOOL_FAILED)

    monkeypatch.setattr(module, "measure_periphery", failed)
    with pytest.raises(FlowError, match="1xscf_bank_512x256_mux4: Yosys failed"):
        run(tmp_path / "w")
