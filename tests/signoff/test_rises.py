"""How often nets rise, from what registers and memories held."""

from dataclasses import replace

import pytest

from rtl_gen.errors import FlowError
from signoff.netlist import Instance, Netlist, read_netlist
from signoff.power.flat import flat_die, with_open_outputs
from signoff.power.rises import counted
from signoff.timing.cells import Cell, Flop, Gate

CELLS = {
    "inv": Cell("inv", ("A",), {"Y": ("not", "A")}),
    "nand": Cell("nand", ("A", "B"), {"Y": ("not", ("and", "A", "B"))}),
    "mux": Cell("mux", ("A", "B", "S"), {"X": ("mux", "S", "A", "B")}),
    "xor": Cell("xor", ("A", "B"), {"X": ("xor", "A", "B")}),
    "low": Cell("low", (), {"LO": ("0",)}),
    "flop": Cell("flop", ("CLK", "D"), {"Q": "state"}, Flop("CLK", "D", "state")),
    "gate": Cell("gate", ("CLK", "EN"), {"GCLK": "CLK"}, Gate("CLK", "EN")),
}
# A bit that turns over in each cycle in which `go` is high, seen by the die as `out`; and a memory.
TILE = """
module tile (clk, go, out); input clk; input go; output out;
wire gck; wire next; wire word; wire off; wire m; wire x;
gate g (.CLK(clk), .EN(go), .GCLK(gck));
flop f (.CLK(gck), .D(next), .Q(out));
inv i (.A(out), .Y(next));
memory r (.clk(clk), .q({word, x}), .reads(\\r.reads ));
low l (.LO(off));
nand n (.A(out), .B(word), .Y(m));
endmodule
"""
SAMPLES = 9  # before the first, and twice in each of four cycles


def wave(text: str) -> int:
    """Samples, the first first."""
    return int(text[::-1], 2)


STATES = {
    "clk": wave("010101010"), "go": wave("111100000"), "out": wave("011000000"),
    "t.g.dlatch0.Q": wave("111100000"), "t.f.dff0.Q": wave("011000000"),
    "t.r.q[1]": wave("001110011"), "t.r.q[0]": 0, "t.r.reads": wave("001000100"),
}  # fmt: skip


@pytest.fixture
def die(tmp_path):
    (tmp_path / "die.v").write_text(
        "module d (clk, go, out); input clk; input go; output out;\n"
        "tile t (.clk(clk), .go(go), .out(out)); endmodule"
    )
    (tmp_path / "tile.v").write_text(TILE)
    return flat_die(read_netlist(tmp_path / "die.v"), {"tile": read_netlist(tmp_path / "tile.v")})


def test_every_net_rises_as_often_as_the_cells_before_it_say(die):
    of = counted(die, CELLS, sound(), SAMPLES)
    found = of.rises
    assert of.registers.wrong == ()
    assert found["clk"] == found["t.clk"] == 4
    assert found["t.gck"] == 2  # the enable is gone in the third cycle
    assert found["out"] == found["t.out"] == 1
    assert found["t.next"] == 1
    assert (found["t.word"], found["t.x"], found["t.off"], found["t.r.reads"]) == (2, 0, 0, 2)
    assert found["t.m"] == 1  # not (out and word): 111011111 before, of 011000000 and 001110011
    assert set(found) == {name for names in die.names.values() for name in names}


def test_how_long_a_net_is_high_is_its_share_of_the_samples(die):
    high = counted(die, CELLS, sound(), SAMPLES).high
    assert (high["clk"], high["t.off"], high["t.next"]) == (4 / 9, 0, 7 / 9)


def test_an_output_without_a_net_rises_too(die):
    """As of an inverter that is but a load of a clock."""
    instances = die.netlist.instances | {"t.load": Instance("inv", "t.load", {"A": ("clk",)})}
    with_load = replace(die, netlist=replace(die.netlist, instances=instances))
    found = counted(with_load, CELLS, sound(), SAMPLES).rises
    assert "t.load/Y" not in found
    opened = with_open_outputs(with_load, {name: cell.outputs for name, cell in CELLS.items()})
    found = counted(opened, CELLS, sound(), SAMPLES).rises
    assert found["t.load/Y"] == 4
    assert opened.netlist.instances["t.load"].pins == {"A": ("clk",), "Y": ("t.load/Y",)}
    assert opened.names.keys() - die.names.keys() == {"t.load/Y"}
    with pytest.raises(FlowError, match="Y is a net, and an output"):
        with_open_outputs(replace(with_load, names=opened.names), {"inv": ("Y",)})


def sound(**other: int) -> dict[str, int]:
    """The bit is 0, turns over at the first and the second edge, and stays."""
    return STATES | other


def test_a_register_that_takes_what_its_cells_do_not_give_is_found(die):
    registers = counted(die, CELLS, sound(**{"t.f.dff0.Q": wave("011011111")}), SAMPLES).registers
    assert registers.wrong == ("t.f",)


def test_a_register_whose_last_state_is_another_is_planted_and_found(die):
    registers = counted(die, CELLS, sound(), SAMPLES).registers
    assert registers.planted == {"t.g with another last state": True}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.f.dff0.Q", "011000100"),  # without its clock
        ("t.g.dlatch0.Q", "111000000"),  # gone while the clock is high
        ("t.g.dlatch0.Q", "111110000"),  # open although the enable is not
    ],
)
def test_a_register_or_gate_that_moves_by_itself_is_found(die, name, text):
    registers = counted(die, CELLS, sound(**{name: wave(text)}), SAMPLES).registers
    assert name.removesuffix(".dff0.Q").removesuffix(".dlatch0.Q") in registers.wrong


@pytest.mark.parametrize("name", ["clk", "t.f.dff0.Q", "t.g.dlatch0.Q", "t.r.q[1]", "t.r.reads"])
def test_a_state_that_was_not_told_is_named(die, name):
    told = sound()
    del told[name]
    with pytest.raises(
        FlowError, match=name.removesuffix(".dff0.Q").removesuffix(".dlatch0.Q").replace("[", r"\[")
    ):
        counted(die, CELLS, told, SAMPLES)


def test_what_the_simulation_told_of_a_wire_is_counted_as_told(die):
    found = counted(die, CELLS, sound(out=wave("010101000")), SAMPLES).rises
    assert (found["out"], found["t.out"]) == (3, 1)  # of which signoff.power.token makes a fault


def test_a_loop_of_cells_is_refused():
    loop = {
        "a": Instance("inv", "a", {"A": ("x",), "Y": ("y",)}),
        "b": Instance("inv", "b", {"A": ("y",), "Y": ("x",)}),
    }
    die = flat_die(
        Netlist("d", {}, {"t": Instance("tile", "t", {})}, ()), {"tile": Netlist("tile", {}, loop, ())}
    )
    with pytest.raises(FlowError, match=r"loop of cells without a state: t\.a, t\.b"):
        counted(die, CELLS, {}, 1)
