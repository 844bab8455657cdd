"""ROM and SRAM macros with delays in Icarus: what they say, and limits at their pins."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest

from signoff import timed
from signoff.gatesim import Request
from signoff.gatesim.host import Protocol
from signoff.gatesim.timed_run import Clock, Trial, build_timed, run_timed
from tests.signoff.test_timed_run import ICARUS
from tests.signoff.timed_memory import MEMORIES, MODELS, RAM, ROM, memory_block

CLOCK = Clock(period=20, high=10, input=4, output=4, reset=4)
REQUEST = Request([1, 6], 5, 0x01020304, [0] * 8)
BYTES = (4, 3, 2, 1, 5, 2, 1, 6)
WORDS = np.random.default_rng(4).integers(0, 1 << 32, ROM.words)


def answer(byte: int) -> int:
    """A via pulls a line of the ROM low."""
    return byte ^ (~int(WORDS[byte & 31]) & 0xFF)


@pytest.fixture(scope="session")
def design(tmp_path_factory, kit_cells):
    return memory_block(tmp_path_factory.mktemp("timed"), kit_cells)


@pytest.fixture
def contents(tmp_path):
    (tmp_path / "rom.hex").write_text("".join(f"{int(word):08x}\n" for word in WORDS))
    return {"bank.macro": tmp_path / "rom.hex"}


def test_every_delay_and_limit_of_a_macro_is_taken(design):
    assert design.limits.missing == []
    assert design.limits.widths >= 2
    watched = tuple(design.watch.count(f"check {name} ") for name in ("bank.macro", "work.macro"))
    assert watched == (2 * 13, 2 * (13 + 1 + 8))
    assert set(MEMORIES) == {ROM.name, RAM.name}


def test_a_macro_without_a_delay_is_named(tmp_path, kit_cells, monkeypatch):
    sdf = memory_block.__globals__["sdf_of"]

    def lacking(*args):
        return sdf(*args).replace("(IOPATH clk q[3] (0.8:0.8:0.8) (3.0:3.0:3.0))", "", 1)

    monkeypatch.setitem(memory_block.__globals__, "sdf_of", lacking)
    assert memory_block(tmp_path, kit_cells).limits.missing == ["bank.macro/q[3]"]


@pytest.mark.flow
@ICARUS
def test_what_is_written_is_read_with_what_the_rom_has(design, contents, tmp_path):
    chip = build_timed(design, MODELS, tmp_path / "work", tmp_path / "chip")
    (done,) = run_timed(chip, contents, [REQUEST], [Trial(CLOCK)], tmp_path / "run")
    assert done.fault == ""
    assert [t.value for t in done.tokens()] == [answer(b) for b in BYTES]
    assert not any(done.violations.values())


BENCH = f"""module bench;
  reg clk = 1, enable = 1'bx, write = 1'bx;
  reg [7:0] a = 8'b100, d = 8'h3c;
  reg [3:0] b_n = 4'b1110;
  wire [7:0] q;
  {RAM.name} m(.clk(clk), .enable(enable), .a(a), .b_n(b_n), .write(write), .d(d), .q(q));
  initial begin
    m.watched = 0; m.q = 8'h5a; m.ram[2] = 8'h77;
    #5 clk = 0; #5 $display("%h %h", q, m.ram[2]);
    clk = 1; enable = 1; write = 1; #5 clk = 0; #5 $display("%h %h", q, m.ram[2]);
    m.watched = 1; clk = 1; #5 clk = 0; #5 $display("%h", q);
    clk = 1; write = 1'bx; #5 clk = 0; #5 $display("%h", m.ram[2]);
  end
endmodule
"""


@pytest.mark.flow
@ICARUS
def test_before_reset_an_sram_that_is_not_watched_holds_nothing_unknown(tmp_path):
    """Unknown pins ask for nothing, and a byte that is read and written at once is known."""
    (tmp_path / "bench.v").write_text(MODELS + BENCH)
    compiled = ["iverilog", "-g2012", "-s", "bench", "-o", "bench.vvp", "bench.v"]
    subprocess.run(compiled, cwd=tmp_path, check=True)
    told = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.splitlines() == ["5a 77", "77 3c", "xx", "xx"]


@pytest.mark.flow
@ICARUS
@pytest.mark.parametrize(
    ("clock", "kind"),
    [
        # Addresses come 0.3 to 0.5 ns after the edge, and are to be there 0.3 before the clock falls.
        (Clock(period=20, high=0.6, input=4, output=4, reset=4), "setup"),
        (Clock(period=20, high=1.4, input=4, output=4, reset=4), "width"),
    ],
)
def test_each_limit_that_is_missed_is_counted(design, contents, tmp_path, clock, kind):
    chip = build_timed(design, MODELS, tmp_path / "work", tmp_path / "chip")
    (done,) = run_timed(chip, contents, [REQUEST], [Trial(clock, cycles=40)], tmp_path / "run")
    assert done.violations[kind] > 0


@pytest.mark.flow
@ICARUS
def test_inputs_that_change_too_soon_behind_the_edge_are_counted(kit_cells, contents, tmp_path):
    block = memory_block(tmp_path, kit_cells, hold=0.2)
    chip = build_timed(block, MODELS, tmp_path / "work", tmp_path / "chip")
    (done,) = run_timed(chip, contents, [REQUEST], [Trial(CLOCK, cycles=40)], tmp_path / "run")
    assert done.violations["hold"] > 0
    assert any("work.macro" in line for line in done.first)


@pytest.mark.flow
@ICARUS
def test_the_rows_of_a_block_with_macros(design, contents, tmp_path):
    right = replace(REQUEST, expected=[answer(b) for b in BYTES])
    clock = Clock(period=14.4, high=7.2, input=2.88, output=2.88, reset=2.88)
    chip = build_timed(design, MODELS, tmp_path / "work", tmp_path / "chip")
    (row, control), *_ = timed.run(chip, clock, contents, [right], "11", tmp_path / "run", Protocol())
    assert (row.status, row.count) == ("pass", 0), row
    assert (control.status, control.count) == ("pass", 0), control
