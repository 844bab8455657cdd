"""Gate-level simulation: the host's stream, the cell models, and a block with a ROM from end to end."""

import shutil
import subprocess

import numpy as np
import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.views import rom_verilog
from rtl_gen.errors import ExitCode, FlowError
from signoff.gatesim import Request, Simulation, Token, build_simulator, read_states, simulate
from signoff.gatesim.host import Protocol, request_bytes
from signoff.gatesim.models import PRIMITIVES, cell_models

P = "sky130_fd_sc_hd__"
ROM = RomSpec(32, 32)
WORDS = np.random.default_rng(21).integers(0, 1 << 32, ROM.words)


def test_requests_become_the_bytes_of_the_protocol():
    sent = request_bytes([Request([0, 5], 32, 0x01020304, [1]), Request([7], 0, 9, [2])])
    assert sent == bytes([4, 3, 2, 1, 32, 2, 0, 5, 9, 0, 0, 0, 0, 1, 7])


def test_tokens_of_a_cut_embedding_take_three_bytes_and_those_of_a_cut_head_are_the_likeliest():
    protocol = Protocol("payload", token_bytes=3, greedy=True)
    sent = request_bytes([Request([0x0102], 0, 1, [7])], protocol)
    assert sent == bytes([1, 0, 0, 0, 0, 1, 1, 2, 1])
    with pytest.raises(FlowError, match="no token can be drawn") as e:
        request_bytes([Request([5], 32, 1, [7])], protocol)
    assert e.value.code == ExitCode.USAGE
    assert "--temperature 0" in e.value.hint
    assert request_bytes([Request([5], 32, 1, [7])], Protocol("payload", token_bytes=3))


@pytest.mark.parametrize("fields", [([], 0, 1, [1]), ([0], 256, 1, [1]), ([0], 0, 0, [1]), ([0], 0, 1, [])])
def test_requests_that_cannot_be_sent_are_refused(fields):
    with pytest.raises(ValueError, match=r"request|range"):
        Request(*fields)


def test_equality_is_of_every_token_and_without_fault():
    requests = [Request([0], 0, 1, [3, 1]), Request([0], 0, 2, [4])]
    tokens = tuple(Token(v, 10 * v) for v in (3, 1, 4))
    assert Simulation(tokens, 40, 0.1, "").equals(requests)
    assert not Simulation(tokens, 40, 0.1, "protocol").equals(requests)
    assert not Simulation(tokens[:2], 40, 0.1, "").equals(requests)
    assert not Simulation((*tokens[:2], Token(5, 40)), 40, 0.1, "").equals(requests)


def write_model(folder, cell, body):
    (folder / cell).mkdir(parents=True)
    (folder / cell / f"{P}{cell}_1.functional.v").write_text(body)


def test_models_lose_includes_delays_and_strengths(tmp_path):
    write_model(tmp_path, "conb", f'`include "x.v"\nmodule {P}conb_1(output HI);\npullup p (HI);\nendmodule')
    text = cell_models(f"{P}conb_1 u (.HI(a));", tmp_path)
    assert "assign HI = 1;" in text
    assert "include" not in text


def test_a_cell_without_model_is_named(tmp_path):
    with pytest.raises(FlowError, match=f"{P}nand9_1"):
        cell_models(f"{P}nand9_1 u (.Y(a));", tmp_path)


def test_a_primitive_that_is_not_known_is_named(tmp_path):
    body = f"module {P}odd_1(output Q);\n{P}udp_dff$NSR `UNIT_DELAY d (Q);\nendmodule"
    write_model(tmp_path, "odd", body)
    with pytest.raises(FlowError, match=r"udp_dff\$NSR"):
        cell_models(f"{P}odd_1 u (.Q(a));", tmp_path)


def test_without_verilator_the_fix_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match="verilator is not installed") as e:
        build_simulator("", "t", tmp_path, "", tmp_path)
    assert e.value.code == ExitCode.MISSING_TOOL


@pytest.mark.flow
@pytest.mark.parametrize(
    ("name", "ports", "kit"),
    [
        ("udp_mux_2to1", 3, "udp_mux_2to1"),
        ("udp_mux_2to1_N", 3, "udp_mux_2to1_n"),
        ("udp_mux_4to2", 6, "udp_mux_4to2"),
    ],
)
def test_our_primitives_are_the_kits(name, ports, kit, kit_cells, tmp_path):
    """Every input combination, ours and the kit's primitive side by side in Icarus."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    models = kit_cells.parent / "models" / kit
    official = (models / f"{P}{kit}.v").read_text()
    assert "primitive" in official
    (tmp_path / "ours.v").write_text(PRIMITIVES.replace(f"{P}udp", "our_udp"))
    inputs = ", ".join(f"i[{n}]" for n in range(ports))
    (tmp_path / "bench.v").write_text(
        f"module bench; reg [{ports - 1}:0] i; wire a, b; integer n;\n"
        f"{P}{name} kit (a, {inputs}); our_{name} ours (b, {inputs});\n"
        f"initial begin for (n = 0; n < {1 << ports}; n = n + 1) begin i = n; #1\n"
        'if (a !== b) $display("DIFFER %b", i); end $display("DONE"); end endmodule\n'
    )
    command = ["iverilog", "-g2005-sv", "-o", "t.vvp", "bench.v", "ours.v", str(models / f"{P}{kit}.v")]
    subprocess.run(command, cwd=tmp_path, check=True)
    out = subprocess.run(["vvp", "-n", "t.vvp"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["DONE"]


# Answers each byte with what the ROM holds at that address.
LOOKUP = f"""
module scf_test(input clk, input rst, input [7:0] rx_data, input rx_valid, output rx_ready,
                output reg [7:0] tx_data, output reg tx_valid, input tx_ready);
  reg [4:0] at;
  reg reading;
  wire [31:0] word;
  assign rx_ready = ~reading & (~tx_valid | tx_ready);
  {ROM.name} rom (.clk(clk), .enable(reading), .a(8'b1 << at[2:0]), .b_n(~(4'b1 << at[4:3])), .q(word));
  always @(posedge clk) begin
    reading <= rx_valid & rx_ready & ~rst;
    if (rx_ready) at <= rx_data[4:0];
    if (tx_ready) tx_valid <= 0;
    if (reading) {{tx_valid, tx_data}} <= {{~rst & word != ~32'b0, word[7:0]}};
    if (rst) tx_valid <= 0;
  end
endmodule
"""


@pytest.fixture(scope="module")
def lookup(tmp_path_factory):
    """A simulator of the block."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed")
    folder = tmp_path_factory.mktemp("lookup")
    return build_simulator(LOOKUP, "scf_test", folder, rom_verilog(ROM), folder / "build")


def run(program, folder, requests, words=WORDS, start=1):
    path = folder / "rom.hex"
    path.write_text("".join(f"{int(word):08x}\n" for word in words))
    return simulate(program, "scf_test", [{"rom": path}], requests, folder / "run", start=start)


def ask(prompt, beta, seed):
    """A request, and the answers to all of its bytes: a via pulls a line low."""
    sent = request_bytes([Request(prompt, beta, seed, [0])])
    return Request(prompt, beta, seed, [~int(WORDS[byte & 31]) & 0xFF for byte in sent])


@pytest.mark.flow
def test_a_block_answers_with_its_rom_whatever_its_registers_hold(lookup, tmp_path):
    requests = [ask([3], 32, 5), ask([2, 9], 0, 1)]
    runs = [run(lookup, tmp_path, requests, start=s) for s in (1, 2)]
    assert all(r.equals(requests) for r in runs)
    assert runs[0].tokens == runs[1].tokens


@pytest.mark.flow
def test_a_rom_with_one_bit_inverted_does_not(lookup, tmp_path):
    changed = WORDS.copy()
    changed[9] ^= 4
    assert not run(lookup, tmp_path, [ask([2, 9], 0, 1)], changed).equals([ask([2, 9], 0, 1)])
    assert run(lookup, tmp_path, [ask([2], 0, 1)], changed).equals([ask([2], 0, 1)])


@pytest.mark.flow
def test_a_silent_chip_is_a_fault(lookup, tmp_path):
    found = run(lookup, tmp_path, [Request([0], 0, 1, [5])], np.zeros_like(WORDS))
    assert found.tokens == ()
    assert "no token" in found.fault


@pytest.mark.parametrize(("late", "fault"), [("", ""), ("ERROR: m: more than one word is read", "ERROR: m")])
def test_a_misused_memory_counts_once_reset_is_over(tmp_path, late, fault):
    """Before, registers are random, and so is what they address."""
    program = tmp_path / "simulator"
    said = ["ERROR: m: more than one word is read", "BEGIN", late, "TOKEN 7 40", "END 41"]
    program.write_text("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in said))
    program.chmod(0o755)
    done = simulate(program, "t", [{}], [Request([1], 0, 1, [7])], tmp_path / "run")
    assert [t.value for t in done.tokens] == [7]
    assert done.fault.startswith(fault)
    assert bool(done.fault) == bool(fault)


COUNTER = """
module t(input clk, input rst, input [7:0] rx_data, input rx_valid, output rx_ready,
         output [7:0] tx_data, output tx_valid, input tx_ready);
  reg [3:0] count;
  always @(posedge clk) count <= rst ? 0 : count + 1;
  wire _low = ~clk;
  wire \\inner.odd[1] = count[0];
  inner inner (.clk(_low), .up(count[0:0]));
  assign {rx_ready, tx_valid, tx_data} = {1'b1, count == 15, 4'b0, count};
endmodule
module inner(input clk, input up);
  wire [4:3] both = {up, clk};
endmodule
"""


def rises(states: dict[str, int]) -> dict[str, int]:
    return {name: (value & ~(value << 1 | 1)).bit_count() for name, value in states.items()}


MEMORY = """module memory;
  wire hidden = 1;
endmodule
"""


@pytest.mark.flow
def test_states_are_told_from_token_to_token(tmp_path):
    """Sixteen cycles, of a counter and what follows from it; names are those of the Verilog."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed")
    program = build_simulator(COUNTER, "t", tmp_path, MEMORY, tmp_path / "build", states=True)
    request = [Request([0], 0, 1, [15, 15, 15])]
    done = simulate(program, "t", [{}], request, tmp_path / "run", between=(1, 2))
    assert done.equals(request)
    states = read_states(tmp_path / "run", "t")
    assert max(states.values()).bit_length() <= 33  # before the first of sixteen cycles, and twice in each
    found = rises(states)
    assert [found[f"count[{n}]"] for n in range(4)] == [8, 4, 2, 1]
    assert {n: found[n] for n in ("clk", "_low", "tx_valid", "rst", "rx_ready", "inner.odd[1]")} == {
        "clk": 16, "_low": 16, "tx_valid": 1, "rst": 0, "rx_ready": 0, "inner.odd[1]": 8,
    }  # fmt: skip
    assert not [name for name in found if "hidden" in name or "both" in name]  # of the top, and what holds
    simulate(program, "t", [{}], request, tmp_path / "first", between=(0, 1))
    assert rises(read_states(tmp_path / "first", "t"))["clk"] == done.tokens[0].cycle + 1
    simulate(program, "t", [{}], request, tmp_path / "none")
    with pytest.raises(FlowError, match="no states"):
        read_states(tmp_path / "none", "t")


RELAY = """
module t(input clk, input rst, input [7:0] rx_data, input rx_valid, output rx_ready,
         output reg [7:0] tx_data, output reg tx_valid, input tx_ready);
  assign rx_ready = ~tx_valid | tx_ready;
  always @(posedge clk)
    if (rst) tx_valid <= 0;
    else if (rx_ready) begin
      tx_valid <= rx_valid;
      tx_data <= rx_data + 1;
    end
endmodule
"""


@pytest.mark.flow
def test_dies_of_a_chain_hear_each_other_and_the_host_returns_what_comes(tmp_path):
    """Each die adds one. A request follows when all that answers the one before has been returned."""
    if shutil.which("verilator") is None:
        pytest.skip("verilator is not installed")
    program = build_simulator(RELAY, "t", tmp_path, "", tmp_path / "build")
    sent = request_bytes([Request([3], 0, 1, [0])])
    rounds = [[byte + 3 * (n + 1) for byte in sent] for n in range(2)]
    first = Request([3], 0, 1, [*rounds[0], *rounds[1]])
    done = simulate(program, "t", [{}] * 3, [first], tmp_path / "run")
    assert done.equals([first])
    # What comes back from the first request is still on its way when the second one begins.
    second = Request([9], 0, 2, [byte + 9 for byte in sent])
    both = simulate(program, "t", [{}] * 3, [first, second], tmp_path / "both")
    assert both.equals([first, second])
    assert both.tokens[: len(done.tokens)] == done.tokens
    alone = simulate(program, "t", [{}], [first, second], tmp_path / "alone")
    again = request_bytes([first, second])
    assert [t.value for t in alone.tokens] == [byte + 1 for byte in again]
    assert "no token" in alone.fault


@pytest.mark.flow
def test_a_simulator_that_tells_no_states_says_so(lookup, tmp_path):
    found = simulate(lookup, "scf_test", [{}], [Request([0], 0, 1, [5])], tmp_path / "run", between=(0, 1))
    assert found.fault == "FAULT this simulator does not tell states"
