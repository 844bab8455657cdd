"""What a floorplan cannot be is said before hours of place and route."""

import pytest

from base_chip.harden.floorplan import check_macros, check_utilisation, rows_um2
from rtl_gen.errors import FlowError
from tests.small_block import small_block

BLOCK = small_block()


def test_a_block_whose_macros_and_cells_have_room_is_sound():
    check_macros(BLOCK)
    assert 40 < check_utilisation("tile small", rows_um2(BLOCK), 5_000) < 70


def test_a_macro_outside_the_core_is_named():
    with pytest.raises(FlowError, match=r"bank1\.macro covers .* outside the core .*") as e:
        check_macros(small_block((20, 30), (115, 30)))
    assert "tiles/small.yaml" in e.value.hint


@pytest.mark.parametrize("gap", [-1.0, 3.0])
def test_macros_that_are_too_near_are_named(gap):
    with pytest.raises(FlowError, match=r"bank0\.macro, .* and bank1\.macro, .* overlap or are nearer"):
        check_macros(small_block((20, 30), (29 + gap, 30)))


def test_macros_a_halo_apart_are_taken():
    check_macros(small_block((20, 30), (33, 30)))


def test_cells_that_do_not_fit_say_how_full_it_would_be():
    with pytest.raises(FlowError, match=r"um2 of cells are 9\d % of .* at most 85 %") as e:
        check_utilisation("tile small", rows_um2(BLOCK), 0.93 * rows_um2(BLOCK))
    assert "pitches" in e.value.hint
