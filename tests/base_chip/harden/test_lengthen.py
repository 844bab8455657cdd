"""Shapes below the least area of a layer."""

import klayout.db as kdb
import pytest

from base_chip.harden.lengthen import Lengthened, lengthen
from base_chip.pdk import LeastArea

LAYER = (70, 20)
RULE = LeastArea(area=240_000, space=300, wide=3000, wide_space=400)
PAD = kdb.Box(-190, -165, 190, 165)  # a via's, of 0.125 um2


def made(*others: kdb.Box, below: bool = False, horizontal: bool = True, pad: kdb.Box = PAD):
    """What becomes of a pad among others: counts, the pad's new outline, all shapes merged."""
    layout = kdb.Layout()
    top = layout.create_cell("top")
    index = layout.layer(*LAYER)
    top.shapes(index).insert(pad)
    cell = top
    if below:
        cell = layout.create_cell("below")
        top.insert(kdb.CellInstArray(cell.cell_index(), kdb.Trans()))
    for box in others:
        cell.shapes(index).insert(box)
    told = lengthen(top, LAYER, RULE, horizontal=horizontal, grid=5)
    merged = kdb.Region(top.begin_shapes_rec(index)).merged()
    found = next(p for p in merged.each() if p.inside(pad.center()))
    return told, found, merged


@pytest.mark.parametrize("horizontal", [True, False])
def test_a_small_pad_gets_its_area_in_the_preferred_direction(horizontal):
    told, found, _ = made(horizontal=horizontal)
    assert told == Lengthened(1, 0)
    box = found.bbox()
    assert (box.height() == 330) if horizontal else (box.width() == 380)
    assert RULE.area <= found.area() < RULE.area + 5 * 380
    assert {box.left % 5, box.right % 5, box.bottom % 5, box.top % 5} == {0}


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize(
    ("others", "left", "right"),
    [
        ([kdb.Box(600, -165, 2000, 165)], -430, 300),  # 110 to the right, the rest to the left
        ([kdb.Box(-2000, -165, -491, 165)], -190, 540),  # 1 short of the space: nothing to the left
        ([kdb.Box(600, 466, 2000, 2000)], -190, 540),  # above, far enough
        ([kdb.Box(600, -165, 4000, 4000)], -540 + 10, 200),  # wide: 400 away
    ],
)
def test_spaces_are_kept(others, left, right, below):
    told, found, merged = made(*others, below=below)
    assert told == Lengthened(1, 0)
    assert merged.space_check(RULE.space).count() == 0
    assert (found.bbox().left, found.bbox().right) == (left, right)


def test_without_room_along_it_grows_across():
    walls = kdb.Box(500, -3000, 900, 3000), kdb.Box(-900, -3000, -500, 3000)
    told, found, merged = made(*walls)
    assert told == Lengthened(1, 0)
    assert found.bbox().height() > 330
    assert found.area() >= RULE.area
    assert merged.space_check(RULE.space).count() == 0


def test_what_has_no_room_stays_and_is_counted():
    ring = kdb.Region(kdb.Box(-900, -900, 900, 900)) - kdb.Region(kdb.Box(-490, -465, 490, 465))
    told, found, _ = made(*(p.bbox() for p in ring.decompose_trapezoids_to_region().each()))
    assert told == Lengthened(0, 1)
    assert found.bbox() == PAD


def test_pads_that_want_the_same_room_do_not_meet():
    told, _, merged = made(PAD.moved(760, 0))
    assert told == Lengthened(2, 0)
    assert merged.space_check(RULE.space).count() == 0
    assert merged.with_area(0, RULE.area, False).count() == 0


def test_what_is_large_enough_stays():
    told, found, _ = made(pad=kdb.Box(0, 0, 600, 400))
    assert told == Lengthened(0, 0)
    assert found.bbox() == kdb.Box(0, 0, 600, 400)
