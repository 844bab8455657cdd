"""Synthesis, its proof, and the shipped netlist."""

import shutil
from dataclasses import replace

import pytest

from base_chip.config import load_base
from base_chip.synth import Netlist, ShippedNetlist, map_to_cells, prove_equivalent, run_yosys
from base_chip.synth.equivalence import damage
from flow.pdk import find_pdk
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tile import tile_verilog

RTL = "module t(input a, output y); assign y = ~a; endmodule\n"


@pytest.fixture
def shipped(tmp_path):
    netlist = Netlist("module t(a, y); endmodule\n", {"sky130_fd_sc_hd__inv_1": 1}, 3.75)
    liberty = tmp_path / "tt.lib"
    liberty.write_text("library (tt) {}")
    made = ShippedNetlist.of(netlist, RTL, "0.70", liberty)
    made.write(tmp_path / "out")
    return made, tmp_path / "out"


def test_what_was_written_is_read(shipped):
    made, folder = shipped
    assert ShippedNetlist.read(folder, "t", RTL) == made


def test_the_same_netlist_gives_the_same_bytes(shipped, tmp_path):
    made, folder = shipped
    made.write(tmp_path / "again")
    for name in ("netlist.v.xz", "netlist.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_changed_rtl_is_refused(shipped):
    with pytest.raises(FlowError, match="RTL of base t has changed"):
        ShippedNetlist.read(shipped[1], "t", RTL + "// another\n")


@pytest.mark.parametrize("name", ["netlist.v.xz", "netlist.json"])
@pytest.mark.parametrize("how", ["gone", "cut", "flipped"])
def test_damage_is_named(shipped, name, how):
    path = shipped[1] / name
    data = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    with pytest.raises(FlowError, match="shipped"):
        ShippedNetlist.read(shipped[1], "t", RTL)


def test_a_manifest_of_another_netlist_is_refused(shipped, tmp_path):
    made, folder = shipped
    replace(made, netlist=replace(made.netlist, verilog="module t(); endmodule\n")).write(tmp_path / "b")
    shutil.copy(tmp_path / "b" / "netlist.v.xz", folder)
    with pytest.raises(FlowError, match="not the one its manifest names"):
        ShippedNetlist.read(folder, "t", RTL)


def test_nano_ships_a_netlist_of_its_present_rtl():
    """Fails when RTL changes: run `sc-flow base synth nano` with liberty at hand."""
    rtl = tile_verilog(load_base("nano").core())
    found = ShippedNetlist.load("nano", rtl)
    assert found.netlist.cells["scf_bank_256x128"] == 4
    assert found.netlist.cells["sky130_fd_sc_hd__dfxtp_1"] > 4000


def test_yosys_failures_are_told(tmp_path):
    with pytest.raises(FlowError, match="Yosys failed: ERROR") as e:
        run_yosys("read_verilog missing.v\n", tmp_path, "broken")
    assert e.value.code == ExitCode.TOOL_FAILED
    assert "broken.log" in e.value.hint


# A netlist small enough to read.
AND_RTL = "module e(input clk, input a, input b, output reg q); always @(posedge clk) q <= a & b; endmodule\n"
AND_NETLIST = """
module e(clk, a, b, q);
  input clk, a, b;
  output q;
  wire n, d;
  sky130_fd_sc_hd__nand2_1 u1 (.A(a), .B(b), .Y(n));
  sky130_fd_sc_hd__inv_1 u2 (.A(n), .Y(d));
  sky130_fd_sc_hd__dfxtp_1 u3 (.CLK(clk), .D(d), .Q(q));
endmodule
"""


@pytest.mark.flow
def test_a_netlist_is_proved_and_a_damaged_one_is_not(kit_cells, tmp_path):
    good = prove_equivalent(AND_RTL, AND_NETLIST, "e", kit_cells, tmp_path / "good")
    assert good.equivalent
    bad = prove_equivalent(AND_RTL, damage(AND_NETLIST, "e"), "e", kit_cells, tmp_path / "bad")
    assert not bad.equivalent
    assert bad.unproved == 1


def test_damage_needs_a_gate_to_change():
    with pytest.raises(ValueError, match="nand2"):
        damage("module e(a);\n  input a;\nendmodule\n", "e")


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(FlowError, match="no module other"):
        damage(AND_NETLIST, "other")


@pytest.mark.flow
def test_the_shipped_netlist_is_what_synthesis_gives(tmp_path, sky130):
    import gzip

    liberty = find_pdk(sky130, need_all=False).liberty.get("tt_025C_1v80")
    if liberty is None:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    if liberty.suffix == ".gz":
        plain = tmp_path / liberty.stem
        plain.write_bytes(gzip.decompress(liberty.read_bytes()))
        liberty = plain
    rtl = tile_verilog(load_base("nano").core())
    ports = "module scf_bank_256x128(input [255:0] WL, input PRE_N, output [127:0] BL);\nendmodule"
    made = map_to_cells(rtl, "scf_nano", liberty, {"scf_bank_256x128": ports}, tmp_path / "w")
    shipped = ShippedNetlist.load("nano", rtl).netlist
    assert made.cells == shipped.cells
    assert made.verilog == shipped.verilog
