"""Two tiles as one flat netlist: names, wires across the seam with the delays of both, loads."""

import pytest

from rtl_gen.errors import FlowError
from signoff.netlist import read_modules, read_netlist
from signoff.seams.flat import Tile, flatten
from signoff.seams.timing import capacitances, later
from signoff.timing.sdf import read_sdf

TILE = """module tile (clk, clk_east, west, east, north);
  input clk; output clk_east; input [1:0] west; output [1:0] east; input north;
  wire \\a.b ;
  buf_1 c (.A(clk), .X(clk_east));
  dff f0 (.CLK(clk), .D(west[0]), .Q(\\a.b ));
  dff f1 (.CLK(clk), .D(west[1]), .Q(east[1]));
  or_1 \\g[0] (.A(\\a.b ), .B(north), .X(last));
  macro m (.q({last, \\a.b }), .x());
  assign east[0] = last;
endmodule
"""
SDF = """(DELAYFILE
 (SDFVERSION "3.0")
 (DESIGN "tile")
 (DIVIDER /)
 (TIMESCALE 1ns)
 (CELL
  (CELLTYPE "tile")
  (INSTANCE)
  (DELAY
   (ABSOLUTE
    (INTERCONNECT clk c/A (0.100:0.100:0.100) (0.200:0.200:0.200))
    (INTERCONNECT clk f0/CLK (0.100:0.100:0.100))
    (INTERCONNECT west[0] f0/D (0.010:0.010:0.010))
    (INTERCONNECT west[1] f1/D (0.020:0.020:0.020))
    (INTERCONNECT north g\\[0\\]/B (0.030:0.030:0.030))
    (INTERCONNECT c/X clk_east (0.001:0.001:0.001))
    (INTERCONNECT f0/Q g\\[0\\]/A (0.002:0.002:0.002))
    (INTERCONNECT f1/Q east[1] (0.003:0.003:0.003))
    (INTERCONNECT g\\[0\\]/X east[0] (0.004:0.004:0.004))
   )
  )
 )
 (CELL
  (CELLTYPE "buf_1")
  (INSTANCE c)
  (DELAY
   (ABSOLUTE
    (IOPATH A X (0.300:0.300:0.300) (0.300:0.300:0.300))
   )
  )
 )
)
"""
DIE = """module die (clk, west, east);
  input clk; input [1:0] west; output [1:0] east;
  wire [1:0] mid; wire ck;
  tile one (.clk(clk), .clk_east(ck), .west(west), .east(mid), .north(1'b0));
  tile two (.clk(ck), .clk_east(), .west(mid), .east(east), .north(1'b0));
endmodule
"""
LIBERTY = """library (tile_slow) {
  cell ("tile") {
    pin("west[0]") {
      direction : input;
      capacitance : 0.0700;
    }
    pin("east[0]") {
      direction : output;
      capacitance : 0.0004;
      timing() {
        related_pin : "clk";
        cell_rise(template_1) {
          index_1("0.01,  0.05,  0.10");
          values("1.00,1.40,2.40");
        }
        cell_fall(template_1) {
          index_1("0.01,  0.05,  0.10");
          values("1.00,1.20,1.40");
        }
      }
    }
  }
}
"""


@pytest.fixture
def netlists(tmp_path):
    for name, text in (("tile", TILE), ("die", DIE)):
        (tmp_path / f"{name}.v").write_text(text)
    return read_netlist(tmp_path / "tile.v"), read_netlist(tmp_path / "die.v")


def flat(netlists, tmp_path, more=(), late=()):
    tile, die = netlists
    made = flatten(die, {"tile": Tile(tile, SDF, dict(more))}, dict(late))
    (tmp_path / "flat.v").write_text(made.verilog)
    (tmp_path / "flat.sdf").write_text(made.sdf)
    return made, read_netlist(tmp_path / "flat.v"), read_sdf(tmp_path / "flat.sdf")


def test_cells_of_all_tiles_are_in_one_module(netlists, tmp_path):
    _, module, _ = flat(netlists, tmp_path)
    assert module.name == "die"
    assert len(module.instances) == 10
    cells = module.instances
    assert cells["one__f0"].pins == {"CLK": ("clk",), "D": ("west[0]",), "Q": ("one__a.b",)}
    assert cells["two__f1"].pins == {"CLK": ("ck",), "D": ("mid[1]",), "Q": ("east[1]",)}
    assert cells["one__g[0]"].pins == {"A": ("one__a.b",), "B": ("0",), "X": ("mid[0]",)}
    assert cells["two__m"].pins == {"q": ("east[0]", "two__a.b"), "x": ("",)}


def test_a_wire_across_the_seam_has_the_delays_of_both_sides(netlists, tmp_path):
    made, _, sdf = flat(netlists, tmp_path, more={"east[0]": 0.5})
    rise = {end: d.rise[1] for end, d in sdf.wires.items()}
    fall = {end: d.fall[1] for end, d in sdf.wires.items()}
    assert rise["two__f1", "D"] == pytest.approx(0.003 + 0.020)
    assert rise["two__f0", "D"] == pytest.approx(0.004 + 0.5 + 0.010)
    assert (rise["two__c", "A"], fall["two__c", "A"]) == (pytest.approx(0.101), pytest.approx(0.201))
    assert rise["one__f0", "D"] == pytest.approx(0.010)  # from a port of the die
    assert rise["", "east[1]"] == pytest.approx(0.003)
    assert ("one__g[0]", "B") not in rise  # tied low
    assert sdf.cells["two__c"].paths["A", "X"].rise == (0.3, 0.3)
    assert made.seams == {
        "two__f0/D": "two.west[0]", "two__f1/D": "two.west[1]",
        "two__c/A": "two.clk", "two__f0/CLK": "two.clk",
    }  # fmt: skip


def test_what_is_planted_is_added_at_its_pin_alone(netlists, tmp_path):
    _, _, before = flat(netlists, tmp_path)
    _, _, after = flat(netlists, tmp_path, late={"two.west[1]": 7.0})
    changed = {end for end in before.wires if before.wires[end] != after.wires[end]}
    assert changed == {("two__f1", "D")}
    assert after.wires["two__f1", "D"].rise[1] == pytest.approx(7.023)


def test_an_output_with_a_load_takes_longer():
    assert capacitances(LIBERTY) == {"west[0]": 0.07, "east[0]": 0.0004}
    assert later(LIBERTY, {}) == later(LIBERTY, {"east[0]": 0.0}) == {}
    assert later(LIBERTY, {"east[0]": 0.05}) == {"east[0]": pytest.approx(0.5)}
    assert later(LIBERTY, {"east[0]": 0.15}) == {"east[0]": pytest.approx(2.5)}


def test_what_does_not_fit_together_is_told(netlists, tmp_path):
    tile, die = netlists
    with pytest.raises(FlowError, match="no netlist of tile tile"):
        flatten(die, {})
    with pytest.raises(FlowError, match="does not begin with its wires"):
        flatten(die, {"tile": Tile(tile, "(DELAYFILE )", {})})
    assert set(read_modules(tmp_path / "tile.v")) == {"tile"}
