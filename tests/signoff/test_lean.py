"""What is taken out of a program of Icarus, and that it says the same without it."""

from dataclasses import replace

import pytest

from signoff.gatesim import timed_run
from signoff.gatesim.lean import lean
from signoff.gatesim.timed_run import Trial, build_timed, run_timed
from tests.signoff.test_timed_memory import CLOCK, MODELS, REQUEST, contents, design
from tests.signoff.test_timed_run import ICARUS

__all__ = ["contents", "design"]  # fixtures

PROGRAM = b"""\
L_0x5581aa0/d .functor BUFZ 1, L_0x5581ac0, C4<0>, C4<0>, C4<0>;
L_0x5581aa0 .delay 1 (274,273,273) L_0x5581aa0/d;
L_0x5581ab0/d .functor BUFZ 1, v0x5581ad0_0, C4<0>, C4<0>, C4<0>;
L_0x5581ab0 .delay 1 (10,20,10) L_0x5581ab0/d;
L_0x5581ae0 .functor AND 1, L_0x5581aa0, L_0x5581ab0, C4<1>, C4<1>;
L_0x5581af0 .functor BUFZ 1, L_0x5581ae0, C4<0>, C4<0>, C4<0>;
v0x5581b00_0 .net "i7_X_A", 0 0, L_0x5581aa0;  1 drivers
v0x5581b10_0 .net "n3", 0 0, L_0x5581ab0;  1 drivers
v0x5581b20_0 .net "n4", 0 0, L_0x5581ae0;  1 drivers
v0x5581b30_0 .net "clk", 0 0, L_0x5581aa0;  1 drivers
    %load/vec4 v0x5581b30_0;
"""


def test_buffers_and_names_that_decide_nothing_are_taken_out():
    assert lean(PROGRAM, {"n3"}).decode().splitlines() == [
        "L_0x0 .delay 1 (274,273,273) L_0x1;",
        "L_0x2 .delay 1 (10,20,10) v0x3_0;",
        "L_0x4 .functor AND 1, L_0x0, L_0x2, C4<1>, C4<1>;",
        "L_0x5 .functor BUFZ 1, L_0x4, C4<0>, C4<0>, C4<0>;",
        'v0x6_0 .net "n3", 0 0, L_0x2;  1 drivers',
        'v0x7_0 .net "n4", 0 0, L_0x4;  1 drivers',
        'v0x8_0 .net "clk", 0 0, L_0x0;  1 drivers',
        "    %load/vec4 v0x8_0;",
    ]


def test_a_net_that_is_looked_for_stays():
    assert b'"i7_X_A"' in lean(PROGRAM, {"i7_X_A"})
    assert b'"n3"' not in lean(PROGRAM, {"i7_X_A"})


@pytest.mark.flow
@ICARUS
def test_a_lean_program_says_what_the_whole_one_says(design, contents, tmp_path, monkeypatch):
    def simulated(name):
        chip = build_timed(design, MODELS, tmp_path / f"{name}_work", tmp_path / name)
        late = Trial(replace(CLOCK, high=0.6), cycles=40)
        done = run_timed(chip, contents, [REQUEST], [Trial(CLOCK), late], tmp_path / f"{name}_run")
        return (chip.folder / "chip.vvp").stat().st_size, [replace(run, seconds=0) for run in done]

    size, said = simulated("lean")
    monkeypatch.setattr(timed_run, "lean", lambda program, watched: program)
    whole, whole_said = simulated("whole")
    assert said == whole_said
    assert said[1].violations["setup"] > 0
    assert size < 0.8 * whole
