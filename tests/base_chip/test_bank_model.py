"""The Verilog model in Icarus."""

import shutil
import subprocess

import numpy as np
import pytest

from base_chip.bank import BankSpec
from base_chip.bank.views import bank_verilog, rom_hex

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not on PATH"),
]
SPEC = BankSpec(8, 16)
BITS = np.random.default_rng(3).random((8, 16)) < 0.5
ROWS = [int(line, 16) for line in rom_hex(SPEC, BITS).splitlines()]


def simulate(tmp_path, body: str, *plusargs: str, init: str = "") -> list[str]:
    (tmp_path / "rom.hex").write_text(rom_hex(SPEC, BITS))
    (tmp_path / "bank.v").write_text(bank_verilog(SPEC))
    (tmp_path / "tb.v").write_text(
        "`timescale 1ns / 1ps\nmodule tb; reg [7:0] wl = 0; reg pre_n = 0; wire [15:0] bl;\n"
        f'scf_bank_8x16 #(.INIT("{init}")) bank (.WL(wl), .PRE_N(pre_n), .BL(bl));\n{body}\nendmodule\n'
    )
    for command in (
        ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "tb", "bank.v", "tb.v"],
        ["vvp", "-n", "tb", *plusargs],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_every_word_line_reads_its_row(tmp_path):
    body = """integer i; initial for (i = 0; i < 8; i = i + 1) begin
      #10 pre_n = 0; wl = 0; #5 if (bl !== 16'hffff) $display("no precharge");
      #5 pre_n = 1; wl = 1 << i; #5 $display("%h", ~bl); wl = 0; #5; end"""
    assert simulate(tmp_path, body, init="rom.hex") == [f"{row:04x}" for row in ROWS]


def test_contents_come_from_a_file_named_after_the_instance(tmp_path):
    (tmp_path / "roms").mkdir()
    (tmp_path / "roms/tb.bank.hex").write_text(rom_hex(SPEC, BITS))
    body = 'initial begin #5 pre_n = 1; wl = 4; #5 $display("%h", ~bl); end'
    assert simulate(tmp_path, body, "+scf_bank_dir=roms") == [f"{ROWS[2]:04x}"]


def test_a_flop_on_the_precharging_edge_sees_the_old_value(tmp_path):
    body = """reg [15:0] q; always @(negedge pre_n) q <= bl;
      initial begin #5 pre_n = 1; wl = 2; #5 pre_n = 0; wl = 0; #1 $display("%h %h", ~q, bl); end"""
    assert simulate(tmp_path, body, init="rom.hex") == [f"{ROWS[1]:04x} ffff"]


def test_a_decoder_glitch_without_delay_has_no_effect(tmp_path):
    body = 'initial begin #5 pre_n = 1; wl = 255; #0 wl = 1; #5 $display("%h", ~bl); end'
    assert simulate(tmp_path, body, init="rom.hex") == [f"{ROWS[0]:04x}"]


def test_two_word_lines_are_reported_and_or_together(tmp_path):
    body = 'initial begin #5 pre_n = 1; wl = 3; #5 $display("%h %0d", ~bl, bank.faults); end'
    lines = simulate(tmp_path, body, init="rom.hex")
    assert lines[0].startswith("ERROR: tb.bank")
    assert "more than one word line is high" in lines[0]
    assert lines[1] == f"{ROWS[0] | ROWS[1]:04x} 1"


def test_a_word_line_during_precharge_is_reported_and_makes_x(tmp_path):
    body = 'initial begin #5 wl = 1; #5 $display("%b %0d", bl, bank.faults); end'
    lines = simulate(tmp_path, body, init="rom.hex")
    assert "a word line is high during precharge" in lines[0]
    assert lines[1] == "x" * 16 + " 1"


def test_an_unknown_word_line_makes_high_bit_lines_unknown(tmp_path):
    body = """initial begin #5 pre_n = 1; wl = 1; #5 wl = 8'bx; #5 $display("%b", bl); end"""
    expected = "".join("0" if ROWS[0] >> b & 1 else "x" for b in reversed(range(16)))
    assert simulate(tmp_path, body, init="rom.hex") == [expected]


def test_a_full_size_bank_compiles(tmp_path):
    (tmp_path / "bank.v").write_text(bank_verilog(BankSpec()))
    command = ["iverilog", "-g2005", "-Wall", "-o", "bank", "bank.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
