"""What is wrong with a die is told by coordinate: tiles, pins and straps that do not meet."""

from dataclasses import replace

import klayout.db as kdb
import pytest

from base_chip.pdk import load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.stitch import drawn_view, faults_of, plan_rows, read_view
from base_chip.stitch.plan import Placed
from base_chip.stitch.view import Strap
from tests.stitching import HEIGHT, WIDTH, view

EDGE, MARGIN = 40_000, load_margin(load_pdk("sky130"))


def faults(*rows, **kwargs):
    return faults_of(plan_rows("die", "sky130", rows, kwargs.pop("edge", EDGE), **kwargs), MARGIN)


def test_tiles_from_one_table_meet():
    rom, ram = view("rom"), view("ram", height=HEIGHT + 27_200)
    assert faults([rom, rom], [ram, ram], [rom, rom]) == []


def test_a_pin_moved_by_a_track_is_named_with_both_places():
    moved = view("ram", west_payload_1=680)
    assert faults([view("rom"), moved]) == [
        "ram_0_1 east of rom_0_0: east_payload[1] is on met3 from (94.28, 86.26) um to (94.28, 86.56) um,"
        " west_payload[1] on met3 from (94.28, 86.94) um to (94.28, 87.24) um"
    ]
    told = faults([view("rom")], [view("ram", north_valid=460)])
    assert len(told) == 1
    assert "ram_1_0 south of rom_0_0: south_valid is on met2 from (60.745, 121.6) um" in told[0]


def test_a_pin_on_another_layer_or_missing_is_named():
    tile = view("ram")
    pin = tile.pins["west_valid"]
    wrong = replace(tile, pins={**tile.pins, "west_valid": replace(pin, layer="met4")})
    (told,) = faults([view("rom"), wrong])
    assert "east_valid is on met3" in told
    assert "west_valid on met4" in told
    lost = replace(tile, pins={n: p for n, p in tile.pins.items() if n != "west_valid"})
    (told,) = faults([view("rom"), lost])
    assert "ram_0_1 has no pin west_valid at the seam; east_valid is on met3 from (94.28, 83.54) um" in told
    narrow = view("ram", bits=1)
    (told,) = faults([view("rom"), narrow])
    assert "ram_0_1 has no pin west_payload[1] at the seam" in told


def test_a_strap_that_does_not_go_on_is_named_by_net_and_place():
    tile = view("ram")
    short = tile.straps[-1]
    box = kdb.Box(short.box.left + 2000, short.box.bottom, short.box.right, short.box.top)
    cut = replace(tile, straps=(*tile.straps[:-1], Strap(short.net, short.layer, box)))
    (told,) = faults([view("rom"), cut])
    assert told.startswith("ram_0_1 east of rom_0_0: strap of VPWR, on met5 from (94.28, ")
    assert told.endswith("does not go on in ram_0_1")
    swapped = {"VPWR": "VGND", "VGND": "VPWR"}
    other = replace(tile, straps=tuple(Strap(swapped[s.net], s.layer, s.box) for s in tile.straps))
    assert len(faults([view("rom"), other])) == 2 * 6  # each of both supplies, from both sides


def test_straps_may_end_at_another_kind_of_tile_as_long_as_one_of_each_net_goes_on():
    tile = view("ram")
    vertical = [s for s in tile.straps if s.layer == "met4"]
    others = tuple(s for s in tile.straps if s.layer != "met4")
    for net, told in (("VPWR", ["no strap of VGND goes on in ram_1_0"]), ("", [])):
        left = [s for s in vertical if net in ("", s.net)][: 1 if net else -1]
        few = replace(tile, straps=(*others, *left))
        assert faults([view("rom")], [few]) == [f"ram_1_0 south of rom_0_0: {t}" for t in told]
    same = faults([tile], [replace(tile, straps=(*others, *vertical[:-1]))])
    assert len(same) == 1
    assert "does not go on in ram_1_0" in same[0]


def test_heights_widths_gaps_and_overlaps():
    (told,) = faults([view("rom"), view("ram", height=HEIGHT + 27_200)])
    assert told == "ram_0_1 east of rom_0_0: they are 81.6 and 108.8 um high, at (94.28, 40) um"
    told = faults([view("rom")], [view("ram", width=WIDTH - 27_140)])
    assert told == [
        "ram_1_0 south of rom_0_0: rom_0_0 is above x = 40 to 94.28 um, ram_1_0 below 40 to 67.14 um"
    ]
    plan = plan_rows("die", "sky130", [[view("rom"), view("ram")]], EDGE)
    first, second = plan.tiles
    for dx, said in (
        (200, "0.2 um between them, at x = 94.28 um"),
        (-200, "they overlap in (94.08, 40) to (94.28, 121.6) um"),
    ):
        moved = Placed(second.name, second.view, 0, 1, (second.at[0] + dx, second.at[1]))
        told = faults_of(replace(plan, tiles=(first, moved), die=(200_000, 200_000)), MARGIN)
        assert told == [f"ram_0_1 east of rom_0_0: {said}"]


def test_tiles_that_are_no_neighbours_may_not_overlap_either():
    plan = plan_rows("die", "sky130", [[view("rom")], [view("ram")], [view("vec")]], EDGE)
    tiles = [*plan.tiles[:2], replace(plan.tiles[2], at=plan.tiles[0].at)]
    told = faults_of(replace(plan, tiles=tuple(tiles)), MARGIN)
    assert "rom_0_0 and vec_2_0 overlap in (40, 203.2) to (94.28, 284.8) um" in told


def test_a_grid_that_is_too_large_for_its_die_and_a_margin_that_is_too_narrow():
    told = faults([view("rom"), view("ram")], die=(150_000, 161_600))
    assert told == [
        "ram_0_1 covers (94.28, 40) to (148.56, 121.6) um, outside of what the margin leaves of the die,"
        " (40, 40) to (110, 121.6) um"
    ]
    told = faults([view("rom")], edge=20_000)
    assert told == ["the margin is 20 um, what is in it takes 26 um"]


def test_every_row_gets_its_steps_at_the_west_edge():
    vec = view("vec", feeds=2)
    assert faults([view("rom")], [view("ram")], [vec]) == []
    told = faults([view("rom")], [view("ram")], [view("vec", feeds=1)])
    assert told == [
        "nothing sends steps to west_payload of ram_1_0, at (40, 121.6) to (94.28, 203.2) um",
        "nothing sends steps to west_valid of ram_1_0, at (40, 121.6) to (94.28, 203.2) um",
    ]
    pin = vec.pins["west_ram_0_valid"]
    wrong = replace(vec, pins={**vec.pins, "west_ram_0_valid": replace(pin, box=pin.box.moved(680, 0))})
    (told,) = faults([view("rom")], [view("ram")], [wrong])
    assert told.startswith("west_ram_0_valid of vec_2_0 is on met3 at (40.68, ")
    (told,) = faults([view("rom")], [view("ram")], [vec], edge=26_000)
    assert told == "the margin is 26 um, what is in it takes 32.36 um"


def test_a_tile_that_is_not_hardened_has_the_pins_of_its_floorplan():
    from base_chip.pdk.place_route import load_place_route
    from base_chip.tiles import load_tile, tile_block

    tile = drawn_view("rom", tile_block(load_tile("rom"), load_place_route(load_pdk("sky130"))))
    assert faults([tile, tile], [tile, tile]) == []
    assert tile.direction("south_payload") == "OUTPUT"
    assert tile.direction("north_payload") == "INPUT"
    assert tile.ports["south_payload"] == 24
    assert tile.ports["clk"] is None


DEF = """VERSION 5.8 ;
DESIGN scf_rom_tile ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 54280 81600 ) ;
PINS 2 ;
    - VGND + NET VGND + SPECIAL + DIRECTION INOUT + USE GROUND
      + PORT
        + LAYER met5 ( -800 -800 ) ( 800 800 )
        + FIXED ( 800 7000 ) N ;
    - west_payload\\[9\\] + NET west_payload\\[9\\] + DIRECTION INPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -450 -150 ) ( 450 150 )
        + FIXED ( 450 35380 ) N ;
END PINS
SPECIALNETS 2 ;
    - VGND ( PIN VGND ) ( * VGND ) + USE GROUND
      + ROUTED met4 0 + SHAPE STRIPE ( 7000 7000 ) via5_6_1600_1600_1_1_1600_1600
      NEW met1 480 + SHAPE FOLLOWPIN ( 900 2720 ) ( 53000 2720 )
      NEW met5 1600 + SHAPE STRIPE ( 0 7000 ) ( 54280 7000 )
      NEW met4 1600 + SHAPE STRIPE ( 7000 0 ) ( 7000 81600 ) ;
    - VPWR ( PIN VPWR ) ( * VPWR ) + USE POWER
      + ROUTED met5 1600 + SHAPE STRIPE ( 0 20600 ) ( 54280 20600 ) ;
END SPECIALNETS
"""


def test_a_hardened_tile_is_read_from_its_routed_design():
    tile = read_view("rom", DEF)
    assert (tile.cell, tile.size) == ("scf_rom_tile", (54_280, 81_600))
    assert tile.pins["west_payload[9]"].box == kdb.Box(0, 35_230, 900, 35_530)
    assert {(s.net, s.layer, str(s.box)) for s in tile.straps} == {
        ("VGND", "met5", "(0,6200;54280,7800)"),
        ("VGND", "met4", "(6200,0;7800,81600)"),
        ("VPWR", "met5", "(0,19800;54280,21400)"),
    }


def test_what_is_no_routed_tile_is_told():
    from rtl_gen.errors import FlowError

    with pytest.raises(FlowError, match="no design, die area, pins or straps in the routed DEF"):
        read_view("rom", DEF.replace("STRIPE", "RING"))
