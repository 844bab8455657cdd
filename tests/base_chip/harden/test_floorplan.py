"""A floorplan that cannot work is refused before hours of place and route."""

from dataclasses import replace

import pytest

from base_chip.config import Floorplan, load_base
from base_chip.harden.block import base_block
from base_chip.harden.floorplan import (
    check_macros,
    check_pins,
    check_utilisation,
    core_used_percent,
    pin_places,
    rows_um2,
)
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from rtl_gen.errors import FlowError

NANO = load_base("nano")
FACTS = load_place_route(load_pdk("sky130"))
BLOCK = base_block(NANO, FACTS)
PITCH = {"horizontal": 0.68, "vertical": 0.46}


def with_banks(*origins):
    """Nano with banks, 93.835 x 181.22 um each, elsewhere."""
    return base_block(replace(NANO, floorplan=Floorplan(NANO.floorplan.die, origins)), FACTS)


def test_nano_is_sound():
    check_macros(BLOCK)
    assert 40 < check_utilisation("base nano", rows_um2(BLOCK), 270_000) < 70


def test_a_bank_outside_the_core_is_named():
    with pytest.raises(FlowError, match=r"rom\.bank1 covers .* outside the core"):
        check_macros(with_banks((110, 500), (730, 500)))


@pytest.mark.parametrize("gap", [-1.0, 3.0])
def test_banks_that_are_too_near_are_named(gap):
    with pytest.raises(FlowError, match=r"rom\.bank0, .* and rom\.bank1, .* overlap or are nearer"):
        check_macros(with_banks((110, 500), (203.835 + gap, 500)))


def test_banks_a_halo_apart_are_taken():
    check_macros(with_banks((110, 500), (208, 500)))


def test_cells_that_do_not_fit_say_how_full_it_would_be():
    with pytest.raises(FlowError, match=r"um2 of cells are 9\d % of .* at most 85 %"):
        check_utilisation("base nano", rows_um2(BLOCK), 530_000)


# What OpenROAD's pin placer says it has room for, with a port of 2,000 bits on dies of these sizes
@pytest.mark.parametrize(
    ("die", "places"), [((20.24, 21.76), 64), ((46.0, 81.6), 208), ((103.04, 103.36), 364), ((2.0, 2.0), 0)]
)
def test_pins_find_as_much_room_as_openroad_gives_them(die, places):
    block = replace(BLOCK, die=die)
    assert pin_places(block, PITCH) == places


def test_more_pins_than_fit_at_the_edges_are_refused():
    check_pins("base nano", 22, 22)
    with pytest.raises(FlowError, match="base nano: 23 pins, and room for 22 at the edges") as e:
        check_pins("base nano", 22, 23)
    assert "floorplan.die" in e.value.hint


def test_the_core_is_used_by_cells_and_by_banks_without_their_halos():
    (x0, y0), (x1, y1) = NANO.hardening.core
    core = (x1 - x0) * (y1 - y0)
    banks = 4 * 93.835 * 181.22
    assert core_used_percent(BLOCK, 0) == pytest.approx(100 * banks / core)
    assert core_used_percent(BLOCK, core - banks) == pytest.approx(100)
