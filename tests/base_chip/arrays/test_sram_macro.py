"""An SRAM macro's spec, coordinates, pins and views."""

import re

import klayout.db as kdb
import pytest

from base_chip.arrays.sram.layout import build_sram
from base_chip.arrays.sram.pins import macro_pins, port_names
from base_chip.arrays.sram.plan import SramPlan
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.spice import sram_spice
from base_chip.arrays.sram.views import sram_lef, sram_verilog, write_views
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.macro import macro_ports, ram_macro_name, ram_pins

FULL = SramSpec(256, 128)
SMALL = SramSpec(8, 8)


@pytest.mark.parametrize(
    ("words", "bits", "named"),
    [
        (0, 32, "words"),
        (12, 32, "words"),
        (48, 32, "words"),
        (512, 32, "words"),
        (64, 12, "bits"),
        (64, 256, "bits"),
    ],
)
def test_a_size_that_cannot_be_drawn_is_named(words, bits, named):
    with pytest.raises(FlowError, match=f"SRAM macro {named} is") as error:
        SramSpec(words, bits)
    assert error.value.code == ExitCode.USAGE


def test_area_of_the_full_size():
    layout = build_sram(FULL)
    area = layout.cell(FULL.name).bbox(layout.layer(235, 4)).area() * layout.dbu**2
    assert area / (256 * 128) <= 6.0


def test_nothing_lies_outside_the_boundary():
    layout = build_sram(SramSpec(64, 32))
    cell = layout.cell("scf_ram_64x32")
    assert cell.bbox() == cell.bbox(layout.layer(235, 4))
    assert [c.name for c in layout.top_cells()] == ["scf_ram_64x32"]


def test_a_tap_is_within_reach_of_every_row():
    for words in (8, 32, 64, 96, 128, 160, 192, 224, 256):
        plan = SramPlan(SramSpec(words, 8))
        assert sum(rows for _, rows in plan.blocks) == words
        assert all(rows % 8 == 0 and rows * 960 / 2 < 15000 for _, rows in plan.blocks)
        assert len(plan.driver_y) * 4 == words


def test_every_pin_is_drawn_and_labelled_once():
    layout = build_sram(SMALL)
    cell = layout.cell(SMALL.name)
    labels = [
        shape.text.string
        for layer in (69, 70, 71)
        for shape in cell.shapes(layout.layer(layer, 5)).each()
        if shape.is_text()
    ]
    assert set(labels) == set(port_names(SMALL))
    assert all(labels.count(name) == 1 for name in labels if name not in ("VPWR", "VGND"))


def test_pins_of_a_layer_keep_their_distance():
    pins = macro_pins(SramPlan(SramSpec(32, 32)))
    for layer, space in (("met2", 140), ("met3", 300)):
        region = kdb.Region(
            [kdb.Box(r.x0, r.y0, r.x1, r.y1) for p in pins for r in p.rects if r.layer == layer]
        )
        assert region.count()
        assert region.space_check(space).is_empty()


def test_lef_has_the_pins_of_the_netlist_and_of_the_tile():
    lef = sram_lef(SMALL)
    assert [line.split()[1] for line in lef.splitlines() if line.startswith("  PIN ")] == port_names(SMALL)
    ports = sram_spice(SMALL).split("\nX")[0].replace("\n+", "").split(f".subckt {SMALL.name}")[1].split()
    assert ports == port_names(SMALL)
    name = ram_macro_name(64, 128)
    tile = macro_ports(name, ram_pins(64, 128))
    model = sram_verilog(SramSpec(64, 128))
    assert f"module {name} (" in model
    for port, width in (("a", 8), ("b_n", 8), ("write", 16), ("d", 128), ("q", 128)):
        assert f"[{width - 1}:0] {port}" in tile
        assert re.search(rf"\[(?:{width}-1|{width - 1}):0\] {port}\b", model)


def test_a_cell_has_eight_transistors():
    per_bit = sram_spice(SramSpec(16, 8)).count("\nX") - sram_spice(SMALL).count("\nX")
    drivers = 2 * (
        2 * 4 + 8 * (4 + 4)
    )  # of two rows of gates: two NORs; eight NANDs, eight inverters of two fingers
    assert per_bit == 8 * 8 * 8 + drivers


def test_the_same_spec_gives_the_same_bytes(tmp_path):
    one, two = (write_views(SMALL, tmp_path / name) for name in ("one", "two"))
    assert set(one) == {"gds", "lef", "verilog", "spice"}
    assert all(one[kind].read_bytes() == two[kind].read_bytes() for kind in one)
