"""The supplies of a die are those of its tiles and its margin, joined where they meet; assumed activity."""

import klayout.db as kdb
import pytest

from rtl_gen.errors import FlowError
from signoff.assembly.routed import Routed, read_macros, read_vias
from signoff.netlist import Instance, Netlist
from signoff.power.assumed import assumed
from signoff.power.die import die_grid, margin_grid
from signoff.power.energy import Corner
from signoff.power.grid import grid_of
from signoff.power.solve import drops_of
from tests.signoff import small_design as design
from tests.signoff.test_power import OHMS, WIRES

JOIN = ("met4", "via4", "met5")
WIDE = 5000  # nm, of the small design
WEST, EAST = (("met5", kdb.Box(x, -2000, x + 100, 6000)) for x in (-1000, WIDE + 900))


@pytest.fixture(scope="module")
def tile():
    routed = Routed(design.def_text(), read_macros(design.LEF), read_vias(design.LEF))
    places = {name: place for name, place in routed.placed.items() if place[0] == "inv"}
    return grid_of(routed, "VPWR", WIRES, places, ())


def margin(*boxes, cuts=(), layer="met5"):
    layout = kdb.Layout()
    cell = layout.create_cell("die")
    for name, shapes in ((layer, boxes), ("via4", cuts)):
        for box in shapes:
            cell.shapes(layout.layer(*design.LAYERS[name])).insert(box)
    return margin_grid(cell, design.LAYERS, WIRES, JOIN)


def straps(left, right):
    """What goes on from both straps of VPWR."""
    return [kdb.Box(left, y - 100, right, y + 100) for y in (-400, 1600)]


def test_a_die_of_one_tile_is_fed_through_its_margin(tile):
    """By hand, as of the design alone (test_power), with 1 um of met5 more at both ends of each strap."""
    grid = die_grid(
        {"a": (tile, (0, 0))}, margin(*straps(-1000, 0), *straps(WIDE, WIDE + 1000)), (WEST, EAST), WIRES
    )
    across = OHMS["met5"] * 9 * 26 / 35
    near = OHMS["via4"] / 2 + across
    far = 10 * OHMS["met4"] + near
    stack = (OHMS["via"] + OHMS["via2"] + OHMS["via3"]) / 2
    ohms = 6 * OHMS["met1"] + stack + 2 * OHMS["met4"] + near * far / (near + far)
    found = drops_of(grid, OHMS, {"a.u2": 1e-3})
    assert found.by_instance["a.u2"] == pytest.approx(1e-3 * ohms)
    assert found.unfed == ()


def test_a_tile_is_fed_through_its_neighbour_if_their_straps_meet(tile):
    def drops(at):
        grid = die_grid({"a": (tile, (0, 0)), "b": (tile, at)}, margin(*straps(-1000, 0)), (WEST,), WIRES)
        return drops_of(grid, OHMS, {"b.u2": 1e-3})

    met = drops((WIDE, 0))
    assert met.unfed == ()
    # At the least both straps beside each other, from one tile's middle strap to the other's
    assert met.by_instance["b.u2"] - met.by_instance["a.u2"] > 1e-3 * OHMS["met5"] * 25 / 2
    assert set(drops((WIDE, 5)).unfed) == {"b.u0", "b.u1", "b.u2"}


def test_only_the_supply_itself_and_its_pins_count(tile):
    fed = straps(-1000, 0)
    alone = die_grid({"a": (tile, (0, 0))}, margin(*fed), (WEST,), WIRES)
    apart = kdb.Box(-1000, -1600, 0, -1400)  # another net, at the edge, too
    other = die_grid({"a": (tile, (0, 0))}, margin(*fed, apart), (WEST,), WIRES)
    assert len(other.ends) == len(alone.ends)
    assert len(other.sources) == len(alone.sources) == 2
    with pytest.raises(FlowError, match="no pin of VPWR is on a wire"):
        die_grid({"a": (tile, (0, 0))}, margin(*fed), (EAST,), WIRES)


def test_legs_of_a_ring_are_joined_by_each_cut():
    lower, upper = kdb.Box(-100, 0, 100, 1000), kdb.Box(-500, 400, 500, 600)
    layout = kdb.Layout()
    cell = layout.create_cell("die")
    for name, box in (("met4", lower), ("met5", upper), ("via4", kdb.Box(-50, 450, 50, 550))):
        cell.shapes(layout.layer(*design.LAYERS[name])).insert(box)
    grid = margin_grid(cell, design.LAYERS, WIRES, JOIN)
    assert sorted(grid.size) == [1.0, 2.5, 2.5, 2.5, 2.5]
    cell.shapes(layout.layer(*design.LAYERS["met5"])).insert(kdb.Polygon([(0, 0), (0, 9), (9, 0)]))
    with pytest.raises(FlowError, match="met5 of die is not made of rectangles"):
        margin_grid(cell, design.LAYERS, WIRES, JOIN)


def test_assumed_clocks_rise_in_every_cycle_and_all_else_rarely():
    cells = {
        "buf": Instance("buf_1", "buf", {"A": ("clk",), "X": ("ck",)}),
        "gate": Instance("dlclkp_1", "gate", {"CLK": ("ck",), "GATE": ("on",), "GCLK": ("gck",)}),
        "flop": Instance("dfxtp_1", "flop", {"CLK": ("gck",), "D": ("d",), "Q": ("q",)}),
        "both": Instance("and2_1", "both", {"A": ("gck",), "B": ("q",), "X": ("x",)}),
    }
    pins = {"buf_1": "A", "dlclkp_1": "CLK GATE", "dfxtp_1": "CLK D", "and2_1": "A B"}
    farads = {cell: dict.fromkeys(names.split(), 1e-15) for cell, names in pins.items()}
    told = assumed(Netlist("top", {}, cells, ()), Corner(1.8, 1e-8, {}, {}, farads), "clk", 0.25)
    rare = dict.fromkeys(("on", "d", "q", "x"), told.cycles / 4)
    assert told.rises == dict.fromkeys(("clk", "ck", "gck"), told.cycles) | rare
