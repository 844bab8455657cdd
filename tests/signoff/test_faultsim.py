"""Chips side by side: each with its own ROM and host, all of one netlist."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from base_chip.bank import BankSpec
from base_chip.config import load_base
from base_chip.harden.artifact import HardenedBase
from metal_configs.checkpoint import load
from metal_configs.image import build_image
from metal_configs.lower import lower
from metal_configs.models import resolve
from metal_configs.quantise import Policy, quantise
from metal_configs.words import corpus
from rtl_gen.errors import FlowError
from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.rom import RomGeometry
from signoff.contents.decoder import read_decoder
from signoff.contents.rows import Rows
from signoff.faultsim import Chip
from signoff.faultsim.circuit import compile_circuit
from signoff.faultsim.coverage import place_of
from signoff.faultsim.run import LANES, build_engine, simulate_lanes
from signoff.faultsim.stimulus import choose_requests, table_use
from signoff.gatesim import Request
from signoff.netlist import read_modules
from signoff.routed_equiv.flat import flatten
from signoff.timing.cells import load_cells
from tests.rtl_gen.models import SMALL, random_model

P = "sky130_fd_sc_hd__"
GEOMETRY = RomGeometry(banks=1, word_lines=2, bits=8, mux=1)
# Answers each byte, two cycles later, with the word of the row that its lowest bit names.
TOY = f"""
module toy (clk, rst, rx_data, rx_valid, rx_ready, tx_data, tx_valid, tx_ready);
 input clk, rst, rx_valid, tx_ready;
 input [7:0] rx_data;
 output rx_ready, tx_valid;
 output [7:0] tx_data;
 {P}conb_1 one (.HI(rx_ready), .LO(zero));
 {P}clkbuf_4 tree (.A(clk), .X(c1));
 {P}nor2b_1 take (.A(rst), .B_N(rx_valid), .Y(taken));
 {P}dfxtp_1 row (.CLK(c1), .D(rx_data[0]), .Q(row));
 {P}dfxtp_1 valid (.CLK(c1), .D(taken), .Q(v1));
 {P}inv_1 turned (.A(row), .Y(other));
 {P}and2_4 line0 (.A(v1), .B(other), .X(w0));
 {P}and2_4 line1 (.A(v1), .B(row), .X(w1));
 bank \\rom.bank0  (.WL({{w1, w0}}), .PRE_N(v1), .BL(bl));
 {P}dlclkp_1 gate (.CLK(c1), .GATE(v1), .GCLK(c2));
 {P}dfxtp_1 valid2 (.CLK(c1), .D(v1), .Q(tx_valid));
{{flops}}
 wire [7:0] bl;
endmodule
"""
FLOPS = "\n".join(
    f" {P}inv_1 i{n} (.A(bl[{n}]), .Y(d{n}));\n {P}dfxtp_1 q{n} (.CLK(c2), .D(d{n}), .Q(tx_data[{n}]));"
    for n in range(1, 8)
)
# One of them through a multiplexer of four
FIRST = (
    f" {P}inv_1 i0 (.A(bl[0]), .Y(d0));\n {P}mux4_1 m (.A0(d0), .A1(d0), .A2(zero), .A3(zero), .S0(row),"
    f" .S1(zero), .X(e0));\n {P}dfxtp_1 q0 (.CLK(c2), .D(e0), .Q(tx_data[0]));\n"
)
ROM = np.array([[[1, 0, 1, 0, 0, 0, 1, 0], [0, 1, 1, 0, 0, 1, 0, 1]]], bool)
WORDS = np.packbits(ROM[0], axis=1, bitorder="little")[:, 0]


def circuit_of(text, tmp_path, kit_cells):
    text = text.replace("{flops}", FIRST + FLOPS)
    # A netlist declares its wires first
    text = re.sub(r"\n wire \[7:0\] bl;", "", text).replace(
        "output [7:0] tx_data;", "output [7:0] tx_data;\n wire [7:0] bl;"
    )
    (tmp_path / "toy.v").write_text(text)
    flat = flatten(read_modules(tmp_path / "toy.v"), "toy")
    cells = load_cells({c.kind for c in flat.cells.values()} - {"bank"}, kit_cells)
    return compile_circuit(flat, cells, "bank", GEOMETRY, "clk")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    return build_engine(tmp_path_factory.mktemp("engine"))


def request(seed, prompt):
    sent = [*seed.to_bytes(4, "little"), 0, len(prompt), *prompt]
    return Request(prompt, 0, seed, tuple(int(WORDS[byte & 1]) for byte in sent))


FAULTS = [(0, row, bit) for row in range(2) for bit in range(8)]


def test_what_a_text_reads_is_found_and_nothing_else(engine, tmp_path, kit_cells):
    circuit = circuit_of(TOY, tmp_path, kit_cells)
    even = simulate_lanes(engine, circuit, ROM, FAULTS, [request(2, [4, 6])])
    assert even.fault == ""
    assert even.rows.tolist() == [True, False]
    assert even.found.tolist() == [True] * 8 + [False] * 8
    assert not even.late.any()
    both = simulate_lanes(engine, circuit, ROM, FAULTS, [request(2, [4, 6]), request(258, [2])])
    assert both.rows.all()
    assert both.found.all()
    assert np.diff(both.at).tolist() == [1] * (len(both.at) - 1)


def test_the_chip_without_faults_must_say_what_is_expected(engine, tmp_path, kit_cells):
    circuit = circuit_of(TOY, tmp_path, kit_cells)
    wrong = ROM.copy()
    wrong[0, 0, 3] ^= True
    assert (
        simulate_lanes(engine, circuit, wrong, [], [request(2, [4])]).fault
        == "token 1 is not the expected one"
    )
    more = Request([4], 0, 2, (*request(2, [4]).expected, 1))
    assert "no token after 7 of 8" in simulate_lanes(engine, circuit, ROM, FAULTS, [more]).fault


def test_what_flops_hold_at_first_does_not_matter(engine, tmp_path, kit_cells):
    circuit = circuit_of(TOY, tmp_path, kit_cells)
    for seed in range(1, 6):
        assert simulate_lanes(engine, circuit, ROM, FAULTS, [request(3, [4, 7])], seed=seed).found.all()


def test_more_faults_than_lanes_are_refused(engine, tmp_path, kit_cells):
    circuit = circuit_of(TOY, tmp_path, kit_cells)
    with pytest.raises(FlowError, match="fit"):
        simulate_lanes(engine, circuit, ROM, [(0, 0, 0)] * LANES, [request(2, [4])])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("row (.CLK(c1)", "row (.CLK(v1)", "is clocked by v1"),
        ("inv_1 turned (.A(row),", "nor2_1 turned (.A(row), .B(other),", "feeds itself"),
        ("\\rom.bank0 ", "\\rom.bank1 ", "banks"),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused(tmp_path, kit_cells, old, new, why):
    assert TOY.count(old) == 1
    with pytest.raises(FlowError, match=why):
        circuit_of(TOY.replace(old, new), tmp_path, kit_cells)


def test_the_net_of_the_column_must_be_there(tmp_path, kit_cells, monkeypatch):
    monkeypatch.setitem(globals(), "GEOMETRY", replace(GEOMETRY, bits=4, mux=2))
    with pytest.raises(FlowError, match=r"no net is called core\.rom_row\[0\]"):
        circuit_of(TOY, tmp_path, kit_cells)


def test_requests_are_those_of_the_golden_model_and_the_same_each_time():
    model = random_model(SMALL, 1)
    chosen = choose_requests(model, 60)
    assert chosen == choose_requests(model, 60)
    assert 60 <= sum(len(r.prompt) + len(r.expected) - 1 for r in chosen) < 60 + 2 * SMALL.context
    golden = GoldenDecoder(model)
    for r in chosen:
        assert r.expected == tuple(golden.generate(r.prompt, beta=r.beta, seed=r.seed))
    # The first fills the context, which others follow; both ways of choosing a token are among them
    assert len(chosen[0].prompt) + len(chosen[0].expected) == SMALL.context + 1
    assert {r.beta == 0 for r in chosen} == {True, False}


def test_the_use_of_tables_is_what_the_golden_model_reads():
    model = random_model(SMALL, 1)
    used = table_use(model, [[1, 2]], 32)
    assert {e for n, e in used if n == "rope"} == set(range(2 * SMALL.head_dim * 2))
    golden, gates = GoldenDecoder(model), set()
    layer = model.layers[0]
    golden._swiglu, before = (lambda y, x: gates.add(tuple(y.gate(x))) or before(y, x)), golden._swiglu
    for token in (1, 2):
        golden.feed(token)
    read = {int(np.clip(v, -128, 127)) & 255 for some in gates for v in some}
    assert layer.silu.shape == (256,)
    assert {e for n, e in used if n.endswith("silu")} == read


@pytest.fixture(scope="module")
def words():
    """The built-in model on nano, rounded to nearest."""
    quantised = quantise(load(resolve("words")), Policy("rtn"))
    texts = [corpus.encode(w)[:16] for w in corpus.packaged("calibration")[::20]]
    model, core = lower(quantised, texts), load_base("nano").core()
    return model, core, build_image(model, core).bits()


@pytest.fixture(scope="module")
def nano(kit_cells, tmp_path_factory):
    kept = HardenedBase.read(HardenedBase.home("nano"), "nano")
    path = tmp_path_factory.mktemp("nano") / "netlist.v"
    path.write_bytes(kept.content("netlist.v" if kept.routed else "mapped.v"))
    bank = BankSpec.of(load_base("nano").rom, "sky130").name
    return Chip(path, "scf_nano", kit_cells, bank, (), load_base("nano").core()).circuit()


def places(rng, where, core):
    found = rng.permutation(np.argwhere(where))[: LANES - 1]
    return [place_of(row, bit, core.rom) for row, bit in found.tolist()]


@pytest.mark.flow
def test_bits_that_are_said_to_be_ignored_change_nothing_and_others_do(engine, nano, words):
    model, core, bits = words
    rows = Rows(bits)
    assert read_decoder(rows, model, core) == []
    golden = GoldenDecoder(model)
    requests = [
        Request([t], beta, 7, tuple(golden.generate([t], beta=beta, seed=7)))
        for t, beta in ((0, 0), (5, 16), (9, 8))
    ]
    banks, rng = core.rom.to_banks(bits), np.random.default_rng(1)
    for ignored in (rows.idle, rows.kind < 0):
        done = simulate_lanes(engine, nano, banks, places(rng, ignored, core), requests)
        assert done.fault == ""
        assert not done.found.any()
        assert not done.late.any()
    done = simulate_lanes(engine, nano, banks, places(rng, (rows.kind >= 0) & ~rows.idle, core), requests)
    assert done.found.mean() > 0.5


@pytest.mark.flow
def test_the_first_token_comes_in_the_cycle_in_which_other_simulators_have_it(engine, nano, words):
    """Verilator, and Icarus with delays, count 4,325 cycles (docs/timing.md); 4 are of the reset."""
    model, core, bits = words
    golden = GoldenDecoder(model)
    request = Request([0], 40, 1, tuple(golden.generate([0], beta=40, seed=1))[:1])
    done = simulate_lanes(engine, nano, core.rom.to_banks(bits), [], [request])
    assert done.fault == ""
    assert done.at.tolist() == [4 + 4325]
