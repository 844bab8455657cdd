import json
from collections import Counter

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.invariance import (
    Chip,
    Sites,
    _touching,
    changes,
    check_hashes,
    check_legal_sites,
    check_xor,
    hashes,
    invariance,
)  # fmt: skip
from signoff.readback import read_layout
from signoff.readback.shapes import drawn, minus

VIA2, MET1, MET2 = (69, 44), (68, 20), (69, 20)


@pytest.fixture
def sites(small_base):
    return Sites(VIA2, small_base.sites.centres(), 200)


@pytest.fixture
def base(small_base):
    return Chip(read_layout(small_base.path))


@pytest.fixture
def chip(small_chip):
    return Chip(read_layout(small_chip(1)))


@pytest.fixture
def other(small_chip):
    return Chip(read_layout(small_chip(2)))


def test_two_models_on_one_base_pass_and_every_control_finds_its_fault(base, chip, other, sites, tmp_path):
    report = tmp_path / "layers.json"
    results = invariance(base.layout, chip.layout, other.layout, sites, report)
    assert [r.name for r in results] == [
        "base_hashes",
        "base_hashes_control",
        "model_xor",
        "model_xor_control",
        "legal_sites",
        "legal_sites_control",
    ]
    assert {r.status for r in results} == {"pass"}
    assert len(invariance(base.layout, chip.layout, other.layout, sites, report, controls=False)) == 3
    pairs = json.loads(report.read_text())
    assert pairs.keys() == {"base and chip", "chip and other"}
    for layers in pairs.values():
        assert len(layers) > 5
        assert all(left == right for left, right in layers.values())
        assert f"{VIA2[0]}/{VIA2[1]}" not in layers


def test_an_extra_shape_is_named_by_its_layer(base, chip, other):
    wrong = chip.edited(MET1, kdb.Box(0, 0, 5, 5))
    result = check_hashes(*hashes(base, wrong, [VIA2]))
    assert (result.status, result.count) == ("fail", 1)
    assert "68/20" in result.detail
    assert "68/20" in check_xor(wrong, other, [VIA2]).detail
    assert check_hashes(*hashes(base, chip, [VIA2])).status == "pass"  # the original is untouched


def test_a_new_layer_and_a_lost_one_are_found(base, chip):
    assert "77/7" in check_hashes(*hashes(base, chip.edited((77, 7), kdb.Box(0, 0, 5, 5)), [VIA2])).detail
    lost = Chip(chip.layout.dup())
    lost.layout.clear_layer(lost.layout.layer(*MET2))
    assert "69/20" in check_hashes(*hashes(base, lost, [VIA2])).detail


def test_a_moved_label_is_found(base, chip, other):
    wrong = Chip(chip.layout.dup())
    layer = wrong.layout.layer(70, 5)
    wrong.layout.top_cell().shapes(layer).insert(kdb.Text("BL[0]", kdb.Trans(5, 5)))
    assert "70/5" in check_hashes(*hashes(base, wrong, [VIA2])).detail
    assert "70/5" in check_xor(wrong, other, [VIA2]).detail


def test_only_the_covered_area_counts(base):
    flat = Chip(base.layout.dup())
    flat.layout.flatten(flat.layout.top_cell().cell_index(), -1, True)
    assert flat.drawn(MET1) != base.drawn(MET1)
    assert check_hashes(*hashes(base, flat, [VIA2])).status == "pass"
    x, y = 50_000, 20_000
    whole = base.edited(MET1, kdb.Box(x, y, x + 400, y + 400))
    halves = base.edited(MET1, kdb.Box(x, y, x + 250, y + 400), kdb.Box(x + 200, y, x + 400, y + 400))
    assert whole.drawn(MET1) != halves.drawn(MET1)
    assert check_hashes(*hashes(whole, halves, [VIA2])).status == "pass"
    assert check_hashes(*hashes(base, halves, [VIA2])).status == "fail"
    corner = kdb.Box(x, y, x + 100, y + 100), kdb.Box(x + 100, y + 100, x + 200, y + 200)
    first, second = base.edited(MET1, *corner), base.edited(MET1, *reversed(corner))
    assert check_hashes(*hashes(first, second, [VIA2])).status == "pass"


coordinates = st.integers(0, 40).map(lambda n: 5 * n)
drawings = st.one_of(
    st.builds(kdb.Box, coordinates, coordinates, coordinates, coordinates).filter(lambda b: b.area() > 0),
    st.builds(
        lambda x, y, size: kdb.Polygon([kdb.Point(x, y), kdb.Point(x, y + size), kdb.Point(x + size, y)]),
        coordinates, coordinates, st.sampled_from([5, 50]),
    ),
)  # fmt: skip
turns = st.builds(kdb.Trans, st.integers(0, 7), st.just(False), coordinates, coordinates)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_layers_differ_where_their_area_does_however_they_are_drawn(data):
    """Two layouts of three levels, of which the second is the first one after some edits."""
    layout = kdb.Layout()
    index = layout.layer(*MET1)
    leaf, middle, top = (layout.create_cell(name) for name in ("leaf", "middle", "top"))
    for cell, below in ((leaf, None), (middle, leaf), (top, middle)):
        for shape in data.draw(st.lists(drawings, max_size=4)):
            cell.shapes(index).insert(shape)
        for turn in data.draw(st.lists(turns, min_size=1, max_size=3)) if below else ():
            cell.insert(kdb.CellInstArray(below.cell_index(), turn))
    copy = layout.dup()
    for edit in data.draw(st.lists(st.sampled_from(["add", "cut", "move", "flatten", "again"]), max_size=3)):
        cell = copy.cell(data.draw(st.sampled_from(["leaf", "middle", "top"])))
        if cell is None:
            continue
        if edit == "add":
            cell.shapes(index).insert(data.draw(drawings))
        elif edit == "cut":  # the same area in other shapes
            area = kdb.Region(cell.shapes(index))
            area.merge()
            cell.shapes(index).clear()
            for trapezoid in area.decompose_trapezoids_to_region().each():
                cell.shapes(index).insert(trapezoid)
        elif edit == "flatten":
            cell.flatten(True)
        elif insts := list(cell.each_inst()):
            turn = kdb.Trans(5 * (edit == "move"), 0)
            cell.insert(kdb.CellInstArray(insts[0].cell_index, turn * insts[0].trans))
            if edit == "move":
                insts[0].delete()
    if data.draw(st.booleans()):  # as a chip has its base
        around = copy.create_cell("around")
        around.insert(kdb.CellInstArray(copy.cell("top").cell_index(), kdb.Trans()))
        for shape in data.draw(st.lists(drawings, max_size=1)):
            around.shapes(index).insert(shape)
    one, two = Chip(layout), Chip(copy)
    assert changes(one, two, MET1) == (one.flat(MET1) ^ two.flat(MET1)).merged().count()
    assert changes(two, one, MET1) == changes(one, two, MET1)


def test_what_is_drawn_twice_is_one_change():
    layout = kdb.Layout()
    index = layout.layer(*MET1)
    leaf, top = layout.create_cell("leaf"), layout.create_cell("top")
    for y in (0, 5):
        top.insert(kdb.CellInstArray(leaf.cell_index(), kdb.Trans(0, y)))
    top.shapes(index).insert(kdb.Box(0, 0, 5, 5))
    copy = layout.dup()
    copy.cell("leaf").shapes(index).insert(
        kdb.Polygon([kdb.Point(0, 195), kdb.Point(0, 200), kdb.Point(5, 195)])
    )
    copy.cell("leaf").shapes(index).insert(
        kdb.Polygon([kdb.Point(0, 190), kdb.Point(0, 195), kdb.Point(5, 190)])
    )
    assert changes(Chip(layout), Chip(copy), MET1) == 1


def test_equal_models_do_not_pass_as_two(chip):
    result = check_xor(chip, chip, [VIA2])
    assert result.status == "fail"
    assert "no difference on 69/44" in result.detail


def square(sites, n, dx=0, dy=0, grow=0):
    x, y = (int(a) for a in sites.centres[n])
    return kdb.Box(x - 100, y - 100, x + 100, y + 100).moved(dx, dy).enlarged(grow, grow)


@pytest.mark.parametrize("change", [{"dx": 5}, {"dy": -5}, {"grow": 5}, {"dx": 345}])
def test_a_via_off_its_site_is_named(base, sites, change):
    wrong = square(sites, 9, **change)
    result = check_legal_sites(base, base.edited(VIA2, wrong), sites)
    assert (result.status, result.count) == ("fail", 1)
    assert f"({wrong.left / 1000:g}, {wrong.bottom / 1000:g})" in result.detail


def test_two_vias_at_a_site_and_other_shapes_are_found(base, sites):
    assert check_legal_sites(base, base.edited(VIA2, square(sites, 9)), sites).status == "pass"
    assert check_legal_sites(base, base.edited(VIA2, *[square(sites, 9)] * 2), sites).count == 1
    wrong = Chip(base.layout.dup())
    triangle = kdb.Polygon([kdb.Point(0, 0), kdb.Point(0, 200), kdb.Point(200, 0)])
    wrong.layout.top_cell().shapes(wrong.layout.layer(*VIA2)).insert(triangle)
    result = check_legal_sites(base, wrong, sites)
    assert (result.status, result.count) == ("fail", 1)
    assert "not a rectangle" in result.detail


def test_the_base_s_own_vias_must_stay(base, chip, sites):
    wrong = Chip(chip.layout.dup())
    cell = next(c for c in wrong.layout.each_cell() if c.name.endswith("_precharge"))
    cell.shapes(wrong.layout.layer(*VIA2)).clear()
    result = check_legal_sites(base, wrong, sites)
    assert result.status == "fail"
    assert "missing" in result.detail
    assert result.count >= 2 * 16


def test_names_that_a_router_leaves_on_shapes_change_nothing():
    """Properties are written beside a shape, where boxes are read from klayout's own GDS."""
    layers = {}
    for named in (False, True):
        layout = kdb.Layout()
        cell = layout.create_cell("top")
        for n in range(3):
            shape = cell.shapes(layout.layer(68, 20)).insert(kdb.Box(0, 1000 * n, 500, 1000 * n + 400))
            if named:
                shape.set_property(1, f"net{n}")
        layers[named] = drawn(layout, cell, (68, 20)).rectangles.tolist()
    assert layers[True] == layers[False]
    assert sorted(layers[True]) == [[0, 0, 500, 400], [0, 1000, 500, 1400], [0, 2000, 500, 2400]]


@pytest.fixture
def wired(small_base, small_chip):
    """Base and chip with the same vias of wires: between banks, and over one beside its sites."""
    places = [(1000, 1000), (28_000, 15_000), (29_000, 2000)]
    return tuple(
        Chip(read_layout(path)).edited(VIA2, *(kdb.Box(x, y, x + 200, y + 200) for x, y in places))
        for path in (small_base.path, small_chip(1))
    )


def test_vias_of_the_base_s_wires_are_its_own(wired, sites):
    base, chip = wired
    found = check_legal_sites(base, chip, sites)
    assert (found.status, found.count) == ("pass", 0)
    assert "shapes of the base unchanged" in found.detail


def test_a_via_of_a_wire_too_few_or_too_many_is_found(wired, sites):
    base, chip = wired
    own = kdb.Box(1000, 1000, 1200, 1200)
    gone = check_legal_sites(base, chip.without(VIA2, own), sites)
    assert (gone.status, gone.count) == ("fail", 1)
    assert "own shape is missing: (1, 1)" in gone.detail
    more = check_legal_sites(base, chip.edited(VIA2, own.moved(600, 0)), sites)
    assert (more.status, more.count) == ("fail", 1)
    assert "(1.6, 1)" in more.detail
    twice = check_legal_sites(base, chip.edited(VIA2, own), sites)
    assert (twice.status, twice.count) == ("fail", 1)


def test_a_via_of_a_wire_at_a_site_is_found_in_the_base(base, chip, sites):
    """It would be a bit that is 1 whatever the model says."""
    via = square(sites, 9, dx=200)  # its edge touches that of the site's square
    found = check_legal_sites(base.edited(VIA2, via), chip.edited(VIA2, via), sites)
    assert (found.status, found.count) == ("fail", 1)
    assert "at a legal site" in found.detail


def test_a_label_on_the_program_layer_is_found(base, chip, sites):
    wrong = Chip(chip.layout.dup())
    wrong.layout.top_cell().shapes(wrong.layout.layer(*VIA2)).insert(kdb.Text("x", kdb.Trans(5, 5)))
    assert "labels differ" in check_legal_sites(base, wrong, sites).detail


def test_shapes_at_sites_are_those_that_klayout_finds():
    random = np.random.default_rng(1)
    sites = Sites(VIA2, random.integers(-40, 40, (200, 2)) * 25, 10)
    corners = random.integers(-1100, 1100, (500, 2))
    shapes = np.concatenate([corners, corners + random.integers(1, 60, (500, 2))], axis=1)
    squares = kdb.Region([kdb.Box(*box) for box in sites.boxes().tolist()])
    wanted = [box for box in shapes.tolist() if not kdb.Region(kdb.Box(*box)).interacting(squares).is_empty()]
    assert 20 < len(wanted) < 480
    assert _touching(shapes, sites).tolist() == wanted
    assert not len(_touching(shapes[:0], sites))


def test_digests_of_the_base_that_were_kept_say_what_new_ones_say(base, chip, other, sites, tmp_path):
    known = base.structure.told(layer for layer in base.layers() if layer != VIA2)
    report = tmp_path / "layers.json"
    anew = invariance(base.layout, chip.layout, other.layout, sites, report)
    told = report.read_text()
    assert invariance(base.layout, chip.layout, other.layout, sites, report, known=known) == anew
    assert report.read_text() == told


@given(
    st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12),
    st.lists(st.integers(0, 3), max_size=4), st.lists(st.integers(0, 3), max_size=4),
)  # fmt: skip
def test_rows_that_one_lacks_are_found_wherever_both_begin_and_end_alike(some, others, before, behind):
    def rows(numbers):
        return np.array([[n, 0, n + 1, 1] for n in [*before, *numbers, *behind]], np.int64).reshape(-1, 4)

    expected = Counter(some) - Counter(others)
    assert minus(rows(some), rows(others))[:, 0].tolist() == sorted(expected.elements())
