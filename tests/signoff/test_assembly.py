"""What a finished die holds, against what it should hold: damage of each kind is found."""

import dataclasses
from collections import Counter
from collections.abc import Callable

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from base_chip.pdk.checks import load_checks
from rtl_gen.errors import FlowError
from signoff.assembly.devices import check_devices, known_devices, library
from signoff.assembly.layers import Allowed, check_layers, die_layers
from signoff.assembly.npc import ContactMask, check_contact_mask, contact_mask
from signoff.assembly.placement import Plan, check_placement, instances, placement
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.assembly.same import check_same, same_layout
from tests.signoff import small_design as design

GATES = design.LAYERS["poly"], design.LAYERS["diff"]
Edit = Callable[[kdb.Layout], object]


def routed(text: str = "") -> Routed:
    return Routed(text or design.def_text(), read_macros(design.LEF), read_vias(design.LEF))


def plan() -> Plan:
    read = routed()
    return Plan(design.TILE, read.cells, read.vias, Counter({("ram", 0, 4000, 0): 1}))


def known(tmp_path) -> kdb.Layout:
    cells = kdb.Layout()
    cells.dbu = 0.001
    design.draw_cells(cells)
    cells.write(str(tmp_path / "cells.gds"))
    return library([tmp_path / "cells.gds"], [routed().via_shapes], design.LAYERS)


def tile(layout: kdb.Layout) -> kdb.Cell:
    return layout.cell(design.TILE)


def first(layout: kdb.Layout, name: str) -> kdb.Instance:
    return next(i for i in tile(layout).each_inst() if i.cell.name == name)


def again(name: str) -> Edit:
    return lambda layout: tile(layout).insert(first(layout, name).cell_inst)


def turned(name: str, by: kdb.Trans) -> Edit:
    def edit(layout: kdb.Layout) -> None:
        inst = first(layout, name)
        inst.trans = inst.trans * by

    return edit


def statuses(rows) -> list[tuple[str, str]]:
    return [(row.name, row.status) for row in rows]


# -- the routed design -----------------------------------------------------------------


def test_a_routed_design_says_what_stands_where_and_how_its_supplies_run():
    read = routed()
    turned = Counter(f"{kdb.Trans(rot % 4, rot >= 4, x, y)}" for _, rot, x, y in read.cells)
    assert turned == Counter(trans for *_, trans in design.CELLS)
    assert read.vias["M1M2_X", kdb.Trans.M0.rot, 1200, 1500] == 1
    assert read.vias["M1M2_X", kdb.Trans.R0.rot, 1200, 1000] == 1
    assert Counter(name for name, *_ in read.vias) == {"M1M2_X": 2, "up0": 3, "up1": 3, "up2": 3, "up3": 6}
    assert read.supply_of == {"VGND": "VGND", "VPWR": "VPWR"}
    assert [layer for layer, _ in read.supply_wires["VPWR"]] == ["met1", "met4", "met5", "met5"]
    assert ("met4", kdb.Box(700, -1200, 900, 5200)) in read.supply_wires["VPWR"]
    cuts = [box for layer, box in read.via_shapes["up1"] if layer == "via2"]
    assert cuts == [kdb.Box(-50, -20, -10, 20), kdb.Box(10, -20, 50, 20)]
    assert read.macros["inv"].supplies["VPWR"] == (("met1", kdb.Box(0, 1900, 1000, 2100)),)


def test_supplies_of_a_routed_design_may_be_told_cell_by_cell():
    text = design.def_text().replace("( * VPWR )", "( PIN VPWR ) ( u0 VPWR ) ( u1 VPWR ) ( u2 VPWR )")
    assert routed(text).supply_of == routed(design.def_text()).supply_of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("M1M2_X FS ;", "M1M2_Y ;"),
        ("END NETS", "END"),
        ("+ PLACED ( 0 0 ) N", "+ UNPLACED"),
        ("u1 inv", "u1 nor"),
        ("MICRONS 1000", "MICRONS 2000"),
        ("+ ROWCOL 1 2", "+ ROWCOL 1 2 + PATTERN 1"),
        ("( 800 -1200 ) ( 800 5200 )", "( 800 -1200 ) ( 900 5200 )"),
        ("( * VPWR )", "( u0 VPWR ) ( u1 VGND )"),
    ],
)
def test_a_routed_design_that_is_cut_short_or_not_understood_is_an_error(old, new):
    text = design.def_text()
    assert old in text

    def read() -> None:
        wrong = routed(text.replace(old, new, 1))
        _ = wrong.cells, wrong.vias, wrong.supply_wires, wrong.via_shapes

    with pytest.raises(FlowError, match="cannot read the routed design"):
        read()


# -- placement -------------------------------------------------------------------------


def test_a_tile_as_its_def_has_it_passes_and_the_control_finds_each_fault(tmp_path):
    rows = placement(design.die(), [plan()], tmp_path)
    assert statuses(rows) == [("placement", "pass"), ("placement_control", "pass")]
    assert rows[0].detail.startswith("7 cells and memories and 17 vias in 1 kinds of tile")
    assert "ram placed twice" in rows[1].detail
    assert "VIA_up3 placed twice" in rows[1].detail


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (again("inv"), "inv at (0, 0) um, r0, of scf_small: 2 in the layout, 1 in the DEF"),
        (again("fill"), "fill at (1, 0) um, r0, of scf_small: 2 in the layout, 1 in the DEF"),
        (again("ram"), "ram at (4, 0) um, r0, of scf_small: 2 in the layout, 1 in the DEF"),
        (again("VIA_up3"), "VIA_up3 at (0.3, -1) um, r0, of scf_small: 2 in the layout, 1 in the DEF"),
        (turned("inv", kdb.Trans.M90), "inv at (0, 0) um, m90, of scf_small: 1 in the layout, 0 in the DEF"),
        (turned("ram", kdb.Trans(5, 0)), "ram at (4, 0) um, r0, of scf_small: 0 in the layout, 1 in the DEF"),
        (
            lambda layout: first(layout, "fill").delete(),
            "fill at (1, 0) um, r0, of scf_small: 0 in the layout, 1 in the DEF",
        ),
        (
            lambda layout: first(layout, "inv").transform(kdb.ICplxTrans(2.0)),
            "inv at (0, 0) um, r0, of scf_small: 0 in the layout, 1 in the DEF",
        ),
    ],
)
def test_what_is_moved_turned_lost_or_there_twice_is_told(edit, told):
    layout = design.die()
    edit(layout)
    assert told in check_placement(layout, plan())


def test_faults_of_every_tile_are_told(tmp_path):
    layout = design.die()
    top, other = layout.top_cell(), layout.create_cell("scf_other")
    other.copy_instances(tile(layout))
    top.insert(kdb.CellInstArray(other.cell_index(), kdb.Trans()))
    plans = [plan(), dataclasses.replace(plan(), cell="scf_other")]
    assert {row.status for row in placement(layout, plans, tmp_path)} == {"pass"}
    other.insert(next(i.cell_inst for i in other.each_inst() if i.cell.name == "inv"))
    row, control = placement(layout, plans, tmp_path)
    assert (row.count, control.status) == (1, "pass")
    assert row.detail.endswith("of scf_other: 2 in the layout, 1 in the DEF")


def test_a_kind_that_is_missing_altogether_fails_the_row_and_a_missing_tile_is_an_error(tmp_path):
    layout = design.die()
    layout.prune_cell(layout.cell("ram").cell_index(), -1)
    row, control = placement(layout, [plan()], tmp_path)
    assert (row.status, row.count, control.status) == ("fail", 1, "pass")
    layout.rename_cell(tile(layout).cell_index(), "other")
    with pytest.raises(FlowError, match="no cell scf_small in the layout"):
        placement(layout, [plan()], tmp_path)


def test_memories_that_the_def_has_elsewhere_than_the_floorplan_are_told():
    right = plan()
    wrong = Plan(right.cell, right.cells, right.vias, Counter({("ram", 0, 4000, 5): 1}))
    assert check_placement(design.die(), wrong) == [
        "ram at (4, 0) um, r0, of scf_small: 1 in the DEF, 0 in the floorplan",
        "ram at (4, 0.005) um, r0, of scf_small: 0 in the DEF, 1 in the floorplan",
    ]


def test_an_array_counts_as_the_instances_that_it_stands_for():
    layout = design.die()
    found = instances(layout.cell("ram"))
    assert found == {("ram_bit", 0, 0, 0): 1, ("ram_bit", 0, 0, 1400): 1}


# -- cells and transistors -------------------------------------------------------------


def test_known_cells_pass_and_the_control_finds_each_fault(tmp_path):
    rows = known_devices(design.die(), known(tmp_path), design.NAMES, GATES, tmp_path)
    assert statuses(rows) == [("known_devices", "pass"), ("known_devices_control", "pass")]
    assert rows[0].detail.startswith("8 gates, all in 9 kinds of cell")


def _renamed(layout: kdb.Layout) -> None:
    copy = layout.create_cell("innocent")
    copy.copy_tree(layout.cell("inv"))
    tile(layout).insert(kdb.CellInstArray(copy.cell_index(), first(layout, "fill").trans))


def _twice_inside(layout: kdb.Layout) -> None:
    ram = layout.cell("ram")
    ram.insert(next(ram.each_inst()).cell_inst)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (_renamed, ["cell innocent is not known", "a transistor of no known cell at (6.42, 6.3) um"]),
        (
            lambda layout: layout.cell("inv").clear(layout.layer(*design.LAYERS["npc"])),
            ["cell inv is drawn otherwise on 95/20"],
        ),
        (
            lambda layout: design.draw(layout.cell("fill"), "diff", 0, 0, 5, 5),
            ["cell fill is drawn otherwise on 65/20"],
        ),
        (
            lambda layout: design.draw(layout.cell("VIA_up1"), "met2", 0, 0, 5, 5),
            ["cell VIA_up1 is drawn otherwise on 69/20"],
        ),
        (
            lambda layout: layout.rename_cell(layout.cell("ram_bit").cell_index(), "x"),
            ["cell x is not known"],
        ),
        # poly of the tile itself, over the diffusion of one
        (
            lambda layout: design.draw(tile(layout), "poly", 200, 250, 350, 650),
            ["a transistor of no known cell at (5.2, 6.3) um"],
        ),
    ],
)
def test_cells_that_are_unknown_or_edited_and_transistors_beside_them_are_told(edit, told, tmp_path):
    layout = design.die()
    edit(layout)
    faults, _ = check_devices(layout, known(tmp_path), design.NAMES, GATES)
    assert [fault for fault in faults if not fault.startswith("cell ram is drawn")][: len(told)] == told


def test_a_cell_placed_twice_inside_of_another_is_told(tmp_path):
    layout = design.die()
    _twice_inside(layout)
    faults, _ = check_devices(layout, known(tmp_path), design.NAMES, GATES)
    assert len(faults) == 1
    assert faults[0].startswith("cell ram is drawn otherwise on")


def test_a_cell_of_two_files_and_a_via_of_two_tiles_is_known_once_if_drawn_alike(tmp_path):
    known(tmp_path)
    files = [tmp_path / "cells.gds", tmp_path / "more.gds"]
    files[1].write_bytes(files[0].read_bytes())
    vias = routed().via_shapes
    cells = library(files, [vias, vias], design.LAYERS)
    assert check_devices(design.die(), cells, design.NAMES, GATES)[0] == []
    other = kdb.Layout()
    other.read(str(files[0]))
    design.draw(other.cell("ram_bit"), "poly", 0, 0, 5, 5)
    other.write(str(files[1]))
    with pytest.raises(FlowError, match="cell ram_bit is drawn otherwise in a file before it"):
        library(files, [vias], design.LAYERS)
    with pytest.raises(FlowError, match="via up1 has other shapes in another tile"):
        library(files[:1], [vias, vias | {"up1": vias["up2"]}], design.LAYERS)


# -- layers ----------------------------------------------------------------------------


def allowed() -> Allowed:
    die, pdk = load_checks(load_pdk("sky130")).die_layers, load_pdk("sky130")
    return Allowed(die.cells, die.vias, die.tiles, die.margin, pdk.layers["prBoundary"], die.opening)


def test_layers_where_they_may_be_pass_and_the_control_finds_each_fault(tmp_path):
    rows = die_layers(design.die(), design.NAMES, allowed(), tmp_path)
    assert statuses(rows) == [("die_layers", "pass"), ("die_layers_control", "pass")]
    assert "an opening of the passivation" in rows[1].detail


def _opened(layout: kdb.Layout, name: str) -> None:
    layout.cell(name).shapes(layout.layer(76, 20)).insert(kdb.Box(0, 0, 100, 100))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda layout: _opened(layout, "scf_small"), "76/20 may not be in a tile: scf_small at (0, 0) um"),
        (lambda layout: _opened(layout, "scf_die"), "76/20 may not be in the margin: scf_die at (0, 0) um"),
        (lambda layout: _opened(layout, "inv"), "76/20 may not be in cells: inv at (0, 0) um"),
        (lambda layout: _opened(layout, "VIA_up0"), "76/20 may not be in vias: VIA_up0 at (0, 0) um"),
        (
            lambda layout: design.draw(tile(layout), "nwell", 0, 0, 9, 9),
            "64/20 may not be in a tile: scf_small at (0, 0) um",
        ),
        (
            lambda layout: design.draw(layout.top_cell(), "met1", 0, 0, 9, 9),
            "68/20 may not be in the margin: scf_die at (0, 0) um",
        ),
        (
            lambda layout: design.draw(tile(layout), "met1", 9999, 0, 10_005, 9),
            "68/20 is outside of the die, (0,0;15000,15000) nm: (5000,5900;15005,10100) nm",
        ),
    ],
)
def test_layers_that_are_elsewhere_are_told(edit, told):
    layout = design.die()
    edit(layout)
    assert told in check_layers(layout, design.NAMES, allowed())


def test_every_layer_that_the_stream_out_names_has_its_place():
    """A tile that is built must pass: what place and route draws is allowed in it."""
    pdk, die = load_pdk("sky130"), load_checks(load_pdk("sky130")).die_layers
    for name in ("met1", "met2", "met3", "met4", "met5"):
        assert {pdk.layers[name], pdk.pins[name], pdk.labels[name]} <= die.tiles


# -- the mask of poly contacts ---------------------------------------------------------

NPC = ContactMask("npc", design.LAYERS["npc"], design.LAYERS["licon1"], design.LAYERS["poly"], 100)


def test_poly_contacts_within_their_mask_pass_and_the_control_finds_each_fault(tmp_path):
    rows = contact_mask(design.die(), design.NAMES, NPC, tmp_path)
    assert statuses(rows) == [("npc", "pass"), ("npc_control", "pass")]
    assert rows[0].detail == "5 contacts on poly, each 100 nm within npc"
    assert rows[1].detail == "found: npc cleared in inv, npc 5 nm too small in ram"


@pytest.mark.parametrize(("shrunk", "bare"), [(None, 3), (115, 0), (120, 3), (200, 3)])
def test_a_mask_that_is_gone_or_too_small_in_a_cell_is_told_at_each_place(shrunk, bare):
    layout = design.die()
    inv = layout.cell("inv")
    inv.clear(layout.layer(*NPC.layer))
    if shrunk is not None:  # nm less on each side of 215 around the contact
        design.draw(inv, "npc", 200 + shrunk, 700 + shrunk, 800 - shrunk, 1300 - shrunk)
    found, contacts = check_contact_mask(layout, NPC)
    assert (len(found), contacts) == (bare, 5)


# -- both files ------------------------------------------------------------------------


def written(layout: kdb.Layout, path) -> kdb.Layout:
    options = kdb.SaveLayoutOptions()
    options.set_format_from_filename(str(path))
    layout.write(str(path), options)
    read = kdb.Layout()
    read.read(str(path))
    return read


@pytest.fixture
def files(tmp_path) -> tuple[kdb.Layout, kdb.Layout]:
    layout = design.die()
    again("VIA_up3")(layout)  # a router sets a via twice now and then, of which OASIS keeps one
    layout.cell("inv").shapes(layout.layer(83, 44)).insert(kdb.Text("inv", kdb.Trans(kdb.Trans.R90, 5, 5)))
    return written(layout, tmp_path / "chip.gds"), written(layout, tmp_path / "chip.oas")


def test_the_same_die_in_both_formats_passes_and_the_control_finds_each_fault(files, tmp_path):
    rows = same_layout(*files, design.TILE, tmp_path)
    assert statuses(rows) == [("oasis", "pass"), ("oasis_control", "pass")]
    assert "an instance placed twice" in rows[1].detail


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda o: design.draw(o.cell("fill"), "met1", 0, 0, 5, 5), "cell fill: box in the OASIS alone, 1"),
        (lambda o: o.cell("inv").clear(o.layer(83, 44)), "cell inv: text in the GDS alone, 1"),
        (lambda o: first(o, "ram").delete(), "cell scf_small: instance in the GDS alone, 1"),
        (
            lambda o: o.cell("ram").insert(next(o.cell("ram").each_inst()).cell_inst),
            "cell ram: ram_bit placed twice in the OASIS",
        ),
        (
            lambda o: o.cell("ram").shapes(o.layer(1, 0)).insert(kdb.Box(0, 0, 5, 5)),
            "layer 1/0 is in the OASIS alone",
        ),
        (lambda o: o.rename_cell(o.cell("fill").cell_index(), "filler"), "cell filler is in the OASIS alone"),
        (lambda o: setattr(o, "dbu", 0.002), "units of 0.001 um in the GDS, 0.002 um in the OASIS"),
    ],
)
def test_what_differs_between_the_files_is_told(edit, told, files):
    gds, oasis = files
    edit(oasis)
    assert told in check_same(gds, oasis)
