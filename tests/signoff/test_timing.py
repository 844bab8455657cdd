"""What timing checks read: cells, netlist and SDF; and the netlist written out with delays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtl_gen.errors import FlowError
from signoff.gatesim.timed import timed_design
from signoff.netlist import read_netlist
from signoff.timing.cells import Flop, Gate, flatten, load_cells, parse_cell, variables
from signoff.timing.sdf import Check, read_sdf

P = "sky130_fd_sc_hd__"
NETLIST = f"""module top (clk, a, q);
 input clk; input [1:0] a; output q; wire n; wire \\x[3] ;
 {P}nand2_1 u1 (.A(a[0]), .B(a[1]), .Y(\\x[3] ));
 {P}dfxtp_1 \\r[0]  (.CLK(clk), .D(\\x[3] ), .Q(n));
 assign q = n;
endmodule
"""
SDF = f"""(DELAYFILE
 (SDFVERSION "3.0")
 (DESIGN "top")
 (TIMESCALE 1ns)
 (CELL (CELLTYPE "top") (INSTANCE)
  (DELAY (ABSOLUTE (INTERCONNECT a\\[0\\] u1/A (0.010::0.020) (0.030::0.040))
   (INTERCONNECT u1/Y r\\[0\\]/D (0.001::0.001)))))
 (CELL (CELLTYPE "{P}nand2_1") (INSTANCE u1)
  (DELAY (ABSOLUTE (IOPATH A Y (0.100::0.110) (0.200::0.220)) (IOPATH B Y (0.1::0.1) (0.2::0.2))
   (IOPATH B Y (0.3::0.3) (0.05::0.05)))))
 (CELL (CELLTYPE "{P}dfxtp_1") (INSTANCE r\\[0\\])
  (DELAY (ABSOLUTE (IOPATH CLK Q (0.300::0.300) (0.280::0.280))))
  (TIMINGCHECK (HOLD (posedge D) (posedge CLK) (-0.030::-0.020)) (WIDTH (posedge CLK) (0.2::0.2))
   (SETUP (negedge D) (posedge CLK) (0.100::0.120))))
)
"""


def files(folder, netlist=NETLIST, sdf=SDF):
    (folder / "n.v").write_text(netlist)
    (folder / "d.sdf").write_text(sdf)
    return read_netlist(folder / "n.v"), read_sdf(folder / "d.sdf")


def test_delays_and_checks_are_read_and_paths_without_condition_merged(tmp_path):
    _, sdf = files(tmp_path)
    u1, flop = sdf.cells["u1"], sdf.cells["r[0]"]
    assert u1.paths["A", "Y"].rise == (0.1, 0.11)
    assert (u1.paths["B", "Y"].rise, u1.paths["B", "Y"].fall) == ((0.1, 0.3), (0.05, 0.2))
    assert sdf.merged == 1
    assert sdf.wires["u1", "A"].fall == (0.03, 0.04)
    assert Check("SETUP", "D", False, "CLK", True, 0.12) in flop.checks
    assert Check("HOLD", "D", True, "CLK", True, -0.02) in flop.checks


@given(st.integers(10, len(SDF) - 3))
def test_a_cut_sdf_is_refused(tmp_path_factory, end):
    path = tmp_path_factory.mktemp("cut") / "d.sdf"
    path.write_text(SDF[:end])
    with pytest.raises(FlowError):
        read_sdf(path)


@pytest.mark.parametrize("word", ["SETUPHOLD", "COND", "RETAIN"])
def test_an_entry_that_would_be_lost_is_refused(tmp_path, word):
    with pytest.raises(FlowError, match=r"not understood"):
        files(tmp_path, sdf=SDF.replace("(HOLD", f"({word}"))


def test_instances_pins_and_aliases_are_read(tmp_path):
    netlist, _ = files(tmp_path)
    assert netlist.instances["u1"].pins == {"A": ("a[0]",), "B": ("a[1]",), "Y": ("x[3]",)}
    assert netlist.aliases == (("q", "n"),)
    assert netlist.ports["a"] == ("input", (1, 0))


@pytest.mark.parametrize("cut", [NETLIST[:-12], NETLIST.replace(".A(", "("), "garbage"])
def test_what_is_not_a_netlist_is_refused(tmp_path, cut):
    (tmp_path / "n.v").write_text(cut)
    with pytest.raises(FlowError, match="not made of instances alone"):
        read_netlist(tmp_path / "n.v")


def test_cells_of_the_kit_are_understood(kit_cells):
    cells = load_cells([f"{P}{c}" for c in ("mux2_1", "dfrtp_1", "dlclkp_1", "o21ai_0")], kit_cells)
    assert flatten(cells[f"{P}mux2_1"].outputs["X"], {n: n for n in ("A0", "A1", "S")}, mux=True) == (
        "(S ? A1 : A0)"
    )
    assert cells[f"{P}dfrtp_1"].storage == Flop("CLK", "D", "buf_Q", clear=("not", "RESET_B"))
    assert cells[f"{P}dlclkp_1"].storage == Gate("CLK", "GATE")
    assert variables(cells[f"{P}o21ai_0"].outputs["Y"]) == {"A1", "A2", "B1"}


def test_a_cell_that_is_not_understood_is_named():
    with pytest.raises(FlowError, match=r"ebufn_1 .* uses bufif0"):
        parse_cell("output Z ;\ninput A ;\ninput TE_B ;\nbufif0 b0 (Z, A, TE_B);", "ebufn_1")


def test_each_delay_and_limit_is_in_the_verilog(tmp_path, kit_cells):
    netlist, sdf = files(tmp_path)
    cells = load_cells([f"{P}nand2_1", f"{P}dfxtp_1"], kit_cells)
    design = timed_design(netlist, sdf, cells, {})
    # A rises: the wire's rise and the output's fall; and the other way round.
    assert "#(0.240, 0.150)" in design.body
    assert "#(0.300, 0.280)" in design.body
    assert [line.partition(" ")[0] for line in design.watch.splitlines()] == ["flop", "check", "width"]
    assert design.limits.paths == 3
    assert design.limits.missing == []


def test_a_dropped_delay_is_missed(tmp_path, kit_cells):
    netlist, sdf = files(tmp_path)
    del sdf.cells["r[0]"]
    cells = load_cells([f"{P}nand2_1", f"{P}dfxtp_1"], kit_cells)
    assert timed_design(netlist, sdf, cells, {}).limits.missing == ["r[0]/CLK"]


def test_netlist_and_sdf_of_different_runs_are_refused(tmp_path, kit_cells):
    netlist, sdf = files(tmp_path, sdf=SDF.replace("nand2_1", "nor2_1"))
    cells = load_cells([f"{P}nand2_1", f"{P}dfxtp_1"], kit_cells)
    with pytest.raises(FlowError, match=r"nor2_1 in the SDF"):
        timed_design(netlist, sdf, cells, {})
