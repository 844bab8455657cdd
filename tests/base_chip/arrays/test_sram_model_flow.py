"""The Verilog model of an SRAM macro: March C- and bytes in two simulators, in Icarus what must not be."""

import shutil
import subprocess

import pytest

from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.views import sram_verilog

pytestmark = pytest.mark.flow
ICARUS = (
    ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "tb", "ram.v", "tb.v"],
    ["vvp", "-n", "tb"],
)
VERILATOR = (
    [
        "verilator",
        "--binary",
        "--top",
        "tb",
        "-Wno-WIDTH",
        "-Wno-BLKSEQ",
        "-Wno-INITIALDLY",
        "-MAKEFLAGS",
        "OPT_FAST=-O0 OPT_GLOBAL=-O0",
        "ram.v",
        "tb.v",
    ],
    ["obj_dir/Vtb"],
)
BOTH = pytest.mark.parametrize("simulator", [ICARUS, VERILATOR], ids=["icarus", "verilator"])
SPEC = SramSpec(32, 16)
WIRES = """reg clk = 1, enable = 0; reg [7:0] a = 0; reg [3:0] b_n = 15; reg [1:0] write = 0;
reg [15:0] d = 0;
wire [15:0] q; integer i, errors = 0, reads = 0;
task at(input integer word); begin a = 1 << word[2:0]; b_n = ~(1 << word[31:3]); end endtask
task cycle; begin #5 clk = 0; #5 clk = 1; #1 enable = 0; write = 0; end endtask
task put(input integer word, input [15:0] value, input [1:0] lanes);
  begin at(word); d = value; write = lanes; cycle; end endtask
task get(input integer word); begin at(word); enable = 1; cycle; end endtask
task check(input integer word, input [15:0] value);
  begin get(word); reads = reads + 1; if (q !== value) errors = errors + 1; end endtask
"""
MARCH = """initial begin
  for (i = 0; i < 32; i = i + 1) put(i, 0, 3);
  for (i = 0; i < 32; i = i + 1) begin check(i, 0); put(i, 16'hffff, 3); end
  for (i = 0; i < 32; i = i + 1) begin check(i, 16'hffff); put(i, 0, 3); end
  for (i = 31; i >= 0; i = i - 1) begin check(i, 0); put(i, 16'hffff, 3); end
  for (i = 31; i >= 0; i = i - 1) begin check(i, 16'hffff); put(i, 0, 3); end
  for (i = 0; i < 32; i = i + 1) check(i, 0);
  $display("%0d %0d", reads, errors); $finish; end"""


def simulate(tmp_path, body: str, simulator=ICARUS, change=lambda text: text) -> list[str]:
    if shutil.which(simulator[0][0]) is None:
        pytest.skip(f"{simulator[0][0]} is not on PATH")
    (tmp_path / "ram.v").write_text(change(sram_verilog(SPEC)))
    ports = ", ".join(f".{p}({p})" for p in ("clk", "enable", "a", "b_n", "write", "d", "q"))
    text = f"`timescale 1ns / 1ps\nmodule tb; {WIRES}{SPEC.name} ram ({ports});\n{body}\nendmodule\n"
    (tmp_path / "tb.v").write_text(text)
    for command in simulator:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("- ")]


@BOTH
def test_march_c(tmp_path, simulator):
    assert simulate(tmp_path, MARCH, simulator) == ["160 0"]


@BOTH
def test_march_c_finds_a_stuck_bit(tmp_path, simulator):
    def stuck(text: str) -> str:
        write = "(ram[row] & ~mask) | (d & mask)"
        return text.replace(write, f"({write}) & ~(row == 9 ? 16'h4 : 16'h0)")

    told = simulate(tmp_path, MARCH, simulator, stuck)
    assert told == ["160 2"]  # each of the two reads of ones finds it


@BOTH
def test_a_byte_is_written_alone_and_the_output_stays(tmp_path, simulator):
    body = """initial begin put(3, 16'h1234, 3); put(3, 16'habcd, 2); put(4, 16'h5678, 3); get(3);
      $display("%h", q); cycle; put(3, 0, 1); $display("%h", q); get(3); $display("%h", q); end"""
    assert simulate(tmp_path, body, simulator) == ["ab34", "ab34", "ab00"]


def test_a_byte_that_is_read_and_written_at_once_is_unknown(tmp_path):
    body = """initial begin put(3, 16'h1234, 3); at(3); d = 16'hffff; write = 1; enable = 1; cycle;
      $display("%h", q); get(3); $display("%h", q); end"""
    assert simulate(tmp_path, body) == ["12xx", "12ff"]


def test_two_words_at_once_are_reported(tmp_path):
    body = """initial begin put(0, 16'h00ff, 3); put(1, 16'h0ff0, 3); get(0);
      a = 3; b_n = 14; enable = 1; cycle;
      $display("%0d %h", ram.faults, q); end"""
    told = simulate(tmp_path, body)
    assert [line for line in told if "ERROR" not in line] == ["1 00f0"]
    assert sum("ERROR" in line for line in told) == 1


def test_an_unknown_address_spoils_what_it_may_have_written(tmp_path):
    body = """initial begin put(3, 16'h1234, 3); a = 8'bx; enable = 1; cycle; $display("%h", q);
      a = 8'bx; write = 1; cycle; get(3); $display("%h", q); end"""
    assert simulate(tmp_path, body) == ["xxxx", "xxxx"]
