"""Circuits as Yosys writes them, functions in them, and which flops are which, without any tool."""

import json
from dataclasses import replace

import pytest

from base_chip.synth.proof.aig import Aig
from base_chip.synth.proof.circuit import Circuit, Flop, Functions, Words
from base_chip.synth.proof.faults import plant
from base_chip.synth.proof.match import match
from base_chip.synth.proof.prove import prove
from rtl_gen.errors import FlowError

CLK, GO, A, B, INVERTED, GATED, Q, R, N, S = range(2, 12)


def port(direction, *bits):
    return {"direction": direction, "bits": list(bits)}


def cell(kind, **pins):
    return {
        "type": kind,
        "connections": {pin: [bit] for pin, bit in pins.items()},
        "port_directions": {pin: "output" if pin == "Q" else "input" for pin in pins},
    }


def module(**more):
    """`q` takes a & b where `go` is, at the rising edge; `r` the inverse of that, at the falling one."""
    cells = {
        "gate": cell("sky130_fd_sc_hd__dlclkp_1", CLK=CLK, GATE=GO, GCLK=GATED),
        "and": cell("$_AND_", A=A, B=B, Y=N),
        "not": cell("$_NOT_", A=CLK, Y=INVERTED),
        "other": cell("$_NOT_", A=N, Y=S),
        "q": cell("sky130_fd_sc_hd__dfxtp_1", CLK=GATED, D=N, Q=Q),
        "r": cell("sky130_fd_sc_hd__dfxtp_4", CLK=INVERTED, D=S, Q=R),
    }
    names = {"clk": CLK, "q": Q, "copy": Q, "r": R}
    return {
        "ports": {
            "clk": port("input", CLK), "go": port("input", GO), "a": port("input", A, B),
            "y": port("output", Q, R),
        },
        "cells": cells | more,
        "netnames": {name: {"bits": [bit]} for name, bit in names.items()},
    }  # fmt: skip


def read(tmp_path, told) -> Circuit:
    (tmp_path / "a.nets").write_text(json.dumps({"modules": {"t": told}}))
    return Circuit.read(tmp_path / "a.nets", "t")


def test_a_gated_clock_becomes_an_enable_and_an_inverter_the_other_edge(tmp_path):
    circuit = read(tmp_path, module())
    assert circuit.flops == {Q: Flop(CLK, True, N, GO), R: Flop(INVERTED, True, S, None)}
    assert circuit.clocks() == {Q: ("clk[0]", True), R: ("clk[0]", False)}
    assert circuit.names[Q] == ("copy[0]", "q[0]")


def test_functions_are_what_gates_say(tmp_path):
    circuit = read(tmp_path, module())
    known = {A: 0b0101_0101, B: 0b0011_0011, GO: 0b0000_1111, Q: 0b1111_0000}
    functions = Functions(circuit, Words(8), known, lambda net: pytest.fail(f"{net} has a driver"))
    assert functions.next_of(Q) == 0b1111_0001
    assert functions.next_of(R) == 0b1110_1110


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("$_AND_", 0b1000), ("$_OR_", 0b1110), ("$_XOR_", 0b0110), ("$_XNOR_", 0b1001),
        ("$_NAND_", 0b0111), ("$_NOR_", 0b0001),
    ],
)  # fmt: skip
def test_tables_of_gates(tmp_path, kind, table):
    circuit = read(tmp_path, module(new=cell(kind, A=A, B=B, Y=20)))
    assert Functions(circuit, Words(4), {A: 0b1010, B: 0b1100}, lambda _: 0).of(20) == table


def test_a_multiplexer_chooses_b_where_s_is(tmp_path):
    circuit = read(tmp_path, module(new=cell("$_MUX_", A=A, B=B, S=GO, Y=20)))
    known = {A: 0b1010, B: 0b1100, GO: 0b0110}
    assert Functions(circuit, Words(4), known, lambda _: 0).of(20) == 0b1100


def test_what_a_macro_gives_is_an_input_and_what_it_takes_an_output(tmp_path):
    circuit = read(tmp_path, module(rom=cell("scf_rom", a=N, Q=20)))
    assert circuit.inputs["scf_rom rom.Q[0]"] == 20
    assert circuit.outputs["scf_rom rom.a[0]"] == N


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (cell("$_DLATCH_P_", E=CLK, D=A, Q=20), r"new is a \$_DLATCH_P_"),
        (cell("$_AND_", A=A, B=B, Y=Q), "1 nets have more than one driver"),
        (cell("scf_rom", Q=A), "1 nets have more than one driver"),
    ],
)
def test_what_is_no_circuit_is_refused(tmp_path, more, says):
    with pytest.raises(FlowError, match=says):
        read(tmp_path, module(new=more))


def test_a_loop_of_gates_is_refused(tmp_path):
    circuit = read(tmp_path, module(one=cell("$_NOT_", A=20, Y=21), two=cell("$_NOT_", A=21, Y=20)))
    with pytest.raises(FlowError, match="loop"):
        Functions(circuit, Words(1), {}, lambda _: 0).of(20)


def test_each_pin_without_a_value_is_free_by_itself(tmp_path):
    circuit = read(tmp_path, module(new=cell("$_XOR_", A="x", B="x", Y=20)))
    words = iter((0b01, 0b11))
    assert Functions(circuit, Words(2), {}, lambda _: next(words)).of(20) == 0b10


def test_the_aig_that_is_written_is_the_function(tmp_path):
    circuit = read(tmp_path, module(new=cell("$_XOR_", A=A, B=B, Y=20)))
    graph = Aig()
    known = {A: graph.input()}
    of = Functions(circuit, graph, known, lambda _: graph.input()).of(20)
    graph.write(tmp_path / "a.aig", [of, of ^ 1])
    head, *rest = (tmp_path / "a.aig").read_bytes().split(b"\n", 3)
    assert head == b"aig 5 2 0 2 3"
    assert {int(literal) ^ int(rest[0]) for literal in rest[:2]} == {0, 1}
    gates, at, values = rest[2], 0, {0: 0, 2: 0b0101, 4: 0b0011}
    for n in range(3, 6):
        high = 2 * n - gates[at]
        low = high - gates[at + 1]
        at += 2
        a, b = (values[x & ~1] ^ (0b1111 if x & 1 else 0) for x in (high, low))
        values[2 * n] = a & b
    first = int(rest[0])
    assert values[first & ~1] ^ (0b1111 if first & 1 else 0) == 0b0110


def renamed(circuit: Circuit, **names: int) -> Circuit:
    return replace(circuit, names={bit: (f"{name}[0]",) for name, bit in names.items()})


def test_flops_are_known_by_name_and_else_by_what_they_take_over(tmp_path):
    netlist = read(tmp_path, module())
    assert match(netlist, netlist) == {Q: Q, R: R}
    assert match(netlist, renamed(netlist, q=Q, other=R)) == {Q: Q, R: R}
    assert match(netlist, renamed(netlist)) == {Q: Q, R: R}


def test_registers_that_became_one_and_a_constant_one_are_found(tmp_path):
    more = {
        "twin": cell("$_DFF_P_", C=CLK, D=20, Q=21),  # as q, but told otherwise
        "hold": cell("$_MUX_", A=21, B=N, S=GO, Y=20),
        "never": cell("$_DFF_P_", C=CLK, D=23, Q=22),
        "still": cell("$_AND_", A=22, B=A, Y=23),
    }
    rtl, netlist = read(tmp_path, module(**more)), renamed(read(tmp_path, module()), r=R)
    named = replace(rtl, names={R: ("r[0]",), 21: ("twin[0]",)})
    assert match(named, replace(netlist, names={R: ("r[0]",), Q: ("twin[0]",)}))[21] == Q
    assert match(rtl, read(tmp_path, module()))[22] == "0"


def test_every_planted_fault_shows(tmp_path):
    circuit = read(tmp_path, module(rom=cell("scf_rom", a=N, Q=20)))
    macro = {"scf_rom bank.macro.a[0]": N, "scf_rom bank.macro.a[1]": R}
    circuit = replace(circuit, outputs={**circuit.outputs, **macro})
    faults = plant(circuit)
    assert len(faults) == 5
    for damaged in faults.values():
        assert prove(circuit, damaged, {Q: Q, R: R}, tmp_path).faults


def test_a_fault_of_something_that_is_not_there_is_left_out(tmp_path):
    assert set(plant(replace(read(tmp_path, module()), flops={}))) == {"a gate changed"}


def test_ports_that_one_circuit_lacks_are_named(tmp_path):
    circuit = read(tmp_path, module())
    fewer = replace(circuit, outputs={"y[0]": Q})
    assert prove(circuit, fewer, {Q: Q, R: R}, tmp_path).faults == ("y[1] is not in both",)
