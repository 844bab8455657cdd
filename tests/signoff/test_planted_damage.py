"""Damage in nano's own layout, of each kind that merged shapes, boxes and the substrate hide, is found."""

from collections import Counter

import klayout.db as kdb
import numpy as np
import pytest
from flow.tasks.base import BaseTask

from base_chip.bank import BankSpec, SiteGrid
from base_chip.bank.plan import BankPlan
from base_chip.bank.spice import bank_spice
from base_chip.bank.views import write_views
from base_chip.config import load_base
from base_chip.harden.artifact import HardenedBase
from base_chip.pdk.checks import load_checks
from flow.request import BuildConfig
from flow.tasks.step import Job
from flow.tasks.wiring import routed_design, stack_of
from signoff.assembly.devices import check_devices, library
from signoff.assembly.layers import Allowed, check_layers
from signoff.assembly.npc import ContactMask, check_contact_mask
from signoff.assembly.placement import Names, Plan, check_placement
from signoff.assembly.routed import Routed
from signoff.bank import BankStack, bank
from signoff.supplies import supplies

pytestmark = pytest.mark.flow

P = "sky130_fd_sc_hd__"
BASE = load_base("nano")
SPEC = BankSpec.of(BASE.rom, BASE.pdk)
NAMES = Names("scf_nano_words", "scf_nano", "scf_nano_metal")


@pytest.fixture(scope="module")
def nano(tmp_path_factory, pdk_kit):
    """The routed base, with the folders that it was made from."""
    folder = tmp_path_factory.mktemp("nano")
    for name in ("harden", "bank", "out", "scratch"):
        (folder / name).mkdir()
    kept = HardenedBase.read(HardenedBase.home("nano"), "nano")
    (folder / "harden" / "layout.def").write_bytes(kept.content("layout.def"))
    write_views(SPEC, folder / "bank")
    inputs = {name: folder / name for name in ("harden", "bank")}
    config = BuildConfig("words", "nano", "sky130")
    BaseTask().work(Job(config, pdk_kit, inputs, folder / "out", folder / "scratch", folder, print))
    return folder


@pytest.fixture(scope="module")
def routed(nano, pdk_kit, sky130):
    layout, cells = nano / "harden" / "layout.def", pdk_kit.path("cells")
    return routed_design(layout, sky130, cells, pdk_kit.path("tech_lef"), SPEC)


@pytest.fixture
def chip(nano) -> kdb.Layout:
    layout = kdb.Layout()
    layout.read(str(nano / "out" / "base.gds"))
    top, metal = layout.create_cell(NAMES.chip), layout.create_cell(NAMES.metal)
    for cell in (layout.cell(NAMES.base), metal):
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    return layout


def some(chip: kdb.Layout, name: str) -> kdb.Instance:
    return next(inst for inst in chip.cell(NAMES.base).each_inst() if inst.cell.name == name)


def cut(chip: kdb.Layout, layer: tuple[int, int], x: int, y: int) -> None:
    """A gap of 0.4 um in what a bank's own cell draws."""
    shapes = chip.cell(SPEC.name).shapes(chip.layer(*layer))
    gap = kdb.Box(x - 200, y - 200, x + 200, y + 200)
    hit = list(shapes.each_overlapping(gap))
    rest = kdb.Region([shape.polygon for shape in hit]) - kdb.Region(gap)
    for shape in hit:
        shapes.erase(shape)
    shapes.insert(rest)


def without_vias(chip: kdb.Layout, name: str, box: kdb.Box) -> None:
    base = chip.cell(NAMES.base)
    for inst in [i for i in base.each_inst() if i.cell.name.startswith(name) and i.bbox().overlaps(box)]:
        inst.delete()


def wire(routed: Routed, net: str, layer: str, number: int) -> kdb.Box:
    """A wire of a supply, counted from the bottom."""
    return sorted((b for name, b in routed.supply_wires[net] if name == layer), key=lambda b: b.bottom)[
        number
    ]


def test_cut_lines_of_a_bank_are_found(chip, sky130, tmp_path):
    plan, sites = BankPlan(SPEC), SiteGrid.of(SPEC)
    cut(chip, sky130.layers["met3"], int(plan.bit_x[77]), plan.tap_y[3])
    cut(chip, sky130.layers["poly"], plan.strap_x[2], int(plan.word_y[100]))
    full = np.ones(sites.shape, bool)
    process = BankStack(stack_of(sky130), sky130.devices["nfet"], sky130.devices["pfet"])
    row, _ = bank(chip, SPEC.name, sites.centres(full), sites.via, bank_spice(SPEC, full), process, tmp_path)
    assert row.status == "fail"
    assert "BL[77] does not reach" in row.detail
    assert "WL[100] does not reach" in row.detail


def test_cells_in_disguise_edited_or_twice_at_one_place_are_found(chip, nano, routed, pdk_kit, sky130):
    base = chip.cell(NAMES.base)
    inverter = chip.create_cell("innocent")
    inverter.copy_tree(chip.cell(f"{P}inv_1"))
    base.insert(kdb.CellInstArray(inverter.cell_index(), some(chip, f"{P}fill_4").trans))
    doubled = [f"{P}nand2_1", f"{P}fill_2", SPEC.name]
    for name in doubled:
        base.insert(some(chip, name).cell_inst)
    chip.cell(f"{P}mux2_1").clear(chip.layer(*sky130.layers["npc"]))
    banks = Counter((SPEC.name, 0, x, y) for x, y in BASE.floorplan.banks_nm())
    faults = check_placement(chip, Plan(NAMES, routed.cells, routed.vias, banks))
    assert len(faults) == 4
    assert sum("2 in the layout, 1 in the DEF" in fault for fault in faults) == 3
    used = {cell.name for cell in chip.each_cell()}
    files = [path for path in sorted(pdk_kit.path("cells").glob("*/*.gds")) if path.stem in used]
    known = library([*files, nano / "bank" / f"{SPEC.name}.gds"], routed.via_shapes, sky130.layers)
    faults, _ = check_devices(chip, known, NAMES, (sky130.layers["poly"], sky130.layers["diff"]))
    assert faults[:2] == ["cell innocent is not known", f"cell {P}mux2_1 is drawn otherwise on 95/20"]
    assert sum("a transistor of no known cell" in fault for fault in faults) == 2
    npc, licon, poly = (sky130.layers[name] for name in ("npc", "licon1", "poly"))
    bare, _ = check_contact_mask(chip, ContactMask("npc", npc, licon, poly, 100))
    assert bare


def test_a_strap_that_is_gone_and_a_rail_that_no_strap_reaches_are_found(chip, routed, sky130, tmp_path):
    base = chip.cell(NAMES.base)
    strap, rail = wire(routed, "VPWR", "met5", 14), wire(routed, "VGND", "met1", 99)
    shapes = base.shapes(chip.layer(*sky130.layers["met5"]))
    for shape in list(shapes.each_overlapping(strap)):
        shapes.erase(shape)
    without_vias(chip, "VIA_via5_6", strap)
    without_vias(chip, "VIA_via2_3", rail)  # its taps and the substrate still hold it
    row, _ = supplies(chip, NAMES.base, routed, stack_of(sky130), tmp_path)
    assert (row.status, row.count) == ("fail", 2)
    assert f"VGND does not reach met1 at ({rail.left / 1000:g}, {rail.bottom / 1000:g})" in row.detail
    assert f"VPWR does not reach met5 at ({strap.left / 1000:g}, {strap.bottom / 1000:g})" in row.detail


def test_an_opened_passivation_is_found(chip, sky130):
    chip.cell(NAMES.base).shapes(chip.layer(76, 20)).insert(kdb.Box(300_000, 300_000, 310_000, 310_000))
    die = load_checks(sky130).die_layers
    outline = sky130.layers["prBoundary"]
    allowed = Allowed(die.cells, die.vias, die.base, frozenset({(69, 44)}), outline, die.opening)
    assert check_layers(chip, NAMES, allowed) == ["76/20 may not be in the base: scf_nano at (300, 300) um"]
