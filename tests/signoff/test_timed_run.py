"""A timed block in Icarus: what it says, and every kind of violation."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from rtl_gen.errors import ExitCode, FlowError
from signoff import timed
from signoff.gatesim import Request
from signoff.gatesim.timed import timed_design
from signoff.gatesim.timed_run import Clock, TimedChip, Trial, build_timed, run_timed
from signoff.timing.sdf import read_sdf
from tests.signoff.timed_block import MEMORIES, MODELS, ROM, TimedBlock, make_timed_block

ICARUS = pytest.mark.skipif(
    not all(map(shutil.which, ("iverilog", "iverilog-vpi", "vvp", "g++"))), reason="Icarus is not on PATH"
)
CLOCK = Clock(period=20, high=10, input=4, output=4, reset=4)
REQUEST = Request([1, 6], 5, 0x01020304, [0] * 8)  # eight bytes, and a token for each
BYTES = (4, 3, 2, 1, 5, 2, 1, 6)
WORDS = np.random.default_rng(3).integers(0, 1 << 32, ROM.words)


@pytest.fixture(scope="session")
def block(tmp_path_factory, kit_cells) -> TimedBlock:
    return make_timed_block(tmp_path_factory.mktemp("timed"), kit_cells)


@pytest.fixture(scope="session")
def chip(tmp_path_factory, block) -> TimedChip:
    design = timed_design(block.parsed, read_sdf(block.sdf), block.cells, MEMORIES)
    return build_timed(design, MODELS, tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("chip"))


@pytest.fixture
def run(chip, tmp_path):
    (tmp_path / "rom.hex").write_text(rom_hex())

    def simulate(clock: Clock, **options):
        contents = {"bank.macro": tmp_path / "rom.hex"}
        (done,) = run_timed(chip, contents, [REQUEST], [Trial(clock, **options)], tmp_path / "run")
        return done

    return simulate


def rom_hex() -> str:
    """Contents of the ROM, as its model reads them."""
    return "".join(f"{int(word):08x}\n" for word in WORDS)


def answer(byte: int) -> int:
    """What the block says to a byte: a via pulls a line low, and bit 0 comes the other way round."""
    return (~int(WORDS[byte]) & 0xFF) ^ 1


@pytest.mark.flow
@ICARUS
def test_at_its_clock_the_block_answers_without_a_violation(run, chip):
    done = run(CLOCK)
    assert done.fault == ""
    assert [t.value for t in done.tokens()] == [answer(b) for b in BYTES]
    assert not any(done.violations.values())
    assert set(done.violations) == {"setup", "hold", "width", "unknown"}
    assert chip.limits.missing == []
    assert done.checks == 42  # D of fifteen flops, the clock gate's enable, 13 inputs of the ROM
    assert done.edges > 10


@pytest.mark.flow
@ICARUS
def test_runs_in_one_simulation_are_told_apart(chip, tmp_path):
    """Each begins with a reset, and counts for itself."""
    (tmp_path / "rom.hex").write_text(rom_hex())
    short = Trial(replace(CLOCK, high=0.15), cycles=60, until="width")
    trials = [Trial(CLOCK), short, Trial(CLOCK)]
    done = run_timed(chip, {"bank.macro": tmp_path / "rom.hex"}, [REQUEST], trials, tmp_path / "run")
    first, wrong, again = done
    assert wrong.violations["width"] > 0
    assert wrong.cycles == 1
    for right in (first, again):
        assert [t.value for t in right.tokens()] == [answer(b) for b in BYTES]
        assert not any(right.violations.values())
        assert right.first == []
    assert first.cycles == again.cycles
    assert first.least == again.least


@pytest.mark.flow
@ICARUS
def test_a_program_is_the_same_in_each_run_and_says_what_is_in_it(chip, block, tmp_path):
    design = timed_design(block.parsed, read_sdf(block.sdf), block.cells, MEMORIES)
    again = build_timed(design, MODELS, tmp_path / "work", tmp_path / "again").folder
    files = sorted(path.name for path in chip.folder.iterdir())
    assert files == ["ahead", "begin.txt", "chip.vvp", "limits.json", "limits.txt"]
    assert all((again / name).read_bytes() == (chip.folder / name).read_bytes() for name in files)
    assert TimedChip.read(again).limits == chip.limits


@pytest.mark.flow
@ICARUS
@pytest.mark.parametrize(
    ("clock", "kind"),
    [
        (replace(CLOCK, period=6.4, high=3.2, input=1.2, reset=1.2), "setup"),
        (replace(CLOCK, sweep=0.02, input=0.0, reset=0.0), "hold"),
        (replace(CLOCK, high=0.15), "width"),
    ],
)
def test_each_limit_that_is_missed_is_counted(run, clock, kind):
    done = run(clock, cycles=60)
    assert done.violations[kind] > 0
    assert any(line.startswith(f"VIOLATION {kind} ") for line in done.first)


@pytest.mark.flow
@ICARUS
def test_a_run_ends_at_the_first_violation_of_the_kind_that_is_looked_for(run):
    fast = replace(CLOCK, shrink=0.006, again=32)
    found = run(fast, cycles=650, until="setup")
    assert found.violations["setup"] > 0
    assert found.cycles < run(fast, cycles=650, until="unknown").cycles == 650


@pytest.mark.flow
@ICARUS
@pytest.mark.parametrize(
    "line", ["check flop 0 9999 1 1 1 1 0", "width clock 9999 1 1", "check flop 0 1", "other"]
)
def test_a_limit_that_is_of_no_net_is_a_fault(chip, run, line):
    path = chip.folder / "limits.txt"
    limits = path.read_text()
    path.write_text(f"{limits}{line}\n")
    try:
        assert run(CLOCK, cycles=2).fault == f"FAULT not a limit: {line}"
    finally:
        path.write_text(limits)


@pytest.mark.flow
@ICARUS
def test_contents_that_are_not_there_are_a_fault(chip, tmp_path):
    (done,) = run_timed(chip, {}, [REQUEST], [Trial(CLOCK, cycles=20)], tmp_path / "run")
    assert "bank.macro.hex" in done.fault
    assert done.violations["unknown"] > 0


@pytest.mark.flow
@ICARUS
def test_the_rows_tell_tokens_violations_and_controls(chip, tmp_path):
    (tmp_path / "rom.hex").write_text(rom_hex())
    right = replace(REQUEST, expected=[answer(b) for b in BYTES])
    clock = Clock(period=14.4, high=7.2, input=2.88, output=2.88, reset=2.88)

    def rows(request: Request, clock: Clock = clock):
        contents = {"bank.macro": tmp_path / "rom.hex"}
        (row, control), *_ = timed.run(chip, clock, contents, [request], "11", tmp_path / "work")
        return row, control

    row, control = rows(right)
    assert (row.status, row.count) == ("pass", 0)
    assert "42 setup and hold limits" in row.detail
    assert (control.status, control.count) == ("pass", 0)
    assert control.detail.startswith("found: setup of inputs that change at the edge, ")
    # Its slowest path takes 3.4 ns of half a period, and the clock ends at a fiftieth of its period.
    _, control = rows(right, Clock(period=600, high=300, input=120, output=120, reset=120))
    assert control.status == "fail"
    assert control.reason.startswith("not found: ")
    assert "setup at a clock that gets faster" in control.reason
    row, _ = rows(replace(right, expected=[0, *right.expected[1:]]))
    assert (row.status, row.count) == ("fail", 1)
    assert row.reason.startswith("1 tokens differ")
    row, _ = rows(right, Clock(period=6.4, high=3.2, input=1.28, output=1.28, reset=1.28))
    assert row.status == "fail"
    assert row.reason.startswith("VIOLATION setup data")


def test_without_icarus_the_fix_is_told(block, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    design = timed_design(block.parsed, read_sdf(block.sdf), block.cells, MEMORIES)
    with pytest.raises(FlowError, match="iverilog is not installed") as e:
        build_timed(design, MODELS, tmp_path / "work", tmp_path / "chip")
    assert e.value.code == ExitCode.MISSING_TOOL
