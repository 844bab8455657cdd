"""A routed DEF becomes a layout."""

from pathlib import Path

import klayout.db as kdb
import pytest

from base_chip.harden.closing import close_gaps
from base_chip.harden.streamout import stream_out
from flow.pdk.providers import find_pdk

LIBRARY = "sky130_fd_sc_hd__"
# The npc of these two cells is 0.16 um apart when they abut so; the rule is 0.27
DEF = f"""VERSION 5.8 ;
DIVIDERCHAR "/" ;
BUSBITCHARS "[]" ;
DESIGN tiny ;
UNITS DISTANCE MICRONS 1000 ;
DIEAREA ( 0 0 ) ( 20000 10000 ) ;
COMPONENTS 2 ;
    - u0 {LIBRARY}a21boi_0 + PLACED ( 5060 2720 ) N ;
    - u1 {LIBRARY}and2_0 + PLACED ( 7820 2720 ) N ;
END COMPONENTS
PINS 1 ;
    - data[0] + NET data[0] + DIRECTION INPUT + USE SIGNAL
      + PORT
        + LAYER met3 ( -400 -150 ) ( 400 150 )
        + PLACED ( 400 5000 ) N ;
END PINS
NETS 1 ;
    - data[0] ( PIN data[0] ) ( u1 A ) + USE SIGNAL
      + ROUTED met3 ( 800 5000 0 ) ( 9000 * ) M2M3_PR ;
END NETS
END DESIGN
"""


@pytest.fixture(scope="module")
def top(kit_cells: Path, sky130, tmp_path_factory) -> kdb.Cell:
    folder = tmp_path_factory.mktemp("def")
    (folder / "tiny.def").write_text(DEF)
    kinds = ("a21boi_0", "and2_0")
    lefs, layouts = (
        [next(kit_cells.glob(f"*/{LIBRARY}{kind}.{suffix}")) for kind in kinds] for suffix in ("lef", "gds")
    )
    tech = find_pdk(sky130, need_all=False).path("tech_lef")
    layout = stream_out(folder / "tiny.def", [tech, *lefs], layouts, sky130).layout
    cell = layout.top_cell()
    cell.held = layout  # a cell does not keep its layout alive
    return cell


def shapes(cell: kdb.Cell, layer: tuple[int, int]) -> kdb.Shapes:
    return cell.shapes(cell.layout().layer(*layer))


def test_a_pin_is_metal_with_a_label_on_it(top, sky130):
    pin = kdb.Box(0, 4850, 800, 5150)
    for table in (sky130.pins, sky130.layers):
        assert pin in [s.bbox() for s in shapes(top, table["met3"]).each()]
    metal = kdb.Region(shapes(top, sky130.layers["met3"])).merged()
    label = next(shapes(top, sky130.labels["met3"]).each(kdb.Shapes.STexts))
    assert label.text_string == "data[0]"
    assert metal.count() == 1
    assert next(metal.each()).inside(label.text_pos)


def test_the_die_is_drawn(top, sky130):
    assert [str(s.box) for s in shapes(top, sky130.layers["prBoundary"]).each()] == ["(0,0;20000,10000)"]


def test_nothing_carries_a_name_of_the_router(top):
    layout = top.layout()
    assert not [s for i in layout.layer_indexes() for s in top.shapes(i).each() if s.has_prop_id()]


def test_npc_of_neighbours_is_merged(top, sky130):
    npc = kdb.Region(top.begin_shapes_rec(top.layout().layer(*sky130.layers["npc"]))).merged()
    assert npc.space_check(sky130.merged_if_closer["npc"]).count() == 0
    assert shapes(top, sky130.layers["npc"]).size()


@pytest.mark.parametrize(("gap", "added"), [(100, 1), (268, 1), (270, 0), (400, 0)])
def test_only_what_is_nearer_than_the_rule_is_joined(gap, added):
    layout = kdb.Layout()
    cell = layout.create_cell("top")
    for x in (0, 1000 + gap):
        cell.shapes(layout.layer(95, 20)).insert(kdb.Box(x, 0, x + 1000, 500))
    assert close_gaps(cell, (95, 20), 270) == added
    assert kdb.Region(cell.shapes(layout.layer(95, 20))).merged().count() == 2 - added
