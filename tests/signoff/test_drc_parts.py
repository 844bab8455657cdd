"""Magic's work cut into windows: nothing is left out, and faults are found wherever they lie."""

import itertools
import shutil
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid, build_bank, write_layout
from base_chip.pdk import load_pdk
from flow.pdk.magic_tech import tech_for_magic
from flow.pdk.providers import find_pdk
from signoff import drc_magic, drc_parts
from signoff.eda import MAGIC

PDK = load_pdk("sky130")
BANK = BankSpec(8, 8)
KIT = "sky130_fd_sc_hd__nand2_1"
AT = 20_000, 0  # of the bank


def draw(layout: kdb.Layout, cell: kdb.Cell, layer: str, *box: int) -> None:
    cell.shapes(layout.layer(*PDK.layers[layer])).insert(kdb.Box(*box))


def make_chip(path: Path, cells: Path, bits: np.ndarray, faults: bool) -> str:
    """A chip of a base (a bank, two kit cells), and of a metal config; with faults of every kind of place."""
    layout = build_bank(BANK)
    bank = layout.cell(BANK.name)
    layout.read(str(next(cells.glob(f"*/{KIT}.gds"))))
    layout.read(str(next(cells.glob("*/sky130_fd_sc_hd__tapvpwrvgnd_1.gds"))))
    base, metal, top = (layout.create_cell(n) for n in ("base", "base_metal", "chip"))
    base.insert(kdb.CellInstArray(bank.cell_index(), kdb.Trans(*AT)))
    bad = layout.create_cell("bad")
    bad.copy_tree(layout.cell(KIT))
    tap = layout.cell("sky130_fd_sc_hd__tapvpwrvgnd_1")
    for n, kind in enumerate((tap, layout.cell(KIT), bad)):
        base.insert(kdb.CellInstArray(kind.cell_index(), kdb.Trans((0, 460, 1840)[n], 0)))
    sites = SiteGrid.of(BANK)
    for row, line in zip(*np.nonzero(bits), strict=True):
        x, y = int(sites.x[line]) + AT[0], int(sites.y[row]) + AT[1]
        draw(layout, metal, "via2", x - 100, y - 100, x + 100, y + 100)
    if faults:
        draw(layout, bad, "li1", 500, 1300, 1000, 1390)  # narrow, in a kit cell
        draw(layout, bank, "met5", 1000, 1000, 1500, 9000)  # narrow, in the bank
        draw(
            layout, layout.cell(f"{BANK.name}_drain"), "met4", -50, -50, 50, 50
        )  # small, in a cell of the bank
        for x in (5000, 12_000, 18_900):  # too near, in the base's own wires
            draw(layout, base, "met1", x - 600, 5000, x - 40, 12_000)
            draw(layout, base, "met1", x + 40, 5000, x + 600, 12_000)
        x, y = int(sites.x[3]) + AT[0], int(sites.y[3]) + AT[1]
        draw(
            layout, metal, "via2", x + 100, y - 100, x + 300, y + 100
        )  # of the metal config, beside a bit line
    for cell in (base, metal):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    write_layout(layout, path)
    return str(top.name)


@pytest.fixture
def bits() -> np.ndarray:
    bits = np.random.default_rng(7).random((BANK.word_lines, BANK.bit_lines)) < 0.5
    bits[3, 3] = False
    return bits


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(drc_parts, "LARGEST", 6.0)


def test_windows_cover_a_cell_and_hold_all_that_is_around_them(kit_cells, tmp_path, bits, small_windows):
    top = make_chip(tmp_path / "chip.gds", kit_cells, bits, faults=True)
    source = kdb.Layout()
    source.read(str(tmp_path / "chip.gds"))
    parts = drc_parts.cut(tmp_path / "chip.gds", top, tmp_path)
    assert {p.cell for p in parts} == {top, BANK.name}  # base and metal config are in the top cell
    for name in (top, BANK.name):
        windows = [kdb.DBox(*p.window) for p in parts if p.cell == name]
        assert len(windows) > 2
        assert not any(a.overlaps(b) for a, b in itertools.combinations(windows, 2))
        box = source.cell(name).dbbox()
        assert sum(w.area() for w in windows) == pytest.approx(sum(windows, kdb.DBox()).area())
        assert box.inside(sum(windows, kdb.DBox()))
    for part in parts:
        layout = kdb.Layout()
        layout.read(str(part.gds))
        around = (kdb.DBox(*part.window).enlarged(25, 25)).to_itype(layout.dbu)
        for layer in source.layer_infos():
            whole, there = (
                kdb.Region(x.cell(part.cell).begin_shapes_rec(x.layer(layer))) & kdb.Region(around)
                for x in (source, layout)
            )
            assert (whole ^ there).is_empty()


def test_a_layout_that_cannot_be_read_has_no_parts(tmp_path):
    (tmp_path / "a.gds").write_bytes(b"\0\6\0\2")
    with pytest.raises(ValueError, match="cannot be read"):
        drc_parts.cut(tmp_path / "a.gds", "top", tmp_path)


@pytest.mark.flow
@pytest.mark.skipif(shutil.which("magic") is None, reason="magic is not on PATH")
def test_faults_are_found_wherever_they_lie_and_in_windows_as_in_one(kit_cells, tmp_path, bits, monkeypatch):
    tech = tech_for_magic(find_pdk(PDK, need_all=False).path("magic_tech"), MAGIC.version())
    found = {}
    top = make_chip(tmp_path / "clean.gds", kit_cells, bits, faults=False)
    result = drc_magic.run(tmp_path / "clean.gds", top, tech, tmp_path / "clean")
    assert (result.status, result.count) == ("pass", 0), result
    make_chip(tmp_path / "chip.gds", kit_cells, bits, faults=True)
    for largest in (200.0, 12.0):
        monkeypatch.setattr(drc_parts, "LARGEST", largest)
        drc_magic.run(tmp_path / "chip.gds", top, tech, tmp_path / f"{largest}")
        listed = [
            fault
            for part in sorted((tmp_path / f"{largest}").glob("part*/report.txt"))
            for fault in drc_magic.parse_report(part)
        ]
        found[largest] = {
            rule: kdb.Region([kdb.DBox(*map(float, f[:4])).to_itype(0.005) for f in listed if f[5] == rule])
            for rule in {f[5] for f in listed}
        }
    whole, cut = found.values()
    for rule in ("li.1", "met5.1", "met4.4a", "met1.2", "via2.4a", "met3.4"):
        assert any(rule in name for name in whole), (rule, sorted(whole))
    assert set(whole) == set(cut)
    for rule, places in whole.items():
        # At the edge of a window Magic may leave out the last 5 nm of what it lists on the other side.
        assert (places - cut[rule].sized(2)).is_empty(), rule
        assert (cut[rule] - places.sized(2)).is_empty(), rule
