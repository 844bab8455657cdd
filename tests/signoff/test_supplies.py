"""Supplies by metal alone, and the inside of a bank: what is cut off is found."""

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid, build_bank
from base_chip.bank.plan import BankPlan
from base_chip.bank.spice import bank_spice
from base_chip.pdk import load_pdk
from flow.tasks.wiring import stack_of
from rtl_gen.errors import FlowError
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.bank import BankStack, bank, check_bank, read_transistors
from signoff.supplies import supplies
from tests.signoff import small_design as design

PDK = load_pdk("sky130")
STACK = stack_of(PDK)
PROCESS = BankStack(STACK, PDK.devices["nfet"], PDK.devices["pfet"])


# -- supplies --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    """Reports go into the working folder."""
    monkeypatch.chdir(tmp_path)


def checked(layout: kdb.Layout):
    routed = Routed(design.def_text(), read_macros(design.LEF), read_vias(design.LEF))
    return supplies(layout, design.TILE, routed, STACK, Path())


def without(layout: kdb.Layout, kind: str, x: int, y: int) -> None:
    for inst in list(layout.cell(design.TILE).each_inst()):
        if inst.cell.name == kind and (inst.trans.disp.x, inst.trans.disp.y) == (x, y):
            inst.delete()


def erased(layout: kdb.Layout, layer: str, y: int) -> None:
    shapes = layout.cell(design.TILE).shapes(layout.layer(*design.LAYERS[layer]))
    for shape in list(shapes.each()):
        if shape.bbox().center().y == y:
            shapes.erase(shape)


def test_supplies_in_one_piece_pass_and_the_control_finds_each_fault():
    row, control = checked(design.die())
    assert (row.status, control.status) == ("pass", "pass")
    assert row.detail.startswith("VGND and VPWR are one piece of metal each, with 11 wires")
    assert control.detail == "found: a strap of VGND removed, a rail of VPWR cut from its straps"
    assert Path("supplies.rpt").read_text() == f"{row.detail}\n"


def _tap(layout: kdb.Layout) -> None:
    """Both grounds on one substrate: it must not count."""
    cell = layout.cell(design.TILE)
    for name in ("tap", "licon1", "li1", "mcon"):
        for y in (0, 4000):
            design.draw(cell, name, 100, y - 50, 200, y + 50)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            lambda o: (_tap(o), without(o, "VIA_up1", 300, 4000)),
            ["VGND does not reach met1 at (0, 3.9) to (2.5, 4.1) um"],
        ),
        (
            lambda o: (erased(o, "met5", 1000), without(o, "VIA_up3", 300, 1000)),
            ["VGND does not reach met5 at (0, 0.9) to (5, 1.1) um"],
        ),
        (lambda o: without(o, "VIA_up3", 300, 5000), ["VGND does not reach met5 at (0, 4.9) to (5, 5.1) um"]),
        (
            lambda o: design.draw(o.cell(design.TILE), "met5", 4000, -1000, 4200, -400),
            ["short of VGND,VPWR", "short of VGND,VPWR"],
        ),
        (lambda o: o.cell("inv").clear(o.layer(*design.LAYERS["met1"])), []),  # the rails are still there
        (lambda o: (erased(o, "met1", 2000), o.cell("fill").clear(o.layer(*design.LAYERS["met1"]))), None),
        (lambda o: o.cell(design.TILE).clear(o.layer(*design.LABELS["met5"])), None),
    ],
)
def test_what_no_metal_joins_with_the_pins_is_told(edit, told):
    layout = design.die()
    edit(layout)
    row, _ = checked(layout)
    if told is None:
        assert row.status == "fail"
    else:
        assert row.detail.split("; ")[: len(told) or None] == (told or [row.detail])
        assert (row.status == "fail") == bool(told)


def test_a_label_on_two_nets_is_told():
    layout = design.die()
    base = layout.cell(design.TILE)
    base.shapes(layout.layer(*design.LABELS["met5"])).insert(kdb.Text("VPWR", kdb.Trans(100, 5000)))
    without(layout, "VIA_up3", 300, 5000)
    assert "VPWR is in 2 pieces" in checked(layout)[0].detail


# -- bank ------------------------------------------------------------------------------

SPEC = BankSpec(
    16, 16, rows_per_tap=8, columns_per_strap=8
)  # two blocks between three rows of taps, two groups between three straps
PLAN = BankPlan(SPEC)


def rows_of(layout: kdb.Layout, spec: BankSpec = SPEC, netlist: str = ""):
    grid = SiteGrid.of(spec)
    full = np.ones(grid.shape, bool)
    text = netlist or bank_spice(spec, full)
    return bank(layout, spec.name, grid.centres(full), grid.via, text, PROCESS, Path())


def cut(layer: str, x: int, y: int, width: int, height: int) -> kdb.Layout:
    """The bank with a gap in a layer of its own cell."""
    layout = build_bank(SPEC)
    shapes = layout.cell(SPEC.name).shapes(layout.layer(*PDK.layers[layer]))
    gap = kdb.Box(-width // 2, -height // 2, width // 2, height // 2).moved(x, y)
    hit = list(shapes.each_overlapping(gap))
    rest = kdb.Region([shape.polygon for shape in hit]) - kdb.Region(gap)
    assert hit
    for shape in hit:
        shapes.erase(shape)
    shapes.insert(rest)
    return layout


@pytest.mark.parametrize("spec", [BankSpec(8, 16), SPEC])
def test_the_generator_s_bank_passes_and_the_control_finds_each_cut(spec):
    row, control = rows_of(build_bank(spec), spec)
    assert (row.status, control.status) == ("pass", "pass")
    assert control.detail.count("cut") == 3
    bits = spec.word_lines * spec.bit_lines
    assert row.detail.startswith(f"{bits + bits // 2 + 4 * spec.bit_lines} transistors")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (("met3", int(PLAN.bit_x[9]), PLAN.tap_y[1], 400, 400), ["BL[9] does not reach"]),
        (("met3", int(PLAN.bit_x[0]), PLAN.tap_y[2], 400, 400), ["BL[0] does not reach 4 of"]),
        (("poly", PLAN.strap_x[1], int(PLAN.word_y[10]), 400, 400), ["WL[10] does not reach 8 of"]),
        (("poly", PLAN.word_pad_x[0] + 500, int(PLAN.word_y[10]), 200, 400), ["WL[10] does not reach 16 of"]),
        # a cut in the rail between two straps is none: both ends are joined
        (("met1", PLAN.supply_x[0], int(PLAN.source_y[3]), 100, 400), []),
        (("met3", PLAN.supply_x[0], sum(PLAN.rail_y) // 2, 100_000, 3000), ["VPWR"]),
    ],
)
def test_a_line_that_is_cut_is_told_by_its_name(damage, told):
    row, _ = rows_of(cut(*damage))
    assert (row.status == "fail") == bool(told)
    for part in told:
        assert part in row.detail


def test_a_wider_transistor_and_swapped_labels_are_told():
    layout = build_bank(SPEC)
    cell = layout.cell(SPEC.name)
    x, y = int(PLAN.bit_x[5]), int(PLAN.word_y[7])
    cell.shapes(layout.layer(*PDK.layers["diff"])).insert(kdb.Box(x, y - 300, x + 250, y + 300))
    (row, _) = rows_of(layout)
    assert "missing: sky130_fd_pr__nfet_01v8 of 0.42 / 0.15 um, gate WL[7]" in row.detail
    layout = build_bank(SPEC)
    shapes = layout.cell(SPEC.name).shapes(layout.layer(*PDK.labels["met1"]))
    swap = {"WL[3]": "WL[4]", "WL[4]": "WL[3]"}
    for shape in list(shapes.each()):
        if shape.text_string in swap:
            shape.text_string = swap[shape.text_string]
    assert rows_of(layout)[0].status == "pass"  # two lines that are alike: where they lead is the chip's LVS


def test_too_many_transistors_and_a_netlist_without_any_are_told():
    wanted = read_transistors(bank_spice(SPEC, np.ones((16, 16), bool)))
    assert wanted.total() == 16 * 16 + 8 * 16 + 4 * 16
    layout = build_bank(SPEC)
    with pytest.raises(FlowError, match="no transistors"):
        rows_of(layout, netlist=".subckt x\n.ends\n")
    with pytest.raises(FlowError, match="no cell"):
        rows_of(kdb.Layout())
    less = wanted.copy()
    gone, _ = less.popitem()
    full = build_bank(SPEC)
    grid = SiteGrid.of(SPEC)
    for x, y in grid.centres(np.ones(grid.shape, bool)).tolist():
        full.cell(SPEC.name).shapes(full.layer(*PDK.layers["via2"])).insert(
            kdb.Box(x - 100, y - 100, x + 100, y + 100)
        )
    (fault,) = check_bank(full, less, PROCESS)
    assert "too many" in fault
    assert gone[1] in fault
