"""Synthesis and its proof."""

import json
from dataclasses import asdict

import pytest

from base_chip.harden.artifact import HardenedTile
from base_chip.synth import map_to_cells, run_yosys
from base_chip.synth.tiles import TILES, VEC_TILE, map_ram_tile, map_rom_tile, map_vec_tile
from flow.hardening.blocks import load_block
from flow.hardening.synthesis import CORNER, need_liberty, plain_liberty
from flow.pdk.providers import find_pdk
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize


def test_yosys_failures_are_told(tmp_path):
    with pytest.raises(FlowError, match="Yosys failed: ERROR") as e:
        run_yosys("read_verilog missing.v\n", tmp_path, "broken")
    assert e.value.code == ExitCode.TOOL_FAILED
    assert "broken.log" in e.value.hint


@pytest.mark.flow
@pytest.mark.parametrize("kind", ["rom", "ram", "vec"])
def test_the_mapped_netlist_of_a_tile_is_what_synthesis_gives(tmp_path, sky130, kind):
    files = find_pdk(sky130, need_all=False)
    if CORNER not in files.liberty:
        pytest.skip("no liberty here (PDK_ROOT, lambdapdk or SCF_LIBERTY_DIR)")
    block, rtl = load_block(kind)
    macros = {macro.name: macro.ports for macro in block.memories}
    liberty = plain_liberty(need_liberty(files), tmp_path)
    made = map_to_cells(rtl, block.top, liberty, macros, tmp_path / "w", resimplify=block.resimplify)
    assert sum(made.cells[name] for name in macros) == len(block.places)
    assert made.verilog == HardenedTile.read(HardenedTile.home(kind), kind).content("mapped.v").decode()


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
