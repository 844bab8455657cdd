"""A ROM macro's spec, coordinates, pins and views."""

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.arrays.layout import build_rom, program_rom, rom_sites
from base_chip.arrays.pins import macro_pins, port_names
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.spice import rom_spice
from base_chip.arrays.views import rom_lef, write_views
from rtl_gen.errors import ExitCode, FlowError

FULL = RomSpec(256, 128)
SMALL = RomSpec(8, 32)
SHARED = RomSpec(8, 32, mux=4)


@pytest.mark.parametrize(
    ("words", "bits", "named"),
    [
        (0, 32, "words"),
        (12, 32, "words"),
        (48, 32, "words"),
        (1024, 32, "words"),
        (64, 40, "bits"),
        (64, 0, "bits"),
    ],
)
def test_a_size_that_cannot_be_drawn_is_named(words, bits, named):
    with pytest.raises(FlowError, match=f"ROM macro {named} is") as error:
        RomSpec(words, bits)
    assert error.value.code == ExitCode.USAGE


@pytest.mark.parametrize("mux", [0, 2, 8])
def test_a_multiplexer_that_cannot_be_drawn_is_named(mux):
    with pytest.raises(FlowError, match=r"ROM macro mux is \d, it must be one of \(1, 4\)") as error:
        RomSpec(64, 32, mux=mux)
    assert error.value.code == ExitCode.USAGE


@pytest.mark.parametrize(("mux", "pins"), [(1, 172), (4, 80)])
def test_area_and_pins_of_the_full_size(mux, pins):
    spec = RomSpec(256, 128, mux=mux)
    layout = build_rom(spec)
    area = layout.cell(spec.name).bbox(layout.layer(235, 4)).area() * layout.dbu**2
    assert area / (256 * 128) <= 0.60
    assert len(macro_pins(RomPlan(spec.array), spec)) == pins


@pytest.mark.parametrize(("mux", "name"), [(1, "scf_rom_64x64"), (4, "scf_rom_64x64_mux4")])
def test_nothing_lies_outside_the_boundary(mux, name):
    layout = build_rom(RomSpec(64, 64, mux=mux))
    cell = layout.cell(name)
    assert cell.bbox() == cell.bbox(layout.layer(235, 4))
    assert [c.name for c in layout.top_cells()] == [name]


@pytest.mark.parametrize("spec", [SMALL, SHARED], ids=lambda spec: spec.name)
def test_every_shape_as_it_is_drawn_is_on_the_grid(spec):
    layout, grid = build_rom(spec), spec.array.process.grid
    for cell in layout.each_cell():
        for layer in layout.layer_indexes():
            shapes = kdb.Region(cell.shapes(layer))
            shapes.merged_semantics = False  # what another shape covers must be on the grid, too
            assert not shapes.grid_check(grid, grid), (cell.name, layout.get_info(layer))


@pytest.mark.parametrize("spec", [SMALL, SHARED], ids=lambda spec: spec.name)
def test_vias_lie_on_bit_lines_at_drains(spec):
    sites, plan = rom_sites(spec), RomPlan(spec.array)
    assert sites.shape == (8, 32)
    layout = build_rom(spec)
    cell, via2 = layout.cell(spec.name), layout.layer(69, 44)
    base = kdb.Region(cell.begin_shapes_rec(via2)).merged()
    program_rom(layout, spec, np.ones((8, 32), bool))
    vias = kdb.Region(cell.begin_shapes_rec(via2)).merged()
    assert vias.count() == base.count() + 8 * 32  # no via of the base touches a site
    met3 = kdb.Region(cell.begin_shapes_rec(layout.layer(70, 20)))
    met2 = kdb.Region(cell.begin_shapes_rec(layout.layer(69, 20)))
    assert (vias - base).outside(met3 & met2).is_empty()
    assert plan.tap_y[0] < sites.y[0] < sites.y[-1] < plan.tap_y[-1]


@pytest.mark.parametrize("spec", [SMALL, SHARED], ids=lambda spec: spec.name)
def test_every_pin_is_drawn_and_labelled_once(spec):
    layout = build_rom(spec)
    cell = layout.cell(spec.name)
    labels = [
        shape.text.string
        for layer in (69, 70, 71)
        for shape in cell.shapes(layout.layer(layer, 5)).each()
        if shape.is_text()
    ]
    assert set(labels) == set(port_names(spec))
    assert all(labels.count(name) == 1 for name in labels if name not in ("VPWR", "VGND"))


@pytest.mark.parametrize("spec", [SMALL, SHARED], ids=lambda spec: spec.name)
def test_lef_has_the_pins_of_the_netlist(spec):
    lef = rom_lef(spec)
    assert [line.split()[1] for line in lef.splitlines() if line.startswith("  PIN ")] == port_names(spec)
    ports = (
        rom_spice(spec).split("\nX")[0].replace("\n+", "").split(f".subckt {spec.name} ".strip())[1].split()
    )
    assert ports == port_names(spec)


def test_a_bit_of_the_netlist_is_a_drain_on_a_bit_line():
    bits = np.zeros((8, 32), bool)
    without = rom_spice(SMALL, bits)
    bits[5, 7] = True
    assert rom_spice(SMALL, bits).count(" bl7 ") > without.count(" bl7 ")
    with pytest.raises(FlowError, match="bits are"):
        rom_spice(SMALL, np.zeros((8, 31), bool))


def test_the_same_spec_gives_the_same_bytes(tmp_path):
    one, two = (write_views(SMALL, tmp_path / name) for name in ("one", "two"))
    assert set(one) == {"gds", "lef", "verilog", "spice", "sites"}
    assert all(one[kind].read_bytes() == two[kind].read_bytes() for kind in one)
