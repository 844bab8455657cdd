"""What place and route may change of a netlist, and what it may not."""

import json
import re

import pytest

from rtl_gen.errors import FlowError
from signoff.netlist import read_modules
from signoff.routed_equiv import run
from signoff.routed_equiv.flat import flatten
from signoff.routed_equiv.proof import compare
from signoff.timing.cells import load_cells

P = "sky130_fd_sc_hd__"
MAPPED = f"""
module top(clk, a, b, c, y, z);
  input clk, a;
  input [1:0] b;
  input c;
  output [1:0] y;
  output z;
  wire n1, n2, q, one, odd;
  wire [3:0] w;
  {P}nand2_1 _1_ (.A(a), .B(b[0]), .Y(n1));
  {P}o21ai_0 _2_ (.A1(n1), .A2(b[1]), .B1(c), .Y(n2));
  {P}clkinv_1 _3_ (.A(n2), .Y(odd));
  {P}dfxtp_1 _4_ (.CLK(clk), .D(odd), .Q(q));
  {P}conb_1 _5_ (.HI(one));
  {P}xor3_1 _6_ (.A(a), .B(c), .C(q), .X(z));
  {P}nand2b_1 _7_ (.A_N(a), .B(c), .Y(w[3]));
  \\part.of.top  \\core.engine  (.d(q), .e({{ one, a }}), .y(w[2:0]));
  bank \\rom.bank0  (.WL(w), .PRE_N(clk), .BL(y));
endmodule

module \\part.of.top (d, e, y);
  input d;
  input [1:0] e;
  output [2:0] y;
  wire \\x.y ;
  {P}mux2_1 _1_ (.A0(e[0]), .A1(e[1]), .S(d), .X(\\x.y ));
  {P}a22oi_1 _2_ (.A1(d), .A2(e[0]), .B1(e[1]), .B2(\\x.y ), .Y(y[0]));
  assign y[2:1] = {{ \\x.y , d }};
endmodule
"""
ROUTED = f"""
module top (a, c, clk, z, b, y);
 input a;
 input c;
 input clk;
 output z;
 input [1:0] b;
 output [1:0] y;

 wire \\core.engine/x.y ;

 {P}clkbuf_4 clkbuf_0_clk (.A(clk), .X(c1));
 {P}diode_2 ANTENNA_1 (.DIODE(a));
 {P}nand2_4 _1_ (.A(b[0]), .B(a), .Y(n1));
 {P}inv_2 rebuffer1 (.A(n1), .Y(m1));
 {P}clkinv_1 rebuffer2 (.A(m1), .Y(n1b));
 {P}o21ai_1 _2_ (.A1(b[1]), .A2(n1b), .B1(c), .Y(n2));
 {P}clkinv_2 _3_ (.A(n2), .Y(odd));
 {P}dfxtp_2 _4_ (.CLK(c1), .D(odd), .Q(q));
 {P}conb_1 _5__1 (.HI(one));
 {P}xor3_1 _6_ (.A(q), .B(a), .C(c), .X(net1));
 {P}buf_2 output1 (.A(net1), .X(z));
 {P}nand2b_1 _7_ (.A_N(a), .B(c), .Y(w3));
 {P}mux2_1 \\core.engine/_1_  (.A0(a), .A1(one), .S(q), .X(\\core.engine/x.y ));
 {P}mux2_4 clone1 (.A0(a), .A1(one), .S(q), .X(xc));
 {P}a22oi_1 \\core.engine/_2_  (.A1(xc), .A2(one), .B1(a), .B2(q), .Y(w0));
 bank \\rom.bank0  (.PRE_N(c1), .BL({{net3, net2}}), .WL({{w3, \\core.engine/x.y , q, w0}}));
 assign y[0] = net2;
 assign y[1] = net3;
endmodule
"""


@pytest.fixture
def check(tmp_path, kit_cells):
    def check(routed=ROUTED, mapped=MAPPED):
        for name, text in (("mapped", mapped), ("routed", routed)):
            (tmp_path / f"{name}.v").write_text(text)
        return run(tmp_path / "mapped.v", tmp_path / "routed.v", "top", kit_cells, {"bank": "BL"}, tmp_path)

    return check


def test_what_place_and_route_does_keeps_the_function(check):
    row, control = check()
    assert (row.status, row.count) == ("pass", 0), row.detail
    # Flop, bank and six gates; their 24 input pins and three bits of outputs
    assert row.detail.startswith("8 cells of top, 1 flops among them, have the 27 sources")
    assert "1 copies; +2 buffer, +2 inverter, +1 without function" in row.detail
    assert (control.status, control.count) == ("pass", 0), control.reason
    found = "two swapped inputs of a gate, an inverter too many, a gate of another function"
    assert control.detail == f"found: {found}"


GATED = f"""
module top(clk, a, b, d, y);
  input clk, a, b;
  input [1:0] d;
  output [1:0] y;
  wire g;
  {P}dlclkp_1 _1_ (.CLK(clk), .GATE(a), .GCLK(g));
  {P}dfxtp_1 _2_ (.CLK(g), .D(d[0]), .Q(y[0]));
  {P}dfxtp_1 _3_ (.CLK(g), .D(d[1]), .Q(y[1]));
endmodule
"""
SPLIT = (
    GATED.replace("wire g;", "wire g, h;")
    .replace(".CLK(g), .D(d[1])", ".CLK(h), .D(d[1])")
    .replace("endmodule", f"  {P}dlclkp_4 _1__part1 (.CLK(clk), .GATE(a), .GCLK(h));\nendmodule")
)


# Each flip-flop has a gate of its own, both of which open together
TWINS = (
    GATED.replace("wire g;", "wire g, h;")
    .replace(".CLK(g), .D(d[1])", ".CLK(h), .D(d[1])")
    .replace("endmodule", f"  {P}dlclkp_1 _0_ (.CLK(clk), .GATE(a), .GCLK(h));\nendmodule")
)


def test_of_gates_that_do_the_same_one_may_stand_for_another(check):
    crossed = TWINS.replace(".CLK(g)", ".CLK(x)").replace(".CLK(h)", ".CLK(g)").replace(".CLK(x)", ".CLK(h)")
    row, _ = check(crossed, TWINS)
    assert (row.status, row.count) == ("pass", 0), row.detail
    copied = TWINS.replace("wire g, h;", "wire g, h, i;").replace(".CLK(h), .D(d[1])", ".CLK(i), .D(d[1])")
    part = f"  {P}dlclkp_4 _0__part1 (.CLK(clk), .GATE(a), .GCLK(i));\nendmodule"
    row, _ = check(copied.replace("endmodule", part), TWINS)
    assert (row.status, row.count) == ("pass", 0), row.detail
    other = TWINS.replace(".GATE(a), .GCLK(h)", ".GATE(b), .GCLK(h)")
    row, _ = check(crossed.replace(".GATE(a), .GCLK(h)", ".GATE(b), .GCLK(h)"), other)
    assert row.status == "fail"
    assert "_2_" in row.detail


def test_a_clock_gate_may_be_copied_and_nothing_else_may_open_the_copy(check):
    row, _ = check(SPLIT, GATED)
    assert (row.status, row.count) == ("pass", 0), row.detail
    assert "1 copies" in row.detail
    for wrong in (".GATE(b), .GCLK(h)", ".GATE(d[0]), .GCLK(h)"):
        row, _ = check(SPLIT.replace(".GATE(a), .GCLK(h)", wrong), GATED)
        assert row.status == "fail"
        assert "_3_" in row.detail


def test_reports_hold_what_was_added_and_what_each_planted_fault_led_to(check, tmp_path):
    check()
    told = json.loads((tmp_path / "equiv_routed.json").read_text())
    assert (told["faults"], told["cells"], told["added"]["buffer"]) == ([], 8, 2)
    planted = json.loads((tmp_path / "equiv_routed_control.json").read_text())
    assert len(planted) == 3
    assert all("top" in text or "_" in text for faults in planted.values() for text in faults)
    assert all(planted.values())


def test_a_netlist_equals_itself_and_one_with_its_modules_kept(check):
    assert check(MAPPED)[0].status == "pass"


CHANGES = {
    "a pin of a nand on another net": (".A(b[0]), .B(a)", ".A(b[1]), .B(a)"),
    "the inverted pin swapped": (".A_N(a), .B(c)", ".A_N(c), .B(a)"),
    "pins of two groups swapped": (".A2(n1b), .B1(c)", ".A2(c), .B1(n1b)"),
    "one of two inverters gone": (".A2(n1b)", ".A2(m1)"),
    "another function": ("nand2_4 _1_", "nor2_4 _1_"),
    "a flop with another clock": (".CLK(c1)", ".CLK(a)"),
    "a flop with inverted data": (".D(odd)", ".D(n2)"),
    "another constant": (".HI(one)", ".LO(one)"),
    "an input of a gate open": (".S(q), .X(\\core", ".X(\\core"),
    "two word lines swapped": ("\\core.engine/x.y , q, w0", "q, \\core.engine/x.y , w0"),
    "two bit lines swapped": ("{net3, net2}", "{net2, net3}"),
    "a port on another net": ("(.A(net1), .X(z))", "(.A(q), .X(z))"),
    "a copy that is none": ("clone1 (.A0(a)", "clone1 (.A0(c)"),
    "two drivers of a net": (" assign y[0]", f" {P}buf_1 extra (.A(a), .X(n2));\n assign y[0]"),
    "a flop more": (" assign y[0]", f" {P}dfxtp_1 extra (.CLK(c1), .D(a), .Q(x));\n assign y[0]"),
    "a gate gone": (f" {P}xor3_1 _6_ (.A(q), .B(a), .C(c), .X(net1));\n", ""),
    "a port gone": (" output z;\n", " wire z;\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_the_function_is_found(check, change):
    old, new = CHANGES[change]
    assert ROUTED.count(old) == 1
    row, _ = check(ROUTED.replace(old, new))
    assert row.status == "fail"
    assert row.count
    assert row.reason


def test_a_fault_is_told_with_its_place(check):
    row, _ = check(ROUTED.replace(".A(b[0]), .B(a)", ".A(b[1]), .B(a)"))
    pins = "A comes from b[1], not from a; B comes from a, not from b[0]"
    assert row.reason == f"_1_ ({P}nand2_4): Y is another function; {pins}"
    row, _ = check(ROUTED.replace("nand2_4 _1_", "nor2_4 _1_"))
    assert row.reason.startswith(f"_1_ (a {P}nor2_4, was a {P}nand2_1): Y is another function")


def test_nothing_to_compare_is_no_proof(check):
    bare = "module top(a); input a; endmodule\n"
    row, control = check(bare, bare)
    assert (row.status, row.reason) == ("fail", "no cell of top was compared")
    assert control.status == "fail"


@pytest.mark.parametrize("damage", [ROUTED[:900], ROUTED.replace("module top", "module tip"), ""])
def test_a_damaged_netlist_is_refused(check, damage):
    with pytest.raises(FlowError):
        check(damage)


def test_two_constants_on_one_net_are_refused(check):
    with pytest.raises(FlowError, match="constants"):
        check(ROUTED.replace("endmodule", " assign n9 = 1'b0;\n assign n9 = 1'b1;\nendmodule"))


def test_a_loop_of_buffers_has_no_source(tmp_path, kit_cells):
    (tmp_path / "n.v").write_text(
        f"module top(y); output y; wire n, m;\n {P}buf_1 u (.A(n), .X(m)); {P}buf_1 v (.A(m), .X(n));\n"
        f" {P}nand2_1 g (.A(n), .B(m), .Y(y));\nendmodule\n"
    )
    flat = flatten(read_modules(tmp_path / "n.v"), "top")
    cells = load_cells({c.kind for c in flat.cells.values()}, kit_cells)
    sane = re.sub("n, m;", "n, m; assign n = 1'b1;", (tmp_path / "n.v").read_text()).replace(".X(n)", ".X(o)")
    (tmp_path / "m.v").write_text(sane)
    assert compare(flatten(read_modules(tmp_path / "m.v"), "top"), flat, cells, {}).faults
