"""LVS of memory macros: netlists of the controls, names of the rows, and the step with its tools."""

from types import SimpleNamespace

import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.spec import SramSpec
from base_chip.tiles import load_tile
from base_chip.tiles.parts import macro_specs
from flow.tasks.die.macros import MacrosTask, small_macro
from signoff.result import CheckResult
from tests.kit import needs

ROWS = ["lvs_rom_mux4", "lvs_ram", "lvs_rom"]


@pytest.mark.parametrize(
    ("spec", "lines"), [(RomSpec(32, 32), 2), (RomSpec(32, 32, mux=4), 2), (SramSpec(32, 8), 2)]
)
def test_the_netlist_of_the_control_differs_in_one_bit_or_cell(spec, lines):
    macro = small_macro(spec)
    right, wrong = macro.right.splitlines(), macro.wrong.splitlines()
    assert len(right) == len(wrong)
    assert 0 < sum(a != b for a, b in zip(right, wrong, strict=True)) <= lines
    assert [cell.name for cell in macro.layout.top_cells()] == [spec.name]


def test_a_tile_tells_its_kinds_of_macro():
    assert {s.name for s in macro_specs(load_tile("vec"))} == {
        "scf_ram_128x96", "scf_rom_256x128", "scf_ram_128x16", "scf_ram_64x16"
    }  # fmt: skip


@pytest.fixture
def job(tmp_path):
    config = SimpleNamespace(base="nano", pdk="sky130")
    return SimpleNamespace(config=config, scratch=tmp_path, pdk=SimpleNamespace(path=lambda _: tmp_path))


def test_rows_are_called_as_generators_and_name_what_they_stand_for(job, monkeypatch):
    compared = []

    def run(layout, top, right, wrong, *_):
        compared.append(top)
        assert right.read_text() != wrong.read_text()
        status = "fail" if "ram" in top else "pass"
        return tuple(
            CheckResult(name, "Netgen", "1", 0, 0, status, "", "9 devices") for name in ("lvs", "lvs_control")
        )

    monkeypatch.setattr("flow.pdk.magic_tech.tech_for_magic", lambda *_: job.scratch)
    monkeypatch.setattr("rtl_gen.tools.require", lambda _: "1")
    monkeypatch.setattr("signoff.lvs.run", run)
    rows = MacrosTask().work(job).checks
    assert [row.name for row in rows] == [name + more for name in ROWS for more in ("", "_control")]
    assert compared == ["scf_rom_64x32_mux4", "scf_ram_64x16", "scf_rom_64x32"]
    mux, ram = rows[0], rows[2]
    assert mux.detail == "9 devices; scf_rom_256x128_mux4: not compared, drawn by the same code"
    assert (ram.status, ram.detail) == ("fail", "9 devices")


@pytest.mark.flow
@needs("magic", "netgen-lvs")
def test_macros_are_their_netlists(job, pdk_kit):
    job.pdk = pdk_kit
    rows = {row.name: row.status for row in MacrosTask().work(job).checks}
    assert rows == dict.fromkeys([name + more for name in ROWS for more in ("", "_control")], "pass")
