"""Proofs with Yosys and ABC: small modules, and tiles that ship."""

import pytest

from base_chip.synth.mapping import PREFIX
from base_chip.synth.proof import GATE, match, multiplier_holds, plant, prove, read_pair
from base_chip.synth.proof.abc import equal
from base_chip.synth.proof.aig import Aig
from base_chip.synth.proof.read import OWN_MODELS
from flow.hardening.blocks import load_block
from flow.stitching.tiles import artifact
from rtl_gen.errors import FlowError
from signoff.timing.cells import load_cells

pytestmark = pytest.mark.flow

# `copy` is what `x` is, `low` never changes; synthesis keeps neither.
RTL = """
module t(input clk, input go, input [1:0] a, output reg q, output reg s);
  reg x, copy, low;
  always @(posedge clk) begin
    x <= a[0] & a[1];
    copy <= a[0] & a[1];
    low <= low & a[0];
    if (go) q <= x ^ copy ^ (x | low);
  end
  always @(negedge clk) s <= copy;
endmodule
"""
NETLIST = """
module t(clk, go, a, q, s);
  input clk, go;
  input [1:0] a;
  output q, s;
  wire x, n, m, gated, fall;
  sky130_fd_sc_hd__nand2_1 u1 (.A(a[0]), .B(a[1]), .Y(n));
  sky130_fd_sc_hd__inv_1 u2 (.A(n), .Y(m));
  sky130_fd_sc_hd__dfxtp_1 u3 (.CLK(clk), .D(m), .Q(x));
  sky130_fd_sc_hd__dlclkp_1 u4 (.CLK(clk), .GATE(go), .GCLK(gated));
  sky130_fd_sc_hd__dfxtp_1 u5 (.CLK(gated), .D(x), .Q(q));
  sky130_fd_sc_hd__clkinv_1 u6 (.A(clk), .Y(fall));
  sky130_fd_sc_hd__dfxtp_1 u7 (.CLK(fall), .D(x), .Q(s));
endmodule
"""


def faults(netlist: str, cells, folder):
    pair = read_pair(RTL, netlist, "t", [], cells, folder)
    return prove(pair.rtl, pair.netlist, match(pair.rtl, pair.netlist), folder)


def test_a_netlist_is_proved(kit_cells, tmp_path):
    proof = faults(NETLIST, kit_cells, tmp_path)
    assert not proof.faults
    assert (proof.registers, proof.constant, proof.outputs, proof.left_out) == (5, 1, 2, 0)
    assert "equivalent" in (tmp_path / "abc.log").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nand2_1 u1", "nor2_1 u1"),
        ("u5 (.CLK(gated)", "u5 (.CLK(clk)"),
        ("u7 (.CLK(fall)", "u7 (.CLK(clk)"),
        ("u7 (.CLK(fall), .D(x)", "u7 (.CLK(fall), .D(q)"),
        (".GATE(go)", ".GATE(a[0])"),
    ],
)
def test_a_damaged_one_is_not(kit_cells, tmp_path, old, new):
    assert old in NETLIST
    assert faults(NETLIST.replace(old, new), kit_cells, tmp_path).faults


@pytest.mark.parametrize("cell", OWN_MODELS)
def test_models_of_our_own_do_what_the_kits_do(kit_cells, tmp_path, cell):
    name = f"{PREFIX}{cell}_1"
    kit = load_cells({name}, kit_cells)[name]
    ((output, function),) = kit.outputs.items()
    head = f"module t({', '.join(f'input {pin}' for pin in kit.inputs)}, output {output});"
    pins = ", ".join(f".{pin}({pin})" for pin in (*kit.inputs, output))
    rtl = f"{head} assign {output} = {verilog(function)}; endmodule\n"
    pair = read_pair(rtl, f"{head}\n  {name} u ({pins});\nendmodule\n", "t", [], kit_cells, tmp_path)
    assert not prove(pair.rtl, pair.netlist, {}, tmp_path).faults


def verilog(e) -> str:
    """An expression of the kit's models as Verilog."""
    if isinstance(e, str):
        return e
    op, *args = (e[0], *map(verilog, e[1:]))
    if op == "mux":
        return f"({args[0]} ? {args[2]} : {args[1]})"
    return f"~{args[0]}" if op == "not" else f"({f' {SIGNS[op]} '.join(args)})"


SIGNS = {"and": "&", "or": "|", "xor": "^"}


def test_a_cell_without_a_model_is_named(kit_cells, tmp_path):
    with pytest.raises(FlowError, match="no functional model of cell sky130_fd_sc_hd__nand9_1"):
        faults(NETLIST.replace("nand2_1", "nand9_1"), kit_cells, tmp_path)


def test_abc_tells_equal_graphs_from_others(tmp_path):
    """What no random case shows: two functions that differ in one of 2^40."""
    graph = Aig()
    inputs = [graph.input() for _ in range(40)]
    first = second = inputs[0]
    for one, two in zip(inputs[1:], reversed(inputs[1:]), strict=True):
        first, second = graph.both(first, one), graph.both(second, two)
    for name, output in (("a", first), ("b", second), ("c", 0)):
        graph.write(tmp_path / f"{name}.aig", [output])
    assert equal(tmp_path / "a.aig", tmp_path / "b.aig", tmp_path)
    assert not equal(tmp_path / "a.aig", tmp_path / "c.aig", tmp_path)


@pytest.mark.parametrize(("kind", "multipliers"), [("rom", 0), ("ram", 32), ("vec", 0)])
def test_tiles_that_ship_do_what_their_rtl_does(kit_cells, tmp_path, kind, multipliers):
    block, rtl = load_block(kind)
    mapped, ports = artifact(kind).content("mapped.v").decode(), [m.ports for m in block.memories]
    pair = read_pair(rtl, mapped, block.top, ports, kit_cells, tmp_path)
    matched = match(pair.rtl, pair.netlist)
    proof = prove(pair.rtl, pair.netlist, matched, tmp_path)
    assert (proof.faults, proof.left_out, pair.multipliers) == ((), 0, multipliers)
    assert multiplier_holds(pair.multiplier)
    assert not multiplier_holds(plant(pair.multiplier)[GATE])
    for damaged in plant(pair.netlist).values():
        assert prove(pair.rtl, damaged, matched, tmp_path).faults
