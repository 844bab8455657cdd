"""Seams of a die of drawn tiles: a sound one passes, every planted fault is told of."""

import klayout.db as kdb
import pytest

from base_chip.pdk.margin import load_margin
from base_chip.stitch import plan_rows
from base_chip.stitch.layout import stitch_layout
from flow.tasks.wiring import stack_of
from signoff.chip.netlist import extract
from signoff.seams import lvs, supplies
from signoff.seams.plant import plant
from tests.stitching import PDK, die_of, view, write_tiles

STACK = stack_of(PDK)
TRACK = 680


@pytest.fixture
def sound(tmp_path):
    """The die, what it should be, and its layout."""
    tiles = [view("rom"), view("ram")]
    plan = plan_rows("pair", "sky130", [[tiles[0]] * 2, [tiles[1], tiles[0]]], 30_000)
    layout, _ = stitch_layout(plan, write_tiles(tiles, tmp_path), PDK, load_margin(PDK))
    return die_of(plan, tmp_path), layout


def planted(sound):
    die, layout = sound
    return plant(layout, die, PDK.layers, PDK.pins, PDK.labels, TRACK)


def test_a_sound_die_is_what_its_netlist_says(sound):
    die, layout = sound
    assert lvs.check_placement(layout, die) == []
    found = extract(layout, die.top, STACK, die.pins).netlist
    assert lvs.compare(found, die) == []
    assert len(found.instances) == 4


def test_every_planted_fault_is_told(sound, tmp_path):
    die, layout = sound
    wrong = planted(sound)
    assert len(wrong.lvs) == 3
    assert len(wrong.placement) == 3  # two kinds of tile stand exchanged, too
    for row in lvs.placement(layout, wrong, die, tmp_path):
        assert row.status == "pass", row
    for row in supplies.run(layout, wrong, die, STACK, tmp_path):
        assert row.status == "pass", row
    told = lvs.compare(extract(wrong.layout, die.top, STACK, {**die.pins, **wrong.pins}).netlist, die)
    for what, begins in wrong.lvs.items():
        assert any(fault.startswith(begins) for fault in told), (what, told)
    assert len(told) < 12
    for cleared in (layout, wrong.layout):  # as the control looks at them
        lvs._clear_below_pins(cleared, die, STACK)
    lacking = lvs._told(layout, die.pins, die, STACK)
    assert "the substrate has no tap" in lacking
    told = lvs._told(wrong.layout, {**die.pins, **wrong.pins}, die, STACK) - lacking
    for what, begins in wrong.lvs.items():
        assert any(fault.startswith(begins) for fault in told), (what, told)
    assert "the substrate has no tap" not in told


def test_a_tile_that_is_turned_exchanged_or_missing_is_told_by_place(sound):
    die, layout = sound
    top = layout.top_cell()
    tiles = {(i.cell.name, i.trans.disp.x > 30_000): i for i in top.each_inst()}
    ram, rom = tiles["scf_ram_tile", False], next(i for i in top.each_inst() if i.trans.disp.y > 30_000)
    ram.cell_index, rom.cell_index = rom.cell_index, ram.cell_index
    told = lvs.check_placement(layout, die)
    assert "ram_1_0: 0 scf_ram_tile at (30, 30) um, r0" in told
    assert any(t.startswith("scf_rom_tile at (30, 30) um, r0 should not be there") for t in told)
    top.clear_insts()
    assert len(lvs.check_placement(layout, die)) == 4


def test_a_strap_that_is_cut_is_told_by_coordinate(sound, tmp_path):
    die, layout = sound
    cell = layout.cell("scf_ram_tile")
    index = layout.layer(*PDK.layers["met5"])
    strap = max(
        (s for s in cell.shapes(index).each() if s.bbox().width() > 10_000), key=lambda s: s.bbox().top
    )
    box = strap.bbox()
    strap.box = kdb.Box(box.left, box.bottom, box.right - 3000, box.top)
    rows = supplies.run(layout, planted((die, layout)), die, STACK, tmp_path)
    assert rows[0].status == "fail"
    assert "does not reach met5 at (81.28, " in rows[0].detail


def test_a_wire_that_touches_a_tile_inside_is_told(sound):
    die, layout = sound
    layout.cell("scf_rom_tile").shapes(layout.layer(*PDK.layers["met3"])).insert(
        kdb.Box(0, 60_000, 900, 61_000)
    )
    top = layout.top_cell()
    top.shapes(layout.layer(*PDK.layers["met3"])).insert(kdb.Box(20_000, 171_600, 31_000, 172_600))
    told = lvs.compare(extract(layout, die.top, STACK, die.pins).netlist, die)
    assert any("inside of scf_rom_tile" in fault for fault in told)
