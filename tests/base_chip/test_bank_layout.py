import hashlib

import klayout.db as db
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base_chip.bank import BankPlan, BankSpec, SiteGrid, build_bank, program_bank, write_layout
from base_chip.bank.pins import bank_pins
from rtl_gen.errors import FlowError

SIZES = [(2, 8), (8, 8), (32, 40), (64, 32)]
some_banks = st.builds(
    BankSpec,
    word_lines=st.sampled_from([2, 6, 8, 30, 32, 64]),
    bit_lines=st.sampled_from([8, 16, 40, 64]),
    columns_per_strap=st.sampled_from([8, 16, 32]),
    precharge_fingers=st.sampled_from([4, 6, 8]),
)


def region(layout: db.Layout, spec: BankSpec, name: str) -> db.Region:
    return db.Region(layout.cell(spec.name).begin_shapes_rec(layout.layer(*spec.process.layers[name])))


@settings(max_examples=15, deadline=None)
@given(some_banks)
def test_every_shape_lies_on_the_grid_and_inside_the_boundary(spec):
    layout, plan = build_bank(spec), BankPlan(spec)
    boundary = db.Box(0, 0, plan.width, plan.height)
    for name in spec.process.layers:
        shapes = region(layout, spec, name)
        assert not shapes.grid_check(spec.process.grid, spec.process.grid), name
        assert shapes.is_empty() or shapes.bbox().inside(boundary), name
    assert region(layout, spec, "prBoundary").bbox() == boundary


@settings(max_examples=15, deadline=None)
@given(some_banks)
def test_a_site_is_a_pad_under_a_bit_line_and_empty_in_the_base(spec):
    layout, sites = build_bank(spec), SiteGrid.of(spec)
    vias = db.Region(
        [db.Box(-100, -100, 100, 100).moved(*xy) for xy in sites.centres(np.ones(sites.shape, bool)).tolist()]
    )
    assert vias.count() == spec.word_lines * spec.bit_lines
    assert (vias & region(layout, spec, "via2")).is_empty()
    assert vias.sized(40, 40, 2).inside(region(layout, spec, "met2")).count() == vias.count()
    assert vias.sized(65, 65, 2).inside(region(layout, spec, "met3")).count() == vias.count()


@pytest.mark.parametrize("size", SIZES)
def test_transistors_are_one_a_bit_one_dummy_a_pair_and_the_precharge(size):
    spec = BankSpec(*size)
    layout = build_bank(spec)
    gates = region(layout, spec, "poly").merged() & region(layout, spec, "diff").merged()
    nwell = region(layout, spec, "nwell").merged()
    assert gates.inside(nwell).count() == spec.bit_lines * spec.precharge_fingers
    assert gates.outside(nwell).count() == spec.word_lines * spec.bit_lines * 3 // 2


def test_the_same_bank_gives_the_same_bytes(tmp_path):
    bits = np.random.default_rng(0).random((8, 16)) < 0.5
    digests = set()
    for suffix in ("a.gds", "b.gds"):
        spec = BankSpec(8, 16)
        layout = build_bank(spec)
        program_bank(layout, spec, bits)
        write_layout(layout, tmp_path / suffix)
        digests.add(hashlib.sha256((tmp_path / suffix).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_contents_differ_in_the_program_layer_alone():
    spec = BankSpec(8, 16)
    layouts = [build_bank(spec) for _ in range(2)]
    for layout, seed in zip(layouts, (1, 2), strict=True):
        program_bank(layout, spec, np.random.default_rng(seed).random((8, 16)) < 0.5)
    differing = [
        name
        for name in spec.process.layers
        if region(layouts[0], spec, name) ^ region(layouts[1], spec, name)
    ]
    assert differing == list(spec.process.program_layers)


def test_pins_are_labelled_metal():
    spec = BankSpec(8, 16)
    layout = build_bank(spec)
    cell, pdk = layout.cell(spec.name), spec.process
    labels = {
        (layer, shape.text.string)
        for layer in pdk.labels
        for shape in cell.shapes(layout.layer(*pdk.labels[layer])).each()
    }
    expected = {(rect.layer, pin.name) for pin in bank_pins(BankPlan(spec)) for rect in pin.rects}
    assert labels == expected
    for pin in bank_pins(BankPlan(spec)):
        for rect in pin.rects:
            shape = db.Region(db.Box(rect.x0, rect.y0, rect.x1, rect.y1))
            assert (shape - region(layout, spec, rect.layer)).is_empty()


def test_word_and_bit_pins_reach_their_edge():
    pins = {pin.name: pin for pin in bank_pins(BankPlan(BankSpec(8, 16)))}
    assert all(pins[f"WL[{w}]"].rects[0].x0 == 0 for w in range(8))
    assert pins["PRE_N"].rects[0].x0 == 0
    assert all(rect.y0 == 0 for b in range(16) for rect in pins[f"BL[{b}]"].rects)


def test_a_full_bank_is_dense():
    plan = BankPlan(BankSpec(256, 256))
    assert plan.width * plan.height / 1e6 <= 0.60 * 256 * 256


def test_two_kinds_of_bank_share_a_layout():
    layout = build_bank(BankSpec(8, 8))
    build_bank(BankSpec(8, 16), layout)
    assert {c.name for c in layout.top_cells()} == {"scf_bank_8x8", "scf_bank_8x16"}


def test_contents_of_another_size_are_refused():
    spec = BankSpec(8, 8)
    with pytest.raises(FlowError, match=r"bits are \(8, 4\), bank scf_bank_8x8 has \(8, 8\)"):
        program_bank(build_bank(spec), spec, np.zeros((8, 4), bool))
