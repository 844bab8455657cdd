"""A timed run in parts: the same as in one piece, and held to what each part begins with."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rtl_gen.errors import FlowError
from signoff import timed
from signoff.gatesim import Request
from signoff.gatesim.host import PLAIN
from signoff.gatesim.parts import Part, cut, differences, joined, spoiled
from signoff.gatesim.timed_run import Clock, TimedChip, Trial, build_timed, run_timed
from tests.signoff.test_timed_run import ICARUS
from tests.signoff.timed_memory import MODELS, ROM, memory_block

pytestmark = [pytest.mark.flow, ICARUS]
CLOCK = Clock(period=20, high=10, input=4, output=4, reset=4)
REQUEST = Request([1, 6, 9, 9, 2, 33], 5, 0x01020304, [0] * 12)  # twelve bytes, and a token for each
WORDS = np.random.default_rng(4).integers(0, 1 << 32, ROM.words)


@pytest.fixture(scope="module")
def chip(tmp_path_factory, kit_cells) -> TimedChip:
    """Its macros ask for more hold than they get: every byte is a violation, and no value is wrong."""
    design = memory_block(tmp_path_factory.mktemp("timed"), kit_cells, hold=0.2)
    return build_timed(design, MODELS, tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("chip"))


@pytest.fixture
def contents(tmp_path):
    (tmp_path / "rom.hex").write_text("".join(f"{int(word):08x}\n" for word in WORDS))
    return {"bank.macro": tmp_path / "rom.hex"}


@pytest.fixture
def run(chip, contents, tmp_path):
    def simulate(part: Part, name: str):
        (done,) = run_timed(chip, contents, [REQUEST], [part.trial], tmp_path / name, begin=part.begin)
        return done

    return simulate


@pytest.mark.parametrize("count", [2, 3])
def test_parts_say_and_count_what_one_run_does(chip, contents, run, tmp_path, count):
    whole = run(Part(Trial(CLOCK)), "whole")
    parts = cut(chip, contents, [REQUEST], CLOCK, count, tmp_path / "ahead", PLAIN)
    names = [f"part{n}" for n in range(count)]
    found = joined(parts, [run(part, name) for part, name in zip(parts, names, strict=True)])
    assert len(parts) == count
    assert whole.violations["hold"] > 10
    for what in ("said", "cycles", "violations", "checks", "edges", "least", "fault"):
        assert getattr(found, what) == getattr(whole, what), what
    for before, after in pairwise(names):
        assert differences(tmp_path / before, tmp_path / after) == []


def test_a_part_that_begins_with_something_else_is_told(chip, contents, run, tmp_path):
    first, second = cut(chip, contents, [REQUEST], CLOCK, 2, tmp_path / "ahead", PLAIN)
    run(first, "first")
    flop, wrong = spoiled(second, tmp_path / "flop")
    run(wrong, "second")
    assert any(d.startswith(f"flop {flop}: ") for d in differences(tmp_path / "first", tmp_path / "second"))
    # A word of the SRAM that nobody asks for.
    lines = second.begin.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("memory work.macro "))
    words = lines[at].split()
    words[-1] = f"{int(words[-1], 16) ^ 8:02x}"
    (tmp_path / "word").write_text("\n".join([*lines[:at], " ".join(words), *lines[at + 1 :], ""]))
    run(replace(second, begin=tmp_path / "word"), "third")
    assert differences(tmp_path / "first", tmp_path / "third") == [
        f"memory work.macro {len(words) - 3}: {lines[at].split()[-1]}, then {words[-1]}"
    ]


def test_a_wrong_beginning_is_a_fault_of_the_row(chip, contents, tmp_path, monkeypatch):
    def wrongly(*args):
        first, second = cut(*args)
        _, wrong = spoiled(second, tmp_path / "wrong")
        return [first, replace(second, begin=wrong.begin)]

    monkeypatch.setattr(timed, "cut", wrongly)
    (row, _), *_ = timed.run(chip, CLOCK, contents, [REQUEST], "11", tmp_path / "run")
    assert row.status == "fail"
    assert "a part begins with what the part before does not end with: flop " in row.detail


def test_what_begins_with_nothing_is_refused(chip, contents, run, tmp_path):
    _, second = cut(chip, contents, [REQUEST], CLOCK, 2, tmp_path / "ahead", PLAIN)
    text = second.begin.read_text()
    (tmp_path / "flops").write_text(text.partition("\n")[2])
    with pytest.raises(FlowError, match="flops of the program and those"):
        run(replace(second, begin=tmp_path / "flops"), "fewer flops")
    (tmp_path / "memories").write_text("".join(x for x in text.splitlines(True) if "work.macro" not in x))
    fewer = run(replace(second, begin=tmp_path / "memories"), "fewer memories")
    assert fewer.fault.startswith("FAULT a memory begins with nothing")


def test_a_chip_that_says_nothing_without_delays_has_no_parts(chip, contents, tmp_path, monkeypatch):
    monkeypatch.setattr("signoff.gatesim.parts.PATIENCE", 0)
    with pytest.raises(FlowError, match="does not run in 2 parts: FAULT no token came"):
        cut(chip, contents, [REQUEST], CLOCK, 2, tmp_path / "ahead", PLAIN)
