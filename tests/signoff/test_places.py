"""Every external tool works in a folder, and with a kit, whose path has spaces, brackets and accents."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from base_chip.bank import BankSpec, build_bank, program_bank, write_layout
from base_chip.bank.spice import bank_spice
from flow.pdk.magic_tech import tech_for_magic
from rtl_gen.errors import ExitCode, FlowError
from signoff import drc_klayout, drc_magic, lvs, sta
from signoff.eda import MAGIC
from signoff.gatesim import Request, build_simulator, simulate
from signoff.gatesim.timed import timed_design
from signoff.gatesim.timed_run import Trial, build_timed, run_timed
from signoff.gatesim.tools import run_tool, running
from signoff.timing.sdf import read_sdf
from tests.signoff.test_sta import corner
from tests.signoff.test_timed_run import BYTES, CLOCK, REQUEST, answer, rom_hex
from tests.signoff.timed_block import MEMORIES, MODELS, ROM, make_timed_block

PLACES = ["a b", "caf\u00e9", "it's $HOME [1] {x #%;&"]
# Answers each byte with the next number.
ECHO = """module scf_echo (input clk, rst, rx_valid, tx_ready, input [7:0] rx_data,
  output rx_ready, output reg tx_valid, output reg [7:0] tx_data);
  assign rx_ready = !rst;
  always @(posedge clk) begin tx_valid <= rx_valid && rx_ready; tx_data <= rx_data + 1; end
endmodule
"""


def needs(*tools: str) -> pytest.MarkDecorator:
    absent = [t for t in tools if shutil.which(t) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not on PATH: {', '.join(absent)}")


@pytest.fixture(params=PLACES)
def place(request, tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LC_ALL", "C")  # in which an accent is no letter
    folder = tmp_path / request.param
    folder.mkdir()
    return folder


def brought(path: Path, place: Path) -> Path:
    """A file of the kit at that place."""
    return Path(shutil.copy(path, place / f"the {path.name}"))


@pytest.mark.flow
@needs("klayout", "magic", "netgen-lvs")
def test_rules_and_lvs(place, pdk_kit):
    spec = BankSpec(8, 8)
    bits = np.random.default_rng(7).random((8, 8)) < 0.5
    layout, chip = build_bank(spec), place / "bank x.gds"
    program_bank(layout, spec, bits)
    write_layout(layout, chip)
    (place / "right x.spice").write_text(bank_spice(spec, bits))
    bits[1, 2] ^= True
    (place / "wrong x.spice").write_text(bank_spice(spec, bits))
    tech = brought(tech_for_magic(pdk_kit.path("magic_tech"), MAGIC.version()), place)
    setup, deck = (brought(pdk_kit.path(role), place) for role in ("netgen_setup", "klayout_density"))
    netlists = place / "right x.spice", place / "wrong x.spice"
    rows = [
        drc_magic.run(chip, spec.name, tech, place / "m x"),
        *lvs.run(chip, spec.name, *netlists, tech, setup, place / "lvs x"),
        drc_klayout.density(chip, spec.name, deck, place / "k x"),
    ]
    assert {r.name: r.status for r in rows} == dict.fromkeys(
        ("drc_magic", "lvs", "lvs_control", "density"), "pass"
    )


@pytest.mark.flow
@needs("sta")
def test_timing(place, kit_cells):
    block = make_timed_block(place, kit_cells)
    rows, metrics = sta.run(block.netlist, kit_cells, [corner(block)], place / "sta x", [ROM.name])
    assert {r.name: r.status for r in rows} == dict.fromkeys(("sta_slow", "sta_control"), "pass")
    assert metrics["sta_slow_setup_ns"] > 0


@pytest.mark.flow
@needs("iverilog", "iverilog-vpi", "vvp", "g++")
def test_a_simulation_with_delays(place, kit_cells):
    block = make_timed_block(place, kit_cells)
    design = timed_design(block.parsed, read_sdf(block.sdf), block.cells, MEMORIES)
    chip = build_timed(design, MODELS, place / "work x", place / "timed x")
    (place / "rom x.hex").write_text(rom_hex())
    (done,) = run_timed(chip, {"bank.macro": place / "rom x.hex"}, [REQUEST], [Trial(CLOCK)], place / "run x")
    assert done.fault == ""
    assert [t.value for t in done.tokens()] == [answer(b) for b in BYTES]


@pytest.mark.flow
@needs("verilator", "make", "g++")
@pytest.mark.parametrize("place", PLACES[2:], indirect=True)
def test_a_simulation_of_gates(place):
    program = build_simulator(ECHO, "scf_echo", place, "", place / "sim x")
    request = Request([7], 3, 1, [2, 1, 1, 1, 4, 2, 8])  # seed, beta, length and prompt come back, plus one
    done = simulate(program, "scf_echo", [{}], [request], place / "run x")
    assert done.equals([request])


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("kill -9 $$", r"verilate failed: tool was ended by SIGKILL$"),
        ("echo 'Error: bad'; kill -TERM $$", r"verilate failed: tool was ended by SIGTERM: Error: bad"),
        ("exit 3", r"verilate failed: tool ended with status 3$"),
        ("echo one; echo 'some error'; echo two; exit 1", "tool ended with status 1: some error"),
    ],
)
def test_a_compiler_that_fails_says_how(tmp_path, script, says):
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    with pytest.raises(FlowError, match=says) as found:
        run_tool([str(tool)], tmp_path, "verilate", "verilator")
    assert found.value.code == ExitCode.TOOL_FAILED


@pytest.mark.parametrize(
    ("script", "says"),
    [("echo TOKEN 1 2; kill -9 $$", "simulator was ended by SIGKILL"), (None, "cannot be started")],
)
def test_a_simulator_that_is_killed_is_an_error_and_no_row(tmp_path, script, says):
    program = tmp_path / "simulator"
    program.write_text(f"#!/bin/sh\n{script}\n" if script else "#!/no/such/thing\n")
    program.chmod(0o755)
    with pytest.raises(FlowError, match=says) as found:
        simulate(program, "t", [{}], [Request([1], 0, 1, [1, 2])], tmp_path / "run")
    assert found.value.code == ExitCode.TOOL_FAILED


def test_a_simulator_that_stops_early_is_a_fault_of_the_chip(tmp_path):
    with running(["/bin/sh", "-c", "echo a; echo b; exit 1"], tmp_path) as lines:
        assert list(lines) == ["a\n", "b\n"]
    assert (tmp_path / "run.log").read_text() == "a\nb\n"
