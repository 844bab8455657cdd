"""A small block with a bank goes through place and route as a base does, and its result through checks."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import klayout.db as kdb
import pytest

from base_chip.bank import BankSpec
from base_chip.bank.views import write_views
from base_chip.harden.artifact import FILES, Bindings, HardenedBase
from base_chip.harden.block import base_block
from base_chip.harden.cells import cell_lef
from base_chip.pdk import load_pdk
from base_chip.pdk.checks import load_checks
from base_chip.pdk.place_route import load_place_route
from flow.hardening.synthesis import CORNER
from flow.request import BuildConfig
from flow.tasks.base import BaseTask
from flow.tasks.equiv_routed import EquivRoutedTask
from flow.tasks.sta import StaTask
from flow.tasks.step import Job
from flow.tasks.wiring import stack_of
from signoff import antenna
from tests.tiny_base import TINY, tiny_verilog

pytestmark = pytest.mark.flow
ROOT = Path(__file__).parents[2]
PDK = load_pdk(TINY.pdk)
FACTS = load_place_route(PDK)
BANK = BankSpec.of(TINY.rom, TINY.pdk)
P = f"{FACTS.library}__"


@pytest.fixture(scope="module")
def folders(tmp_path_factory, pdk_kit):
    """Two artifacts of the base, each made from nothing by a process of its own, beside each other."""
    if shutil.which("openroad") is None:
        pytest.skip("no openroad on PATH")
    if CORNER not in pdk_kit.liberty or not pdk_kit.extraction:
        pytest.skip("no liberty or no extraction rules (SCF_LIBERTY_DIR or lambdapdk)")
    folder = tmp_path_factory.mktemp("tiny")
    rtl = folder / "rtl.v"
    rtl.write_text(tiny_verilog())
    runs = {}
    for name in ("first", "second"):
        command = [sys.executable, "-m", "tests.harden_tiny", rtl, "base", "build", "tiny", "--jobs", "1"]
        command += ["--work", folder / f"{name}.work", "--out", folder / name]
        with (folder / f"{name}.log").open("w") as log:
            runs[name] = subprocess.Popen(
                list(map(str, command)), cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
    for name, run in runs.items():
        assert run.wait() == 0, (folder / f"{name}.log").read_text()[-3000:]
    return [folder / name for name in runs]


@pytest.fixture(scope="module")
def artifact(folders):
    return HardenedBase.read(folders[0], "tiny")


@pytest.fixture
def job(artifact, tmp_path, pdk_kit, monkeypatch):
    """What the steps of a build get, with the tiny base for the one that they load."""
    monkeypatch.setattr("base_chip.config.load_base", lambda name: TINY)
    folders = {name: tmp_path / name for name in ("harden", "bank", "out", "scratch")}
    for folder in folders.values():
        folder.mkdir()
    for name in FILES:
        (folders["harden"] / name).write_bytes(artifact.content(name))
    write_views(BANK, folders["bank"])
    config = BuildConfig("m", "tiny", TINY.pdk)
    return Job(config, pdk_kit, folders, folders["out"], folders["scratch"], tmp_path, print)


def test_the_artifact_is_whole_and_says_what_it_is_of(artifact, kit_cells):
    assert artifact.routed
    block = base_block(TINY, FACTS)
    artifact.check(block, Bindings.now(block, tiny_verilog(), cell_lef(kit_cells, FACTS.library)))
    assert set(artifact.tools) == {"openroad", "yosys"}
    assert all(artifact.content(name) for name in FILES)


def test_it_is_routed_without_a_violation_and_in_time(artifact):
    steps = json.loads(artifact.content("reports.json"))["steps"]
    assert steps["route.detailed"]["drcs"] == 0
    last = steps["write.views"]
    assert last["setupslack"] > 0
    assert last["holdslack"] > 0
    assert last["unconstrained"] == 0
    assert 200 < last["cells"] < 3000


def test_the_layout_has_its_cells_its_bank_and_its_wires(job):
    BaseTask().work(job)
    layout = kdb.Layout()
    layout.read(str(job.out / "base.gds"))
    top = layout.top_cell()
    assert top.name == "scf_tiny"
    placed = [i for i in top.each_inst() if i.cell.name == BANK.name]
    assert [str(i.trans) for i in placed] == [f"r0 {x},{y}" for x, y in TINY.floorplan.banks_nm()]
    netlist = (job.inputs["harden"] / "lvs.v").read_text()
    wanted = re.findall(rf"^ *({P}\w+) ", netlist, re.M)
    drawn = [i.cell.name for i in top.each_inst() for _ in range(i.size()) if i.cell.name.startswith(P)]
    assert len(wanted) > 200
    assert sorted(drawn) == sorted(wanted)
    for metal in ("met1", "met2", "met3", "met4"):
        assert not kdb.Region(top.shapes(layout.layer(*PDK.layers[metal]))).is_empty(), metal


def test_no_gate_has_too_much_metal_on_it(job):
    BaseTask().work(job)
    layout = kdb.Layout()
    layout.read(str(job.out / "base.gds"))
    rules = {name: antenna.Rule(r.thickness, r.limit) for name, r in load_checks(PDK).antenna.items()}
    for row in antenna.run(layout, "scf_tiny", stack_of(PDK), rules):
        assert row.status == "pass", row


def test_it_computes_what_synthesis_gave(job):
    rows = EquivRoutedTask().work(job).checks
    assert len(rows) >= 2
    for row in rows:
        assert row.status == "pass", row


@pytest.mark.skipif(shutil.which("sta") is None, reason="no sta on PATH")
def test_it_is_in_time_in_every_corner(job):
    rows = StaTask().work(job).checks
    assert {r.name for r in rows} >= {f"sta_{corner}" for corner in FACTS.corners}
    for row in rows:
        assert row.status == "pass", row


def test_hardening_from_nothing_again_gives_the_same_bytes(folders):
    first, second = ({p.name: p.read_bytes() for p in folder.iterdir()} for folder in folders)
    assert set(first) == {"manifest.json", *(f"{name}.xz" for name in FILES)}
    assert first == second
