"""Synthesis and its proof."""

import json
from dataclasses import asdict

import pytest

from base_chip.bank import BankSpec
from base_chip.config import load_base
from base_chip.harden.artifact import HardenedBase
from base_chip.harden.block import bank_ports
from base_chip.synth import map_to_cells, prove_equivalent, run_yosys
from base_chip.synth.equivalence import damage
from base_chip.synth.tiles import TILES, VEC_TILE, map_ram_tile, map_rom_tile, map_vec_tile
from flow.hardening.synthesis import CORNER, need_liberty, plain_liberty
from flow.pdk.providers import find_pdk
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tile import tile_verilog
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize


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
def test_the_mapped_netlist_of_nano_is_what_synthesis_gives(tmp_path, sky130):
    base = load_base("nano")
    files = find_pdk(sky130, need_all=False)
    if CORNER not in files.liberty:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    kept = HardenedBase.read(HardenedBase.home("nano"), "nano")
    bank = BankSpec.of(base.rom, base.pdk)
    liberty = plain_liberty(need_liberty(files), tmp_path)
    made = map_to_cells(
        tile_verilog(base.core()), "scf_nano", liberty, {bank.name: bank_ports(bank)}, tmp_path / "w"
    )
    assert made.cells[bank.name] == base.rom.banks
    assert made.verilog == kept.content("mapped.v").decode()


@pytest.mark.flow
@pytest.mark.parametrize("kind", ["rom", "ram", "vec"])
def test_the_tiles_of_the_explorer_are_what_synthesis_of_their_rtl_gives(tmp_path, sky130, kind):
    files = find_pdk(sky130, need_all=False)
    if CORNER not in files.liberty:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    liberty = plain_liberty(need_liberty(files), tmp_path)
    size, map_tile = {
        "rom": (RomTileSize(), map_rom_tile), "ram": (RamTileSize(), map_ram_tile),
        "vec": (VEC_TILE, map_vec_tile),
    }[kind]  # fmt: skip
    net = map_tile(size, liberty, tmp_path)
    kept = next(t for t in json.loads(TILES.read_text())[kind] if t.items() >= asdict(size).items())
    assert round(net.area_um2) == kept["um2"]
    hard = {"sky130_fd_sc_hd__a222oi_1", "sky130_fd_sc_hd__or3_1"}
    assert not hard & net.cells.keys()  # whose pins the router cannot reach
