"""Supplies by metal alone: what is cut off is found."""

from pathlib import Path

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from flow.tasks.wiring import stack_of
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.supplies import supplies
from tests.signoff import small_design as design

PDK = load_pdk("sky130")
STACK = stack_of(PDK)


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
