"""The Verilog model of a ROM macro in Icarus."""

import shutil
import subprocess

import numpy as np
import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.views import rom_verilog

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not on PATH"),
]
SPEC, SHARED = RomSpec(16, 32), RomSpec(16, 32, mux=4)
BITS = np.random.default_rng(3).random((16, 32)) < 0.5
ROWS = [sum(int(bit) << n for n, bit in enumerate(row)) for row in BITS]
WIRES = """reg clk = 1, enable = 1; reg [7:0] a = 0; reg [1:0] b_n = 3; reg [3:0] select = 1;
wire [31:0] q; integer i;
task read(input integer word); begin
  clk = 1; a = 1 << word[2:0]; b_n = ~(1 << word[31:3]); #5 clk = 0; #5 $display("%h", ~q); end endtask
"""


def simulate(tmp_path, body: str, spec: RomSpec = SPEC) -> list[str]:
    (tmp_path / "rom.hex").write_text("".join(f"{row:08x}\n" for row in ROWS))
    (tmp_path / "rom.v").write_text(rom_verilog(spec))
    pins = ".clk(clk), .enable(enable), .a(a), .b_n(b_n)"
    if spec.mux > 1:
        pins += ", .select(select)"
    instance = f'{spec.name} #(.INIT("rom.hex")) rom ({pins}, .q(q[{spec.outputs - 1}:0]));'
    (tmp_path / "tb.v").write_text(f"`timescale 1ns / 1ps\nmodule tb; {WIRES}{instance}\n{body}\nendmodule\n")
    for command in (
        ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "tb", "rom.v", "tb.v"],
        ["vvp", "-n", "tb"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_every_word_is_read(tmp_path):
    told = simulate(tmp_path, "initial for (i = 0; i < 16; i = i + 1) read(i);")
    assert told == [f"{row:08x}" for row in ROWS]


def test_the_output_stays_until_the_next_read(tmp_path):
    body = """initial begin read(3); clk = 1; a = 1; #5 $display("%h", ~q);
      enable = 0; #1 clk = 0; #5 $display("%h", ~q); clk = 1; #5 enable = 1; read(4); end"""
    row = f"{ROWS[3]:08x}"
    assert simulate(tmp_path, body) == [row, row, row, f"{ROWS[4]:08x}"]


def test_two_words_at_once_are_reported(tmp_path):
    body = """initial begin a = 3; b_n = 2; #5 clk = 0; #5 $display("%0d %h", rom.faults, ~q);
      clk = 1; #5 a = 1; #1 clk = 0; #5 a = 2; #5 $display("%0d %h", rom.faults, ~q); end"""
    told = simulate(tmp_path, body)
    both = f"{ROWS[0] | ROWS[1]:08x}"
    assert [line for line in told if "ERROR" not in line] == [f"1 {both}", f"2 {both}"]


def test_no_word_reads_ones_and_an_unknown_address_unknown(tmp_path):
    body = """initial begin #5 clk = 0; #5 $display("%h", q);
      clk = 1; b_n = 2'bx; #5 clk = 0; #5 $display("%h", q); end"""
    assert simulate(tmp_path, body) == ["ffffffff", "xxxxxxxx"]


SELECT = """initial for (i = 0; i < 64; i = i + 1) begin
  clk = 1; select = 1 << (i % 4); #1 read(i / 4); end"""


def test_one_of_four_columns_is_read(tmp_path):
    told = simulate(tmp_path, SELECT, SHARED)
    expected = [sum(int(BITS[i // 4, 4 * n + i % 4]) << n for n in range(8)) for i in range(64)]
    assert [int(line[-2:], 16) for line in told] == expected


def test_two_columns_at_once_are_reported(tmp_path):
    body = """initial begin select = 3; read(5); $display("%0d %h", rom.faults, ~q[7:0]); end"""
    told = simulate(tmp_path, body, SHARED)
    both = sum(int(BITS[5, 4 * n] & BITS[5, 4 * n + 1]) << n for n in range(8))
    assert any("more than one column is selected" in line for line in told)
    assert told[-1] == f"1 {both:02x}"
