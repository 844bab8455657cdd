"""Whether GDS and OASIS of each die with its model are alike."""

import json
from types import SimpleNamespace

import klayout.db as kdb
import pytest

from base_chip.bank.layout import write_layout
from flow.tasks.die.oasis import OasisTask

BOX, LABEL = (72, 20), (72, 5)


def chip() -> kdb.Layout:
    layout = kdb.Layout()
    layout.dbu = 0.001
    top, die, tile = (layout.create_cell(name) for name in ("scf_nano_m", "scf_nano", "scf_ram_tile"))
    top.insert(kdb.CellInstArray(die.cell_index(), kdb.Trans()))
    for y in (0, 2000):
        die.insert(kdb.CellInstArray(tile.cell_index(), kdb.Trans(0, y)))
    for cell in (die, tile):
        cell.shapes(layout.layer(*BOX)).insert(kdb.Box(0, 0, 1000, 1000))
    die.shapes(layout.layer(*LABEL)).insert(kdb.Text("VPWR", kdb.Trans(5, 5)))
    return layout


@pytest.fixture
def job(tmp_path):
    """A chain of two dies."""
    for name in ("compile", "metal/die0", "metal/die1", "scratch"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "compile" / "chip.json").write_text(json.dumps({"dies": 2}))
    for die in ("die0", "die1"):
        for kind in ("gds", "oas"):
            write_layout(chip(), tmp_path / "metal" / die / f"chip.{kind}")
    return SimpleNamespace(
        config=SimpleNamespace(base="nano"), scratch=tmp_path / "scratch",
        inputs={name: tmp_path / name for name in OasisTask.needs},
    )  # fmt: skip


def test_both_files_of_every_die_of_a_chain_are_compared(job):
    row, control = OasisTask().work(job).checks
    assert (row.name, row.status, control.status) == ("oasis", "pass", "pass")
    assert row.detail.startswith("each of 2 dies: 3 cells on 2 layers equal those of the GDS")
    assert (job.scratch / "die1" / "oasis.rpt").is_file()


def test_an_oasis_of_another_chip_fails_its_row_alone(job):
    layout = chip()
    layout.cell("scf_ram_tile").shapes(layout.layer(*BOX)).insert(kdb.Box(0, 0, 5, 5))
    write_layout(layout, job.inputs["metal"] / "die1" / "chip.oas")
    row, control = OasisTask().work(job).checks
    assert (row.status, row.count, control.status) == ("fail", 1, "pass")
    assert row.detail == "die 1 of 2: cell scf_ram_tile: box in the OASIS alone, 1"
