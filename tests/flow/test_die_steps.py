"""The graph of a die of tiles; what cannot be shown of tiles without an artifact is not run, and says why."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.synth.proof import GATE, Proof
from flow.chain.mark import marked
from flow.cli import main
from flow.config import make_config
from flow.graph import CHAIN_STEPS, COLUMN_STEPS, STEPS, steps_on
from flow.report.die_areas import MAPPED, NO_CELLS, ROUTED
from flow.stitching.contents import read_contents
from flow.tasks.column.readback import BITS
from flow.tasks.column.replay import ColumnReplayTask
from flow.tasks.die.antenna import AntennaTask
from flow.tasks.die.assembly import AssemblyTask
from flow.tasks.die.compile import CompileTask
from flow.tasks.die.drc_klayout import DieDrcKlayoutTask
from flow.tasks.die.equiv import EQUIV_STEPS, EquivRamTask
from flow.tasks.die.figures import netlist_of
from flow.tasks.die.gatesim import GatesimTask, die_chip
from flow.tasks.die.inside import INSIDE_STEPS, InsideRomTask
from flow.tasks.die.ir_drop import IrDropTask
from flow.tasks.die.macros import MacrosTask
from flow.tasks.die.programmed import LOADED
from flow.tasks.die.seams import SeamsTask
from flow.tasks.die.simulators import LACKING, SimulatorTask
from flow.tasks.die.supplies import SuppliesTask
from flow.tasks.die.tile_drc import TILE_DRC_STEPS, DrcRomTask
from flow.tasks.die.tiles import MapRomTask, MapVecTask
from flow.tasks.die.timed import TimedTask
from flow.tasks.die.timed_simulator import TimedSimulatorTask
from flow.tasks.integer_model import golden_model
from metal_configs.compile.source import QuantisedSource
from rtl_gen.errors import ExitCode, FlowError
from signoff.gatesim.host import Request, request_bytes
from signoff.result import CheckResult

ING = Path(__file__).parents[1] / "metal_configs" / "ing"


@pytest.fixture
def job(tmp_path):
    """Of a base whose tiles have no artifact, on a machine without liberty."""
    names = [s.step_name for s in STEPS]
    inputs = {name: tmp_path / name for name in names}
    for folder in (*inputs.values(), tmp_path / "out", tmp_path / "scratch"):
        folder.mkdir()
    return SimpleNamespace(
        config=SimpleNamespace(base="nano", pdk="sky130", chained=0, context=0), inputs=inputs,
        out=tmp_path / "out", scratch=tmp_path / "scratch", pdk=SimpleNamespace(liberty={}),
    )  # fmt: skip


def test_a_base_has_the_graph_of_its_kind():
    assert steps_on("nano") is STEPS
    assert steps_on("story") is STEPS
    assert steps_on("tower") is COLUMN_STEPS
    assert steps_on("reticle") is CHAIN_STEPS
    with pytest.raises(FlowError, match="unknown base 'none'"):
        steps_on("none")


def test_each_step_comes_after_what_it_needs():
    names = [s.step_name for s in STEPS]
    for step in STEPS:
        assert all(names.index(name) < names.index(step.step_name) for name in step.needs)


def test_all_that_no_model_changes_follows_from_the_step_base():
    from flow.graph import descendants

    of_base = {"tile_rom", "tile_ram", "tile_vec", "map_rom", "map_ram", "map_vec", "stitch", "seams"}
    of_base |= {s.step_name for s in (*INSIDE_STEPS, *TILE_DRC_STEPS, *EQUIV_STEPS, MacrosTask, *OF_DIE)}
    assert of_base <= set(descendants(STEPS, "base"))
    of_model = {"quantise", "compile", "metal", "readback", "oasis", "figures"}
    assert not of_base & {n for s in of_model for n in descendants(STEPS, s)}


def test_the_command_lists_the_graph_of_a_base(capsys):
    assert main(["steps", "--base", "nano"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n{s.step_name:12} " in f"\n{listed}" for s in STEPS)


@pytest.mark.parametrize("step", [MapRomTask, MapVecTask])
def test_without_liberty_a_tile_is_not_mapped(step, job):
    (row,) = step().work(job).checks
    assert (row.name, row.status) == (step.step_name, "not run")
    assert "SCF_LIBERTY_DIR" in row.reason
    assert not list(job.out.iterdir())


def test_without_a_netlist_of_every_tile_nothing_is_simulated(job):
    (job.inputs["map_rom"] / "netlist.v").write_text("module a; endmodule\n")
    done = SimulatorTask().work(job)
    told = (job.out / LACKING).read_text("utf-8")
    assert "tile ram, vec has neither" in told
    assert done.note == told
    job.inputs["simulator"] = job.out
    rows = GatesimTask().work(job).checks
    assert [(r.name, r.status) for r in rows] == [("gatesim", "not run"), ("gatesim_control", "not run")]
    assert all(r.reason == told for r in rows)


OF_DIE = (SeamsTask, AssemblyTask, SuppliesTask, DieDrcKlayoutTask, AntennaTask, IrDropTask)


@pytest.mark.parametrize("step", OF_DIE)
def test_a_die_of_tiles_that_are_not_routed_is_not_checked(step, job):
    (job.inputs["tile_rom"] / "layout.def").write_text("")
    (row,) = step().work(job).checks
    assert (row.name, row.status) == (step.step_name, "not run")
    assert "tile ram, vec is not placed and routed" in row.reason


def test_design_rules_of_a_die_that_is_too_large_are_those_of_its_parts(job, monkeypatch):
    for kind in ("rom", "ram", "vec"):
        (job.inputs[f"tile_{kind}"] / "layout.def").write_text("")
    monkeypatch.setattr("base_chip.dies.load_die", lambda name: SimpleNamespace(die=(4000.0, 2600.0)))
    (row,) = DieDrcKlayoutTask().work(job).checks
    assert (row.name, row.status) == ("drc_klayout", "not run")
    assert row.reason.startswith("10.4 mm2, more than 10")


def test_a_token_of_a_die_that_is_too_large_is_not_simulated_with_delays(job):
    for kind in ("rom", "ram", "vec"):
        (job.inputs[f"tile_{kind}"] / "layout.def").write_text("")
    (job.inputs["compile"] / "adapter.bin").write_bytes(b"")
    job.config.base = "story"
    job.out = job.inputs["timed_simulator"]
    assert TimedSimulatorTask().work(job).note.startswith("9.9 mm2, more than 5")
    rows = not_timed(job)
    assert rows[0].reason.startswith("9.9 mm2, more than 5")


def test_without_a_routed_tile_no_token_is_simulated_with_delays(job):
    job.out = job.inputs["timed_simulator"]
    (job.inputs["tile_rom"] / "layout.def").write_text("")
    TimedSimulatorTask().work(job)
    rows = not_timed(job)
    assert "tile ram, vec is not placed and routed" in rows[0].reason


def test_a_die_of_a_chain_says_no_token_with_delays(job):
    rows = not_timed(job, dies=2)
    assert rows[0].reason == "a die of a chain says no token by itself"


def not_timed(job, dies: int = 1) -> list[CheckResult]:
    """The rows of `timed`, none of which ran."""
    (job.inputs["compile"] / "adapter.bin").write_bytes(b"")
    told = {"dies": dies, "roms": [], "token_bytes": 1, "count_bytes": 1, "greedy": False}
    (job.inputs["compile"] / "chip.json").write_text(json.dumps(told))
    rows = TimedTask().work(job).checks
    assert [(r.name, r.status) for r in rows] == [("timed", "not run"), ("timed_control", "not run")]
    return rows


def test_cells_of_a_tile_are_those_of_its_routed_netlist_else_of_the_mapped_one(job):
    tile, mapped = job.inputs["tile_rom"] / "netlist.v", job.inputs["map_rom"] / "netlist.v"
    assert netlist_of(job, "rom") == (None, NO_CELLS)
    mapped.write_text("")
    assert netlist_of(job, "rom") == (mapped, MAPPED)
    (tile.parent / "layout.def").write_text("")
    assert netlist_of(job, "rom") == (tile, ROUTED)


@pytest.mark.parametrize("step", [*INSIDE_STEPS, *TILE_DRC_STEPS])
def test_inside_of_a_tile_that_is_not_routed_nothing_is_run(step, job):
    (row,) = step().work(job).checks
    assert (row.name, row.status) == (step.step_name, "not run")
    assert f"tile {step.kind} is not placed and routed" in row.reason


@pytest.mark.parametrize("step", EQUIV_STEPS)
def test_of_a_tile_that_has_no_mapped_netlist_none_is_proved(step, job):
    rows = step().work(job).checks
    names = [f"{step.kind}_equiv", f"{step.kind}_equiv_control"]
    assert [(row.name, row.status) for row in rows] == [(name, "not run") for name in names]
    assert all(f"tile {step.kind} has no artifact" in row.reason for row in rows)


def test_a_fault_that_is_planted_and_proved_all_the_same_fails_the_control(job, monkeypatch):
    """As a wrong multiplier does the row; circuits are but numbers here."""
    for name, text in (("mapped.v", ""), ("rtl.v", ""), ("tile.txt", "ram")):
        (job.inputs["tile_ram"] / name).write_text(text)
    monkeypatch.setattr(job.pdk, "path", lambda _: job.scratch, raising=False)
    pair = SimpleNamespace(rtl=0, netlist=1, multiplier=2, multipliers=3)
    proofs = {1: (), 4: ("q differs",), 5: ()}
    told = {
        "read_pair": lambda *_: pair, "match": lambda *_: {},
        "plant": lambda circuit: {GATE: 6} if circuit == 2 else {"a": 4, "b": 5},
        "prove": lambda rtl, netlist, *_: Proof(proofs[netlist], 9, 1, 8, 0),
        "multiplier_holds": lambda circuit: circuit == 6,
    }  # fmt: skip
    for name, does in told.items():
        monkeypatch.setattr(f"base_chip.synth.proof.{name}", does)
    row, control = EquivRamTask().work(job).checks
    assert (row.name, row.status, row.detail) == ("ram_equiv", "fail", "the multiplier is wrong")
    assert (control.name, control.status, control.count) == ("ram_equiv_control", "fail", 2)
    assert control.reason == "not found: b; not found: a gate of the multiplier changed"


def test_what_is_inside_of_a_tile_is_looked_at_again_when_its_files_change(tmp_path, monkeypatch):
    """And not for a change of another tile, or of what is asked of a build."""
    monkeypatch.chdir(tmp_path)
    keys = set()
    for kind, told in (("rom", "1"), ("rom", "2"), ("ram", "3")):
        record = tmp_path / "inputs" / f"tile_{kind}" / "step.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps({"files": {"layout.def": told}}))
        run = SimpleNamespace(
            config=SimpleNamespace(), closures={"inside_rom": SimpleNamespace(digest="")},
            pdk=SimpleNamespace(digests={}),
        )  # fmt: skip
        keys.add(InsideRomTask()._key(run))
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("step", "does"), [(InsideRomTask, "inside.inside"), (DrcRomTask, "rules.design_rules")]
)
def test_rows_and_numbers_of_a_tile_have_its_name(step, does, job, monkeypatch):
    row = CheckResult("antenna", "a", "1", 2, 0, "fail", "", "met3")
    found = ([row], {"sta_slow_setup_ns": 1.5}) if step is InsideRomTask else [row]
    monkeypatch.setattr(f"flow.stitching.{does}", lambda *_: found)
    monkeypatch.setattr(f"{step.__module__}.hard_tile", lambda *_: SimpleNamespace(name="rom"))
    (job.inputs["tile_rom"] / "layout.def").write_text("")
    done = step().work(job)
    assert done.checks == [dataclasses.replace(row, name="rom_antenna")]
    assert done.metrics == ({"rom_sta_slow_setup_ns": 1.5} if step is InsideRomTask else {})


@pytest.mark.flow
def test_the_tiles_rtl_says_what_the_golden_model_says(tmp_path, pdk_kit, cache):
    """With the ROMs that were read back from the layout; the control says something else."""
    kits = next((p for p in pdk_kit.path("cells").parents if p.name == "pdk"), None)
    if kits is None:
        pytest.skip("no kit is installed")
    cache.mkdir(exist_ok=True)
    (cache / "pdk").symlink_to(kits)
    args = ["build", "--model", "words", "--base", "nano", "--out", str(tmp_path), "--to", "rtlsim"]
    assert main(args) == 0
    result = json.loads((tmp_path / "words" / "result.json").read_text())
    rows = {c["name"]: c["status"] for c in result["checks"]}
    for name in ("quality", "floorplan", "readback", "rtlsim"):
        assert rows[name] == rows[f"{name}_control"] == "pass"
    assert rows.get("floorplan_straps", "not run") == "not run"
    assert len(result["text"]) == 3
    # The same model cut over two dies of the same base; nothing is compiled anew but the model.
    assert main([*args, "--chain", "2"]) == 0
    chained = json.loads((tmp_path / "words" / "result.json").read_text())
    rows = {c["name"]: (c["status"], c["detail"]) for c in chained["checks"]}
    for name in ("readback", "rtlsim"):
        assert rows[name][0] == rows[f"{name}_control"][0] == "pass"
    assert rows["readback"][1].startswith("each of 2 dies")
    assert chained["text"] == result["text"]
    assert {s["name"]: s["reused"] for s in chained["steps"]}["rtl_simulator"]
    for die in ("die0", "die1"):
        assert (tmp_path / "words" / "metal" / die / "chip.gds").is_file()
    _weight_is_under_its_marks(tmp_path / "words", "layers.1.down", 3, 4)
    _each_die_by_itself(tmp_path / "words", tmp_path, chained["text"][0][0])


def _each_die_by_itself(build, tmp_path, said):
    """As of a planned base, whose dies are too many for one program, with the ROMs as bits."""
    folders = {name: build / name for name in ("quantise", "compile", "rtl_simulator")}
    inputs = {**folders, "readback": tmp_path / "bits"}
    names = json.loads((folders["compile"] / "chip.json").read_text())["roms"]
    for die in ("die0", "die1"):
        words = [(build / "readback" / die / f"{name}.hex").read_text().split() for name in names]
        bits = np.array([[list(bytes.fromhex(word))[::-1] for word in rom] for rom in words], np.uint8)
        (inputs["readback"] / die).mkdir(parents=True)
        np.save(inputs["readback"] / die / BITS, bits)
    (scratch := tmp_path / "scratch").mkdir()
    config = make_config("words")
    one = SimpleNamespace(config=config, inputs=inputs, scratch=scratch, say=lambda text: None)
    done = ColumnReplayTask().work(one)
    assert [(row.name, row.status) for row in done.checks] == [
        ("replay", "pass"), ("replay_control", "pass"),
    ]  # fmt: skip
    assert "bytes of 2 dies, each in the golden model's cycle" in done.checks[0].detail
    assert (done.text, done.tokens_equal) == ([said], True)


def _weight_is_under_its_marks(build, name, output, source):
    """On the second die of the chain: a via of the built layout in each mark whose bit is 1."""
    chip, spots, _ = marked(build, f"{name}[{output},{source}]")
    assert {s.die for s in spots} == {1}
    (coded,) = QuantisedSource(build / "quantise" / "quantised.safetensors").coded(name, 4, output, 1).codes
    layout = kdb.Layout()
    layout.read(str(chip.layout))
    vias = layout.find_layer(69, 44)
    for s in spots:
        x, y = (round(v / layout.dbu) for v in (s.x, s.y))
        at = kdb.Box(x, y, x, y).enlarged(10)
        found = not kdb.RecursiveShapeIterator(layout, layout.top_cell(), vias, at, True).at_end()
        assert found == bool(int(coded[source]) >> s.bit & 1)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory):
    """What `quantise` leaves of `words` with an adapter, rounded to nearest."""
    from flow.quality import Request, run
    from flow.tasks.integer_model import ADAPTER, save_integer_model
    from flow.tasks.model import open_model
    from metal_configs.checkpoint import load
    from metal_configs.models import resolve

    folder = tmp_path_factory.mktemp("quantise")
    done = run(open_model(load(resolve("words"), "words")), Request("rtn", adapter=ING))
    done.model.save(folder / "quantised.safetensors")
    save_integer_model(done.integers, folder)
    done.adapter.save(folder / ADAPTER)
    return folder


def test_with_an_adapter_the_chip_has_room_for_it_and_the_host_loads_it(job, adapted):
    job.inputs["quantise"] = adapted
    found = CompileTask().work(job)
    assert found.metrics["program_instructions"] <= 512
    assert [b.rows for b in read_contents(job.out, 0)["program"]] == [found.metrics["program_instructions"]]
    job.inputs["compile"] = job.out
    loaded = (job.out / LOADED).read_bytes()
    assert 4352 < len(loaded) <= 2 * 128 * 32
    sent = request_bytes([Request([0], 0, 1, [1])], die_chip(job)[1])
    assert sent.startswith(loaded)
    assert len(sent) == len(loaded) + 7
    with_it = golden_model(adapted, 16).generate([0], beta=32, seed=1)
    (adapted / "adapter.safetensors").rename(job.scratch / "adapter.safetensors")
    without = golden_model(adapted, 16).generate([0], beta=32, seed=1)
    assert list(with_it) != list(without)
    CompileTask().work(job)
    assert (job.out / LOADED).read_bytes() == b""


@pytest.mark.parametrize(
    ("base", "adapter", "code", "says"),
    [
        ("slot", ING, ExitCode.USAGE, "dies of slot are planned, and take no adapter"),
        ("nano", Path("/none"), ExitCode.BAD_INPUT, "adapter_config.json"),
    ],
)
def test_adapters_that_a_build_cannot_take(base, adapter, code, says, tmp_path, capsys):
    call = ["build", "--model", "words", "--out", str(tmp_path), "--base", base, "--adapter", str(adapter)]
    assert main(call) == code
    assert says in capsys.readouterr().err
    assert not (tmp_path / "words").exists()


@pytest.mark.parametrize(
    ("base", "option", "says"),
    [
        ("slot", ("--chain", "2"), "the dies of this base are counted by its plan"),
        ("nano", ("--chain", "3"), "words has 2 layers, which cannot be cut for 3 dies"),
    ],
)
def test_chains_that_a_build_cannot_make(base, option, says, tmp_path, capsys):
    call = ["build", "--model", "words", "--out", str(tmp_path), "--base", base, *option]
    assert main(call) == ExitCode.USAGE
    assert says in capsys.readouterr().err
    assert not (tmp_path / "words").exists()
