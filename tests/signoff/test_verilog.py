"""Structural Verilog as the netlist of a chip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl_gen.errors import FlowError
from signoff.chip.verilog import chip_netlist
from signoff.netlist import read_netlist

BOXES = {
    "inv": ("A", "Y", "VPWR", "VGND"),
    "rom": ("BL[0]", "BL[1]", "BL[2]", "EN", "VPWR", "VGND"),
}
TEXT = r"""
// written by a router
module top (clk, \odd[3] , d, q, VPWR, VGND);
 input clk; inout VPWR, VGND;
 input \odd[3] ;
 input [1:0] d;
 output [0:1] q;
 wire \rom.bl [2:0]; wire n1; (* keep *)
 inv u1 (.A(d[1]), .Y(n1), .VPWR(VPWR), .VGND(VGND));
 inv \u2[0]  (.A(\odd[3] ), .Y(q[0]), .VPWR(VPWR), .VGND(VGND));
 rom r (.BL({\rom.bl [2], n1, d[0]}), .EN(clk), .VPWR(VPWR), .VGND(VGND));
 inv u3 (.A(q[0]), .Y());
 assign q[1] = n1; /* a port without
 a cell of its own */
endmodule
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("verilog") / "netlist.v"

    def netlist(text, top="top"):
        path.write_text(text)
        return chip_netlist(read_netlist(path), top, BOXES)

    return netlist


def test_names_buses_concatenations_and_assigns(read):
    netlist = read(TEXT.replace(r"\rom.bl [2:0]", r"[2:0] \rom.bl "))
    assert netlist.ports == ("VGND", "VPWR", "clk", "d[0]", "d[1]", "odd[3]", "q[0]", "q[1]")
    u1, u2, rom, u3 = (i.nets for i in netlist.instances)
    supplies = {"VPWR": "VPWR", "VGND": "VGND"}
    assert u1 == {"A": "d[1]", "Y": "q[1]", **supplies}
    assert u2 == {"A": "odd[3]", "Y": "q[0]", **supplies}
    assert rom == {"BL[2]": "rom.bl[2]", "BL[1]": "q[1]", "BL[0]": "d[0]", "EN": "clk", **supplies}
    assert u3["A"] == "q[0]"
    assert len({u3[pin] for pin in ("Y", "VPWR", "VGND")} | netlist.nets) == len(netlist.nets)
    assert netlist.faults == []


def test_bits_of_ports_are_in_the_order_of_their_ranges(tmp_path):
    (path := tmp_path / "netlist.v").write_text(
        "module top (a, y, d);\n input a;\n output [1:0] y;\n input [2:3] d;\nendmodule\n"
    )
    netlist = read_netlist(path)
    assert netlist.bits("y") == ["y[1]", "y[0]"]
    assert netlist.port_bits == ["a", "y[1]", "y[0]", "d[2]", "d[3]"]


def module(body: str) -> str:
    return f"module top (a, y);\n input a;\n output [1:0] y;\n{body}\nendmodule\n"


def test_a_whole_bus_on_a_pin_goes_on_bit_by_bit(read):
    netlist = read(module(" wire [4:2] w; rom r (.BL(w), .EN(a));"))
    nets = netlist.instances[0].nets
    assert [nets[f"BL[{n}]"] for n in range(3)] == ["w[2]", "w[3]", "w[4]"]


def test_two_ports_on_one_net_are_told(read):
    netlist = read(module(" assign y[0] = y[1]; inv u (.A(a), .Y(y[1]));"))
    assert len(netlist.faults) == 1
    assert "one net" in netlist.faults[0]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (" other u (.A(a));", "unknown cell 'other'"),
        (" inv u (.B(a));", "inv has no pin B"),
        (" inv u (.A(a), .A(a));", "given twice"),
        (" inv u (a, y[0]);", "pins of u are not named"),
        (" inv u (.A(1'b0));", "a constant on a pin of u"),
        (" rom u (.BL({a, a}));", "rom has no pin BL"),
        (" assign y = a;", "assign of 1 bits to 2"),
        (" always @(a) y = a;", "cannot read '@"),
        (" inv u (.A(a)", "pins of u are not named"),
        (" assign y[0] = ~a;", "cannot read '~a;"),
        (" inv u (.A({a, a}));", "inv has no pin A of 2 bits"),
    ],
)
def test_what_place_and_route_does_not_write_is_refused(read, body, told):
    with pytest.raises(FlowError) as caught:
        read(module(body))
    assert told in str(caught.value)


def test_the_wrong_module_is_refused(read):
    with pytest.raises(FlowError, match="module top, expected other"):
        read(module(""), "other")


@given(cut=st.integers(0, len(TEXT)), noise=st.text(max_size=8), at=st.integers(0, len(TEXT)))
def test_damaged_text_is_read_or_refused_but_never_crashes(read, cut, noise, at):
    for text in (TEXT[:cut], TEXT[:at] + noise + TEXT[at:]):
        try:
            netlist = read(text)
        except FlowError:
            continue
        assert all(set(i.nets) == set(BOXES[i.cell]) for i in netlist.instances)
