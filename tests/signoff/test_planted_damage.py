"""Damage in the ram tile's layout, of each kind that merged shapes, boxes and the substrate hide."""

import klayout.db as kdb
import pytest

from base_chip.pdk.checks import load_checks
from flow.stitching.assembly import Contents, contents_of
from flow.stitching.routed import routed_of
from flow.stitching.tiles import HardTile, artifact, hardened
from flow.tasks.wiring import stack_of
from signoff.assembly.devices import check_devices
from signoff.assembly.layers import Allowed, check_layers
from signoff.assembly.npc import ContactMask, check_contact_mask
from signoff.assembly.placement import check_placement
from signoff.assembly.routed import Routed
from signoff.readback import read_layout
from signoff.supplies import supplies

pytestmark = pytest.mark.flow

P = "sky130_fd_sc_hd__"
TILE, MEMORY = "scf_ram_tile", "scf_ram_128x128"


@pytest.fixture(scope="module")
def ram(tmp_path_factory, pdk_kit) -> HardTile:
    return hardened(artifact("ram"), "ram", pdk_kit, tmp_path_factory.mktemp("ram"))


@pytest.fixture(scope="module")
def expected(ram, pdk_kit, tmp_path_factory) -> Contents:
    used = {cell.name for cell in read_layout(ram.gds).each_cell()}
    return contents_of("scf_die", {"ram": ram}, used, pdk_kit, tmp_path_factory.mktemp("memories"))


@pytest.fixture(scope="module")
def routed(ram, pdk_kit) -> Routed:
    return routed_of(ram.folder, pdk_kit)


@pytest.fixture
def die(ram, sky130) -> kdb.Layout:
    """The tile by itself in a die."""
    layout = read_layout(ram.gds)
    tile, top = layout.cell(TILE), layout.create_cell("scf_die")
    top.insert(kdb.CellInstArray(tile.cell_index(), kdb.Trans(10_000, 20_000)))
    outline = layout.layer(*sky130.layers["prBoundary"])
    top.shapes(outline).insert(tile.bbox(outline).enlarged(50_000, 50_000))
    return layout


def some(die: kdb.Layout, name: str) -> kdb.Instance:
    return next(inst for inst in die.cell(TILE).each_inst() if inst.cell.name == name)


def without_vias(die: kdb.Layout, name: str, box: kdb.Box) -> None:
    tile = die.cell(TILE)
    for inst in [i for i in tile.each_inst() if i.cell.name.startswith(name) and i.bbox().overlaps(box)]:
        inst.delete()


def wires(routed: Routed, net: str, layer: str) -> list[kdb.Box]:
    """Wires of a supply, from the bottom."""
    return sorted((b for name, b in routed.supply_wires[net] if name == layer), key=lambda b: b.bottom)


def test_cells_in_disguise_edited_or_twice_at_one_place_are_found(die, expected, sky130):
    tile, (plan,) = die.cell(TILE), expected.plans
    assert check_placement(die, plan) == []
    inverter = die.create_cell("innocent")
    inverter.copy_tree(die.cell(f"{P}inv_1"))
    tile.insert(kdb.CellInstArray(inverter.cell_index(), some(die, f"{P}fill_4").trans))
    for name in (f"{P}nand2_1", f"{P}fill_2", MEMORY):
        tile.insert(some(die, name).cell_inst)
    die.cell(f"{P}nand2_1").clear(die.layer(*sky130.layers["npc"]))
    faults = check_placement(die, plan)
    assert len(faults) == 4
    assert sum("2 in the layout, 1 in the DEF" in fault for fault in faults) == 3
    faults, _ = check_devices(
        die, expected.known, expected.names, (sky130.layers["poly"], sky130.layers["diff"])
    )
    assert faults[:2] == ["cell innocent is not known", f"cell {P}nand2_1 is drawn otherwise on 95/20"]
    assert sum("a transistor of no known cell" in fault for fault in faults) == 2
    npc, licon, poly = (sky130.layers[name] for name in ("npc", "licon1", "poly"))
    bare, _ = check_contact_mask(die, ContactMask("npc", npc, licon, poly, 100))
    assert bare


def test_a_cell_deep_in_a_memory_that_was_edited_is_found(die, expected, sky130):
    inner = next(die.cell(n) for n in die.cell(MEMORY).each_child_cell() if not die.cell(n).bbox().empty())
    inner.shapes(die.layer(*sky130.layers["met1"])).insert(kdb.Box(0, 0, 5, 5))
    faults, _ = check_devices(
        die, expected.known, expected.names, (sky130.layers["poly"], sky130.layers["diff"])
    )
    assert set(faults) == {f"cell {name} is drawn otherwise on 68/20" for name in (inner.name, MEMORY)}


def test_a_strap_that_is_gone_and_a_rail_that_no_strap_reaches_are_found(die, routed, sky130, tmp_path):
    straps, rails = wires(routed, "VPWR", "met5"), wires(routed, "VGND", "met1")
    strap, rail = straps[len(straps) // 2], rails[len(rails) // 2]
    shapes = die.cell(TILE).shapes(die.layer(*sky130.layers["met5"]))
    for shape in list(shapes.each_overlapping(strap)):
        shapes.erase(shape)
    without_vias(die, "VIA_via5_6", strap)
    without_vias(die, "VIA_via2_3", rail)  # its taps and the substrate still hold it
    row, _ = supplies(die, TILE, routed, stack_of(sky130), tmp_path)
    assert (row.status, row.count) == ("fail", 2)
    assert f"VGND does not reach met1 at ({rail.left / 1000:g}, {rail.bottom / 1000:g})" in row.detail
    assert f"VPWR does not reach met5 at ({strap.left / 1000:g}, {strap.bottom / 1000:g})" in row.detail


def test_an_opened_passivation_is_found(die, expected, sky130):
    die.cell(TILE).shapes(die.layer(76, 20)).insert(kdb.Box(300_000, 300_000, 310_000, 310_000))
    may, outline = load_checks(sky130).die_layers, sky130.layers["prBoundary"]
    allowed = Allowed(may.cells, may.vias, may.tiles, may.margin, outline, may.opening)
    assert check_layers(die, expected.names, allowed) == [
        f"76/20 may not be in a tile: {TILE} at (300, 300) um"
    ]
