"""The netlists of LVS and of simulation are one design, up to names of nets and cells with supplies alone."""

import json

import pytest

from signoff.same_netlist import run

P = "sky130_fd_sc_hd__"
ON = ".VGND(VGND), .VNB(VGND), .VPB(VPWR), .VPWR(VPWR)"
ROUTED = f"""
module top (a, b, y, z);
 input a;
 input [1:0] b;
 output y;
 output z;
 {P}nand2_1 u (.A(a), .B(b[0]), .Y(n));
 {P}xor2_1 v (.A(n), .B(b[1]), .X(y));
 {P}diode_2 d (.DIODE(n));
 bank \\rom.bank0  (.WL({{n, a}}), .BL({{m1, m0}}));
 {P}nor2_1 w (.A(m1), .B(m0), .Y(o));
 assign z = o;
endmodule
"""
SUPPLIED = f"""
module top (a, y, z, VPWR, VGND, b);
 input a;
 output y;
 output z;
 inout VPWR;
 inout VGND;
 input [1:0] b;
 {P}fill_1 f (.VGND(VGND), .VPWR(VPWR));
 {P}xor2_1 v (.A(n5), .B(b[1]), {ON}, .X(y));
 {P}nand2_1 u (.A(a), .B(b[0]), {ON}, .Y(n5));
 {P}diode_2 d (.DIODE(n5), {ON});
 bank \\rom.bank0  (.WL({{n5, a}}), .BL({{k1, k0}}), .VPWR(VPWR), .VGND(VGND));
 {P}nor2_1 w (.A(k1), .B(k0), {ON}, .Y(z));
endmodule
"""


@pytest.fixture
def check(tmp_path):
    def check(supplied=SUPPLIED, routed=ROUTED, supplies=("VPWR", "VGND")):
        for name, text in (("routed", routed), ("supplied", supplied)):
            (tmp_path / f"{name}.v").write_text(text)
        return run(tmp_path / "routed.v", tmp_path / "supplied.v", "top", supplies, tmp_path)

    return check


def test_names_of_nets_order_and_fill_do_not_count(check):
    row, control = check()
    assert (row.status, row.count) == ("pass", 0), row.detail
    assert row.detail == "5 cells of top are on the same nets in both; 1 more have supplies alone"
    assert (control.status, control.count) == ("pass", 0), control.reason
    assert control.detail.count(",") == 3


def test_reports_hold_the_cells_and_what_each_planted_fault_led_to(check, tmp_path):
    check()
    cells = json.loads((tmp_path / "netlists.json").read_text())["cells"]
    assert sum(cells["with supplies"].values()) == sum(cells["routed"].values()) + 1
    planted = json.loads((tmp_path / "netlists_control.json").read_text())
    assert len(planted) == 4
    assert all(planted.values())


def test_pins_of_wells_may_be_named_among_the_supplies(check):
    assert check(supplies=("VPWR", "VGND", "VPB", "VNB")) == check()


CHANGES = {
    "two swapped pins": (".A(a), .B(b[0])", ".A(b[0]), .B(a)"),
    "two swapped word lines": ("{n5, a}", "{a, n5}"),
    "two swapped bits of a port": ("xor2_1 v (.A(n5), .B(b[1])", "xor2_1 v (.A(n5), .B(b[0])"),
    "another kind": ("nand2_1 u", "nor2_1 u"),
    "another strength": ("nand2_1 u", "nand2_2 u"),
    "two nets joined": ("fill_1 f (.VGND(VGND), .VPWR(VPWR));", "fill_1 f (); assign n5 = k0;"),
    "a net in two": ("diode_2 d (.DIODE(n5)", "diode_2 d (.DIODE(n6)"),
    "a cell gone": (f" {P}diode_2 d (.DIODE(n5), {ON});\n", ""),
    "a cell more": (f"{P}fill_1 f (", f"{P}inv_1 f (.A(a), "),
    "another name": ("nor2_1 w (", "nor2_1 w2 ("),
    "a pin open": (".A(k1), .B(k0)", ".A(k1)"),
    "a supply on a signal": (".BL({k1, k0}), .VPWR(VPWR)", ".BL({k1, k0}), .VPWR(a)"),
    "a well on the other supply": ("(n5), .VGND(VGND), .VNB(VGND)", "(n5), .VGND(VGND), .VNB(VPWR)"),
    "a port turned round": (" output y;", " input y;"),
    "a port more": (" inout VPWR;", " inout VPWR;\n input q;"),
    "no supply": (" inout VPWR;", " wire VPWR;"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_each_difference_is_found(check, change):
    old, new = CHANGES[change]
    assert SUPPLIED.count(old) == 1
    row, _ = check(SUPPLIED.replace(old, new))
    assert row.status == "fail"
    assert row.count


def test_a_fault_is_told_with_its_place(check):
    row, _ = check(SUPPLIED.replace("fill_1 f (", "inv_1 f (.A(a), "))
    assert row.reason == f"f ({P}inv_1) is in the netlist with supplies alone"


def test_nothing_to_compare_is_no_proof(check):
    bare = "module top(VPWR, VGND); inout VPWR, VGND; endmodule\n"
    row, control = check(bare, "module top(); endmodule\n")
    assert (row.status, row.reason) == ("fail", "no cell of top was compared")
    assert control.status == "fail"
