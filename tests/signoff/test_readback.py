import ast
import contextlib
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signoff.readback
from rtl_gen.errors import ExitCode, FlowError
from signoff.readback import compare, read_layout, readback_control, recover, write_hex
from signoff.readback.shapes import boxes, drawn


def expected(base, image):
    return base.sites.rom.to_banks(image)


@pytest.mark.parametrize("suffix", [".gds", ".oas"])
def test_every_bit_comes_back(small_base, suffix):
    image = small_base.image(7)
    found = recover(read_layout(small_base.chip(image, "every", suffix)))
    np.testing.assert_array_equal(found.bits, expected(small_base, image))
    np.testing.assert_array_equal(found.rows(small_base.sites.rom.mux), image)
    np.testing.assert_array_equal(found.centres.reshape(-1, 2), small_base.sites.centres())
    result = compare(found, expected(small_base, image))
    assert (result.status, result.count) == ("pass", 0)


@given(st.integers(0, 2**32), st.floats(0, 1))
@settings(max_examples=10, deadline=None)
def test_round_trip_of_any_image(small_base, seed, density):
    rom = small_base.sites.rom
    image = np.random.default_rng(seed).random((rom.rows, rom.bits)) < density
    found = recover(read_layout(small_base.chip(image, "any")))
    np.testing.assert_array_equal(found.rows(rom.mux), image)


@pytest.mark.parametrize("turn", range(8))
def test_a_chip_may_be_turned(small_base, small_chip, turn):
    layout = read_layout(small_chip(1))
    banks = recover(layout)
    top = layout.create_cell("turned")
    # Far to the right and up, so that the banks keep their order where the turn does not change it
    top.insert(
        kdb.CellInstArray(layout.cell("scf_small_model1").cell_index(), kdb.Trans(turn, 99_995, 50_000))
    )
    found = recover(layout, banks.grids)
    want = expected(small_base, small_base.image(1))
    first = np.array_equal(found.bits[0], want[0])
    np.testing.assert_array_equal(found.bits, want if first else want[::-1])
    fresh = recover(layout)
    np.testing.assert_array_equal(fresh.bits, found.bits)


def test_a_wrong_bit_is_found_at_its_place(small_base, small_chip):
    image = small_base.image(1)
    found = recover(read_layout(small_chip(1)))
    image[37, 2] ^= True
    bank, word, bit = (int(a) for a in small_base.sites.of_row(37, 2))
    x, y = small_base.sites.place(bank, word, bit) / 1000
    result = compare(found, expected(small_base, image))
    assert (result.status, result.count) == ("fail", 1)
    assert f"bank {bank} WL[{word}] BL[{bit}] at ({x:g}, {y:g}) um" in result.detail


def test_control_finds_planted_bits_and_leaves_the_layout_alone(small_base, small_chip):
    layout = read_layout(small_chip(1))
    found = recover(layout)
    want = expected(small_base, small_base.image(1))
    assert readback_control(layout, found, want).status == "pass"
    assert compare(recover(layout), want).status == "pass"


def test_control_fails_when_the_reader_is_blind(small_base, small_chip, monkeypatch):
    layout = read_layout(small_chip(1))
    found = recover(layout)
    monkeypatch.setitem(readback_control.__globals__, "recover", lambda *_: found)
    result = readback_control(layout, found, expected(small_base, small_base.image(1)))
    assert (result.status, result.count) == ("fail", 2)


def test_a_via_that_half_covers_its_place_is_unclear(small_base, small_chip):
    layout = read_layout(small_chip(1))
    x, y = (int(a) for a in small_base.sites.place(0, 3, 3))
    layout.top_cell().shapes(layout.layer(69, 44)).insert(kdb.Box(x - 150, y - 100, x - 50 + 200, y + 260))
    found = recover(layout)
    assert len(found.unclear) == 1
    result = compare(found, expected(small_base, small_base.image(1)))
    assert result.status == "fail"
    assert "unclear via" in result.detail


def test_a_via_beside_all_places_reads_as_nothing(small_base, small_chip):
    layout = read_layout(small_chip(1))
    layout.top_cell().shapes(layout.layer(69, 44)).insert(kdb.Box(0, 0, 200, 200))
    assert compare(recover(layout), expected(small_base, small_base.image(1))).status == "pass"


def bank_of(layout):
    return layout.cell("scf_bank_8x16")


def without_label(layout):
    for shape in bank_of(layout).shapes(layout.layer(70, 5)).each():
        if shape.text.string == "BL[3]":
            shape.delete()
            return


def swapped_labels(layout):
    shapes = bank_of(layout).shapes(layout.layer(68, 5))
    for shape in list(shapes.each()):
        text = shape.text
        swap = {"WL[2]": "WL[5]", "WL[5]": "WL[2]"}
        if text.string in swap:
            shape.delete()
            shapes.insert(kdb.Text(swap[text.string], text.trans))


def shorted_words(layout):
    bank = bank_of(layout)
    box = bank.bbox()
    bank.shapes(layout.layer(67, 20)).insert(kdb.Box(0, 0, 1500, box.top))


def odd_column(layout):
    bank = bank_of(layout)
    bank.shapes(layout.layer(65, 20)).insert(kdb.Box(5000, 3000, 5100, 3100))


def other_name(layout):
    bank_of(layout).name = "scf_bank_16x16"


def no_bank(layout):
    bank_of(layout).name = "something"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_label, r"BL\[i\].*missing \[3\]"),
        (shorted_words, "nets"),
        (odd_column, "diff of scf_bank_8x16"),
        (other_name, "8 labels WL"),
        (no_bank, "sizes of banks"),
    ],
)
def test_a_layout_that_cannot_be_followed(small_chip, change, words):
    layout = read_layout(small_chip(1))
    change(layout)
    with pytest.raises(FlowError, match=words):
        recover(layout)


def test_word_lines_are_followed_by_their_wires(small_base, small_chip):
    """Labels decide, not the order of the rows: with two labels swapped the rows swap."""
    layout = read_layout(small_chip(1))
    swapped_labels(layout)
    want = expected(small_base, small_base.image(1))
    order = [0, 1, 5, 3, 4, 2, 6, 7]
    np.testing.assert_array_equal(recover(layout).bits, want[:, order])


def test_hex_has_a_word_line_a_line_with_bit_line_0_on_the_right(small_base, small_chip, tmp_path):
    found = recover(read_layout(small_chip(1)))
    for path, bank in zip(write_hex(found.bits, tmp_path), found.bits, strict=True):
        values = [int(line, 16) for line in path.read_text().split()]
        assert values == [sum(1 << int(b) for b in np.flatnonzero(row)) for row in bank]
        assert {len(line) for line in path.read_text().split()} == {4}
    with pytest.raises(FlowError) as e:
        write_hex(found.bits, tmp_path / "none")
    assert e.value.code == ExitCode.OUTPUT


@pytest.mark.parametrize("suffix", [".gds", ".oas"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_give_a_message(small_base, small_chip, suffix, data):
    whole = small_base.chip(small_base.image(2), "whole", suffix).read_bytes()
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        damaged = bytearray(whole)
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = small_base.folder / f"damaged{suffix}"
    path.write_bytes(damaged)
    with contextlib.suppress(FlowError):  # anything else is a bug
        assert compare(recover(read_layout(path)), expected(small_base, small_base.image(2))).status


def test_missing_and_changed_files(small_chip, tmp_path):
    with pytest.raises(FlowError, match=r"no\.gds"):
        read_layout(tmp_path / "no.gds")
    with pytest.raises(FlowError, match="SHA-256"):
        read_layout(small_chip(1), "0" * 64)


def test_boxes_and_drawn():
    layout = kdb.Layout()
    layout.dbu = 0.001
    cell = layout.create_cell("c")
    shapes = cell.shapes(layout.layer(1, 0))
    assert boxes(kdb.Region()).shape == (0, 4)
    assert len(drawn(layout, cell, (9, 9)).rectangles) == 0
    shapes.insert(kdb.Box(-5, -6, 7, 8))
    shapes.insert(kdb.Path([kdb.Point(0, 0), kdb.Point(0, 100)], 20))
    shapes.insert(kdb.Text("t", kdb.Trans()))
    shapes.insert(
        kdb.Polygon([kdb.Point(0, 0), kdb.Point(0, 9), kdb.Point(5, 9), kdb.Point(5, 4), kdb.Point(9, 0)])
    )
    found = drawn(layout, cell, (1, 0))
    assert found.texts == ["('t',r0 0,0)"]
    assert sorted(found.rectangles.tolist()) == [[-10, 0, 10, 100], [-5, -6, 7, 8]]
    assert boxes(found.others).tolist() == [[0, 0, 9, 9]]


def test_nothing_is_shared_with_the_writer():
    for source in Path(signoff.readback.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            assert not [
                n for n in names if n.startswith(("metal_configs", "base_chip", "rtl_gen.golden", "flow"))
            ]


def test_arrays_that_unfold_without_end_are_refused(small_chip):
    layout = read_layout(small_chip(1))
    bank, drain = bank_of(layout), layout.cell("scf_bank_8x16_drain")
    step = kdb.Vector(1, 0), kdb.Vector(0, 1)
    bank.insert(kdb.CellInstArray(drain.cell_index(), kdb.Trans(), *step, 60_000, 60_000))
    with pytest.raises(FlowError, match="shapes in scf_bank_8x16, expected at most"):
        recover(layout)
