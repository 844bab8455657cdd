"""A die of two small tiles as one netlist, and the energy of a token of it, worked out by hand."""

from dataclasses import replace

import pytest

from rtl_gen.errors import FlowError
from signoff.netlist import Instance, Netlist
from signoff.power.energy import Activity, Corner
from signoff.power.flat import OUTSIDE, flat_die
from signoff.power.rises import Registers
from signoff.power.token import TokenDie, price

# In each tile: a clock buffer, a flip-flop whose output leaves, a memory that it enables, an idle gate.
TILE = Netlist(
    "tile",
    {"clk": ("input", None), "d": ("input", None), "q": ("output", None), "low": ("input", (1, 0))},
    {
        "ck": Instance("buf_1", "ck", {"A": ("clk",), "X": ("tick",)}),
        "ff": Instance("dff_1", "ff", {"CLK": ("tick",), "D": ("d",), "Q": ("held",)}),
        "rom": Instance("mem", "rom", {"clk": ("tick",), "enable": ("q",), "reads": ("rom.reads",)}),
        "tie": Instance("nor_1", "tie", {"A": ("low[1]",), "B": ("low[0]",), "Y": ("",)}),
    },
    (("q", "held"),),
)
DIE = Netlist(
    "die",
    {"clk": ("input", None), "rx": ("input", None), "tx": ("output", None)},
    {
        "a": Instance("tile", "a", {"clk": ("clk",), "d": ("rx",), "q": ("seam",), "low": ("0", "1")}),
        "b": Instance("tile", "b", {"clk": ("clk",), "d": ("seam",), "q": ("tx",), "low": ("0", "0")}),
    },
    (),
)
FF = 1e-15
CORNER = Corner(
    2.0,
    10e-9,
    {"buf_1": 1e-9, "dff_1": 2e-9, "mem": 0.0, "nor_1": 0.0},
    {
        "buf_1": {"A": 0.0, "X": 3 * FF},
        "dff_1": {"CLK": 5 * FF, "D": FF, "Q": 7 * FF},
        "mem": {"clk": 0.0, "enable": 0.0, "reads": 1000 * FF},
        "nor_1": {"A": 0.0, "B": 0.0, "Y": FF},
    },
    {
        "buf_1": {"A": 2 * FF},
        "dff_1": {"CLK": 2 * FF, "D": FF},
        "mem": {"clk": 4 * FF, "enable": 6 * FF},
        "nor_1": {"A": FF, "B": FF},
    },
)
COUNTED = Activity(
    100,
    1,
    {
        "clk": 100, "a.clk": 100, "b.clk": 100, "a.tick": 100, "b.tick": 100,
        "rx": 10, "a.d": 10, "seam": 20, "a.q": 20, "a.held": 20, "b.d": 20,
        "tx": 30, "b.q": 30, "b.held": 30,
        "a.rom.reads": 20, "b.rom.reads": 0, "a.low[1]": 0, "b.low[0]": 0,
    },
)  # fmt: skip
SOUND = Registers((), {"a.ff with another last state": True})


@pytest.fixture
def die():
    flat = flat_die(DIE, {"tile": TILE})
    return TokenDie(flat, {"a.held": 50 * FF}, {"mem": "ROM macros"}, "clk")


def run(die, counted=COUNTED, corner=CORNER, registers=SOUND):
    (row, control), found = price(die, counted, registers, {"typical": corner}, "no glitches")
    return row, control, found["typical"]


def test_a_net_is_one_through_ports_and_assignments(die):
    (seam,) = (names for names in die.flat.names.values() if "seam" in names)
    assert seam == ("a.held", "a.q", "b.d", "seam")
    on = die.flat.netlist.instances
    assert on["a.ff"].pins["Q"] == on["b.ff"].pins["D"] == on["a.rom"].pins["enable"]
    assert on["a.tie"].pins == {"A": ("0",), "B": ("1",), "Y": ("",)}
    assert {n for n, of in on.items() if of.cell == OUTSIDE} == {"port.clk", "port.rx"}


def test_a_kind_of_tile_without_netlist_is_named():
    with pytest.raises(FlowError, match="no netlist of tile tile"):
        flat_die(DIE, {})


def test_blocks_are_what_one_works_out(die):
    row, control, priced = run(die)
    assert (row.status, control.status) == ("pass", "pass"), (row, control)
    squared = 4.0
    time = 100 * 10e-9
    tick = 100 * (2 + 4) * FF * squared  # a flip-flop and a memory
    assert priced.blocks == pytest.approx(
        {
            "a clock": tick + 100 * (3 + 5) * FF,
            "b clock": tick + 100 * (3 + 5) * FF,
            # held: the memory's enable and the next tile's flip-flop
            "a cells": 20 * 7 * FF * squared + 10 * FF + 20 * 7 * FF + time * 3e-9,
            "b cells": 30 * 6 * FF * squared + 20 * FF + 30 * 7 * FF + time * 3e-9,
            "a wires": 20 * 50 * FF * squared,
            "a ROM macros": 20 * 1000 * FF,
            "inputs of the die": (100 * 4 + 10 * 1) * FF * squared,
        }
    )
    assert next(iter(priced.blocks)) == "a ROM macros"
    assert priced.seconds == pytest.approx(time)
    nj = 1e9 * priced.total
    assert row.detail == f"typical {nj:.0f} nJ, 1,000,000 tokens/s at 10 ns; no glitches"


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"a.d": 11}, "rx did not rise alike under its names a.d, rx"),
        ({"a.tick": 101}, "a.tick rose 101 times in 100 cycles"),
        ({"clk": 99, "a.clk": 99, "b.clk": 99}, "clk rose 99 times in 100 cycles"),
    ],
)
def test_a_count_that_cannot_be_is_a_fault(die, other, says):
    row, _, _ = run(die, replace(COUNTED, rises={**COUNTED.rises, **other}))
    assert row.status == "fail"
    assert says in row.detail


def test_each_register_that_does_not_fit_is_a_fault(die):
    row, _, priced = run(die, registers=replace(SOUND, wrong=("a.ff", "b.ff")))
    assert (row.status, row.count) == ("fail", 2)
    assert row.reason == "a.ff holds what the cells before it do not give"
    assert priced.total > 0


def test_the_control_fails_where_a_register_that_does_not_fit_is_not_found(die):
    _, control, _ = run(die)
    assert control.detail.startswith("found: a.ff with another last state")
    _, control, _ = run(die, registers=Registers((), {"a.ff with another last state": False}))
    assert (control.status, control.reason) == ("fail", "not found: a.ff with another last state")


def test_a_net_without_a_count_is_a_fault(die):
    row, _, _ = run(die, replace(COUNTED, rises={n: r for n, r in COUNTED.rises.items() if n != "b.tick"}))
    assert (row.status, row.reason) == ("fail", "b.tick was not counted")


def test_what_no_energy_is_known_of_is_a_fault(die):
    without = {cell: pins for cell, pins in CORNER.inside.items() if cell != "dff_1"}
    row, _, priced = run(die, corner=replace(CORNER, inside=without))
    assert row.status == "fail"
    assert priced.without == ("dff_1",)
    assert "drives" in row.reason


def test_a_wire_of_an_input_that_is_tied_takes_nothing(die):
    row, _, priced = run(die)
    tied, _, with_wire = run(replace(die, wires={**die.wires, "a.low[1]": FF, "b.low[0]": FF}))
    assert (row.status, tied.status) == ("pass", "pass"), tied.detail
    assert with_wire.total == priced.total


def test_a_wire_of_no_net_is_a_fault(die):
    row, _, _ = run(replace(die, wires={"a.lost": FF}))
    assert (row.status, row.reason) == ("fail", "the wire a.lost is on no net")


def test_the_control_fails_where_nothing_moves(die):
    still = {name: 100 * (count == 100) for name, count in COUNTED.rises.items()}
    _, control, _ = run(die, replace(COUNTED, rises=still))
    assert control.status == "pass"
    dead = dict.fromkeys(COUNTED.rises, 0)
    _, control, _ = run(die, replace(COUNTED, rises=dead))
    assert control.status == "fail"
    assert "counted twice" in control.reason
