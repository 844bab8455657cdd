"""Energy of a token of a die of tiles: which one, memories, and wires that are not there."""

from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest

from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.tiles import load_tile
from base_chip.tiles.parts import tile_macros
from flow.stitching.energy import DieNets, SimulatedTile, Told, die_nets, simulated_die, token_energy
from flow.tasks.die.energy import EnergyTask
from flow.tasks.die.gatesim import _whole_token
from flow.tasks.energies import kit_corner, with_macros
from signoff.gatesim import Request
from signoff.netlist import Instance, read_netlist

LIBERTY = "tt_025C_1v80"
P = "sky130_fd_sc_hd__"


@pytest.fixture(scope="module")
def macros():
    """Memories of a vec tile, ROM and SRAM, by their names."""
    found = tile_macros(load_tile("vec"), load_place_route(load_pdk("sky130")))
    return {macro.name: macro for macro in found.values()}


@pytest.mark.parametrize(
    ("counts", "between"),
    [((5,), (2, 3)), ((2,), (1, 2)), ((1, 4), (3, 4)), ((1, 1), None)],
)
def test_the_token_is_a_whole_one_in_the_middle_of_a_text(counts, between):
    assert _whole_token([Request([0], 0, 1, [1] * n) for n in counts]) == between


def test_memories_take_what_liberty_says_of_reads_and_of_bytes_written(macros):
    ram = macros["scf_ram_64x16"]
    pins = {"clk": ("c",), "enable": ("e",), "write": ("w1", "w0"), "q": tuple(f"q{n}" for n in range(16))}
    kit = kit_corner(load_pdk("sky130"), LIBERTY, 1.8, 16.7)
    mean = with_macros(kit, [ram], {ram.name: Instance(ram.name, "m", pins)}, LIBERTY)
    assert mean.inside[ram.name]["clk"] > 0
    seen = pins | {"reads": ("r",), "writes": ("b1", "b0")}
    told = with_macros(kit, [ram], {ram.name: Instance(ram.name, "m", seen)}, LIBERTY).inside[ram.name]
    assert told["clk"] == 0
    # base_chip/pdk/sky130/timing_scf_ram_64x16.json; a write is that of two bytes
    assert told["reads"] == pytest.approx(5.90e-12)
    assert told["writes[0]"] == told["writes[1]"] == pytest.approx(5.73e-12 / 2, rel=1e-3)


def small(folder, macros):
    """A die of one mapped tile: a buffer that enables a ROM, and an SRAM."""
    rom, ram = macros["scf_rom_256x128"], macros["scf_ram_64x16"]
    (folder / "tile.v").write_text(
        f"module scf_vec_tile (clk, go); input clk; input go; wire on;\n"
        f"{P}buf_1 _0_ (.A(go), .X(on));\n"
        f"{rom.name} \\bank0.macro (.clk(clk), .enable(on));\n"
        f"{ram.name} \\work.macro (.clk(clk), .enable(go), .write({{on, go}}));\nendmodule\n"
    )
    (folder / "die.v").write_text(
        "module scf_d (clk, go); input clk; input go; scf_vec_tile vec (.clk(clk), .go(go)); endmodule\n"
    )
    return {"vec": SimulatedTile("scf_vec_tile", folder / "tile.v", [rom, ram], None)}


def spent_by(folder, tiles, files, states):
    """Energy, of nets that were written and read on the way as the step that every model shares has them."""
    pdk = load_pdk("sky130")
    nets = die_nets(read_netlist(folder / "die.v"), tiles, {}, pdk, files)
    written = msgspec.json.decode(msgspec.json.encode(nets), type=DieNets)
    assert written == nets
    memories = [macro for tile in tiles.values() for macro in tile.macros]
    return token_energy(simulated_die(written, memories, 40.0, pdk, files), states)


RISES = {
    "clk": 50, "go": 9, "vec.bank0.macro.reads": 7,
    "vec.work.macro.reads": 4, "vec.work.macro.writes[0]": 3, "vec.work.macro.writes[1]": 0,
}  # fmt: skip


def test_a_register_that_does_not_fit_fails_the_row_and_is_named_in_the_report(tmp_path, macros, files):
    tiles = small(tmp_path, macros)
    text = tiles["vec"].netlist.read_text()
    flop = f"wire held; {P}dfxtp_1 _1_ (.CLK(clk), .D(on), .Q(held));\nendmodule"
    tiles["vec"].netlist.write_text(text.replace("endmodule", flop))

    def spent(held):
        states = told(RISES | {"vec._1_.dff0.Q": 0})
        states = replace(states, states=[states.states[0] | {"vec._1_.dff0.Q": held}])
        return spent_by(tmp_path, tiles, files, states)

    # `go` is high behind each of the first nine rises of the clock, and low again before the next
    assert (sound := spent(0)).report["wrong_registers"] == [[]]
    assert [row.status for row in sound.rows] == ["pass", "pass"]
    assert "vec._1_ with another last state" in sound.rows[1].detail
    wrong = spent(0b111 << 40)
    assert wrong.report["wrong_registers"] == [["vec._1_"]]
    assert (wrong.rows[0].status, wrong.rows[0].count) == ("fail", 1)
    assert wrong.rows[0].reason == "vec._1_ holds what the cells before it do not give"


def told(*rises):
    """A token of fifty cycles."""
    states = [{name: sum(2 << 2 * n for n in range(count)) for name, count in of.items()} for of in rises]
    return Told("token 2", 50, states)


@pytest.fixture
def files(kit_cells):
    return SimpleNamespace(path=lambda role: {"cells": kit_cells}[role])


def test_a_die_of_mapped_tiles_says_that_it_has_no_wires(tmp_path, macros, files):
    tiles = small(tmp_path, macros)
    done = spent_by(tmp_path, tiles, files, told(RISES))
    assert [(r.name, r.status) for r in done.rows] == [("energy", "pass"), ("energy_control", "pass")], (
        done.rows
    )
    lacking = "wires of vec and of the margin not counted, nor their clock trees and buffers"
    assert lacking in done.rows[0].detail
    assert lacking == done.report["without"]
    assert lacking in done.note
    typical = done.report["corners"]["typical"]["blocks_nj"]
    leak = 50 * 40e-9 * 25 / 60  # s
    assert typical["vec ROM macros"] == pytest.approx(1e9 * (7 * 205.87e-12 + leak * 232e-9), rel=1e-3)
    assert "vec wires" not in typical
    assert done.metrics["tokens_per_s_slow"] == pytest.approx(1 / (50 * 40e-9))
    assert done.metrics["tokens_per_s_typical"] == pytest.approx(60e6 / 50)
    assert done.metrics["energy_per_token_typical_nj"] == pytest.approx(sum(typical.values()))


def test_the_energy_of_a_chain_is_that_of_its_dies(tmp_path, macros, files):
    tiles = small(tmp_path, macros)
    idle = {net: 50 if net.endswith("clk") else 0 for net in RISES}

    def spent(*rises):
        return spent_by(tmp_path, tiles, files, told(*rises))

    both, first, second = spent(RISES, idle), spent(RISES), spent(idle)
    for name in ("energy_per_token_typical_nj", "power_slow_mw"):
        assert both.metrics[name] == pytest.approx(first.metrics[name] + second.metrics[name])
        assert first.metrics[name] > second.metrics[name]
    assert both.metrics["tokens_per_s_typical"] == first.metrics["tokens_per_s_typical"]
    blocks = {
        name: spent.report["corners"]["slow"]["blocks_nj"]
        for name, spent in (("both", both), ("die 0", first), ("die 1", second))
    }
    assert blocks["both"] == {
        f"{die}, {block}": nj for die in ("die 0", "die 1") for block, nj in blocks[die].items()
    }
    assert [(r.name, r.status) for r in both.rows] == [("energy", "pass"), ("energy_control", "pass")]


def test_where_no_token_was_counted_the_step_is_not_run(tmp_path):
    job = SimpleNamespace(inputs={"gatesim": tmp_path})
    rows = EnergyTask().work(job).checks
    assert [(r.name, r.status) for r in rows] == [("energy", "not run"), ("energy_control", "not run")]
    assert "a whole token" in rows[0].reason
