"""Hardening that does not reach its end: what is told, how it goes on, and that an earlier artifact stays.

OpenROAD is a script here that answers for its version and then fails in the way that a test asks for.
"""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from siliconcompiler import NodeStatus
from siliconcompiler.scheduler import SchedulerNode

from base_chip.harden.artifact import FILES, Bindings
from flow.files import disk_faults
from flow.hardening.failure import RESUME, failure, first_error
from flow.hardening.graph import FIRST, make_project
from flow.hardening.openroad import MINIMUM, need_openroad
from flow.hardening.run import harden, replace_artifact
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tools import version_of
from tests.flow.test_hardening import pdk_files, sources
from tests.small_block import FACTS, small_block, smaller
from tests.small_liberty import small_liberty

BLOCK = small_block()
GOOD = "26Q3-1551-g5c9e487120"
ROOT = Path(__file__).parents[2]
RTL = "module scf_small(input clk, input a, output reg y); always @(posedge clk) y <= ~(y & a); endmodule\n"
WIDE = "module scf_small(input [399:0] a, output [399:0] y); assign y = ~a; endmodule\n"


@pytest.fixture
def openroad(tmp_path, monkeypatch):
    """Puts an `openroad` on PATH that says a version and then runs a line of shell."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")

    def put(does: str = "exit 0", says: str = GOOD) -> Path:
        version_of.cache_clear()
        path = bin_ / "openroad"
        path.write_text(f"#!/bin/sh\nif [ \"$1\" = -version ]; then echo '{says}'; exit 0; fi\n{does}\n")
        path.chmod(0o755)
        return path

    yield put
    version_of.cache_clear()


@pytest.fixture
def small_pdk(tmp_path, monkeypatch, fake_kit):
    """A kit of one cell, liberty of four, and rules: enough to come as far as OpenROAD."""
    fake_kit()
    (cells,) = (tmp_path / "cache").rglob("sky130_fd_sc_hd/cells")
    (cells / "inv").mkdir()
    p = "sky130_fd_sc_hd__"
    (cells / "inv" / f"{p}inv_1.lef").write_text(f"MACRO {p}inv_1\n  SIZE 1.38 BY 2.72 ;\nEND {p}inv_1\n")
    libs = tmp_path / "libs"
    libs.mkdir()
    for corner in FACTS.corners.values():
        (libs / f"{p}{corner.liberty}.lib").write_text(small_liberty())
        (libs / f"{corner.parasitics}.rules").write_text("rules\n")
    monkeypatch.setenv("SCF_LIBERTY_DIR", str(libs))


@pytest.fixture
def earlier(tmp_path):
    """The folder of an artifact that is there already, and what is in it."""
    out = tmp_path / "artifact"
    out.mkdir()
    (out / "manifest.json").write_text("earlier")
    return out


def contents(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in folder.iterdir()}


# -- the tool --------------------------------------------------------------------------


@pytest.mark.parametrize("says", [GOOD, MINIMUM, "v2.0-17598-ga008522d8", "1 v2.0-27801-g0d785bd84"])
def test_an_openroad_that_is_new_enough_is_taken(openroad, says):
    openroad(says=says)
    assert need_openroad() == says.split()[-1]


@pytest.mark.parametrize("says", ["24Q3-2010-g5c9e487120", "v2.0-17597-ga008522d8", "1 v2.0-880-gd1c7001ad"])
def test_one_that_is_too_old_is_refused_by_name(openroad, says):
    path = openroad(says=says)
    with pytest.raises(FlowError, match=f"openroad {says.split()[-1]} is too old.* {MINIMUM} or newer") as e:
        need_openroad()
    assert (e.value.code, e.value.where) == (ExitCode.MISSING_TOOL, str(path))
    assert "sc-install openroad" in e.value.hint


@pytest.mark.parametrize("says", ["a008522d8a", "1 08de3b46c71e329a10aa4e753dcfeba2ddf54ddd", "hello", ""])
def test_one_whose_version_says_nothing_is_refused(openroad, says):
    openroad(says=says)
    with pytest.raises(FlowError, match=f"version of openroad cannot be read.* {MINIMUM} or newer") as e:
        need_openroad()
    assert e.value.code == ExitCode.MISSING_TOOL


def test_without_one_the_message_says_what_can_be_done(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    version_of.cache_clear()
    with pytest.raises(FlowError, match="openroad is not installed") as e:
        harden(BLOCK, RTL, tmp_path / "work", tmp_path / "out", jobs=1, say=print)
    version_of.cache_clear()
    assert e.value.code == ExitCode.MISSING_TOOL
    for way in ("sc-install openroad", "`sc-flow build` takes the artifact", "--to synthesis"):
        assert way in e.value.hint
    assert list(tmp_path.iterdir()) == []


def test_nothing_runs_with_one_that_is_too_old(tmp_path, openroad, earlier):
    openroad("touch ran", "v2.0-880-gd1c7001ad")
    with pytest.raises(FlowError, match="too old"):
        harden(BLOCK, RTL, tmp_path / "work", earlier, jobs=1, say=print)
    assert not (tmp_path / "work").exists()
    assert contents(earlier) == {"manifest.json": "earlier"}


def test_the_minimum_is_what_siliconcompilers_tasks_ask_for(tmp_path, openroad):
    openroad()
    project = make_project(BLOCK, FACTS, pdk_files(tmp_path), sources(tmp_path), tmp_path, jobs=1)
    asked = set()
    for level in project.get_flow().get_execution_order():
        for step, index in level:
            node = SchedulerNode(project, step, index)
            with node.runtime():
                if node.setup() and node.task.tool() == "openroad":
                    asked.update(node.task.get("version"))
    assert asked == {f">={MINIMUM}"}


# -- half-way --------------------------------------------------------------------------

FAULTS = [
    ("echo '[ERROR IFP-0001] no rows.'; echo 'Error: x.tcl, 12'; exit 1", "[ERROR IFP-0001] no rows.", 5),
    ("echo '[ERROR IFP-0001] no rows.'; exit 0", "[ERROR IFP-0001] no rows.", 5),
    ("echo reading; exit 3", "exit status 3, last it said: reading", 5),
    ("echo reading; kill -9 $$", "the tool was ended by signal 9", 5),
    ("echo reading; kill -9 $PPID", "its process ended without a word", 5),
    ("echo fine; exit 0", "Expected output files are missing: ", 5),
    ("cat /dev/zero > /dev/full", "No space left on device", 6),
]


def test_a_node_that_fails_is_named_and_the_run_goes_on_from_it(tmp_path, openroad, small_pdk, earlier):
    work, mapped = tmp_path / "work", None
    node = work / "scf_small" / "harden" / "floorplan.init" / "0"
    for does, says, code in FAULTS:
        openroad(does)
        with pytest.raises(FlowError) as e:
            harden(BLOCK, RTL, work, earlier, jobs=1, say=print)
        told = e.value
        assert "node floorplan.init failed: " in told.what
        assert says in told.what
        assert told.code == code, does
        assert (code == ExitCode.OUTPUT) == ("disk is full" in told.what)
        assert Path(told.where).parent == node
        assert Path(told.where).read_text()
        assert told.hint.endswith(RESUME)
        assert contents(earlier) == {"manifest.json": "earlier"}
        # Synthesis, which has ended well, is not run again
        ended = (work / "scf_small" / "harden" / FIRST / "0" / "outputs" / "scf_small.vg").stat().st_mtime_ns
        assert mapped in (None, ended)
        mapped = ended


@pytest.mark.parametrize(
    ("block", "rtl", "says", "hint"),
    [
        (smaller(BLOCK), WIDE, r"tile small: \d+ um2 of cells are .* % of .* at most 85 %", "pitches"),
        (
            small_block((118.0, 62.56)),
            RTL,
            r"tile small: bank0.macro covers .* outside the core",
            "small.yaml",
        ),
    ],
    ids=["cells", "macro"],
)
def test_a_block_that_cannot_be_placed_says_what_to_change(
    tmp_path, openroad, small_pdk, earlier, block, rtl, says, hint
):
    openroad(f"touch {tmp_path}/ran")
    with pytest.raises(FlowError, match=says) as e:
        harden(block, rtl, tmp_path / "work", earlier, jobs=1, say=print)
    assert hint in e.value.hint
    assert e.value.code == ExitCode.BAD_INPUT
    assert not (tmp_path / "ran").exists()
    assert contents(earlier) == {"manifest.json": "earlier"}


def test_what_synthesis_says_is_told(tmp_path, openroad, small_pdk):
    openroad()
    rtl = "module scf_small(input a); nowhere x(a); endmodule\n"
    with pytest.raises(FlowError, match=r"Yosys failed: ERROR: .*nowhere") as e:
        harden(BLOCK, rtl, tmp_path / "work", tmp_path / "out", jobs=1, say=print)
    assert e.value.code == ExitCode.TOOL_FAILED


def test_errors_of_the_tool_go_before_what_is_made_of_them():
    tool = "fine\n[WARNING GRT-1] x\n[ERROR GRT-0244] Diode area is zero.\nError: a.tcl, 9 GRT-0244\n"
    own = "".join(
        f"| ERROR    | harden | route.global | 0 | {line}\n"
        for line in ("fine", "[ERROR GRT-0244] Diode area is zero.", "Halting route.global/0 due to errors.")
    )
    assert first_error(tool, own) == "[ERROR GRT-0244] Diode area is zero."
    noted = own + "| ERROR    | harden | route.global | 0 | [Errno 28] No space left on device\n"
    assert first_error("fine\n", noted) == "[ERROR GRT-0244] Diode area is zero."
    assert first_error("", "").startswith("its process ended")


def test_a_disk_that_is_full_is_told_even_when_no_log_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=4096))
    project = make_project(BLOCK, FACTS, pdk_files(tmp_path), sources(tmp_path), tmp_path, jobs=1)
    project.set("record", "status", NodeStatus.ERROR, step="place.global", index="0")
    (tmp_path / "place.global" / "0").mkdir(parents=True)
    told = failure(project, tmp_path, "Could not run final steps")
    assert "the disk is full: node place.global failed: its process ended without a word" in told.what
    assert told.code == ExitCode.OUTPUT


# -- the artifact ----------------------------------------------------------------------


def test_a_folder_that_holds_something_else_is_not_replaced(tmp_path, openroad, small_pdk, earlier):
    openroad(f"touch {tmp_path}/ran")
    (earlier / "thesis.tex").write_text("mine")
    with pytest.raises(FlowError, match=r"holds other files, such as thesis\.tex") as e:
        harden(BLOCK, RTL, tmp_path / "work", earlier, jobs=1, say=print)
    assert e.value.code == ExitCode.OUTPUT
    assert not (tmp_path / "work").exists()


def test_a_disk_that_is_full_as_the_artifact_is_written_leaves_the_earlier(earlier, monkeypatch):
    write, calls = Path.write_bytes, []

    def full(path, content):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    products, bindings = dict.fromkeys(FILES, b"x"), Bindings("", "", "", "")
    with pytest.raises(FlowError, match="the disk is full") as e, disk_faults(earlier):
        replace_artifact(earlier, products, bindings, {}, {})
    assert e.value.code == ExitCode.OUTPUT
    assert contents(earlier) == {"manifest.json": "earlier"}
    assert [p.name for p in earlier.parent.iterdir() if "artifact" in p.name] == ["artifact"]
    made = replace_artifact(earlier, products, bindings, {}, {})
    assert made.folder == earlier
    assert {p.name for p in earlier.iterdir()} == {"manifest.json", *(f"{name}.xz" for name in FILES)}


# -- ended from outside ----------------------------------------------------------------


WAITS = "echo $$ > started.part; mv started.part started; exec sleep 120"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("does", "number", "whole_group", "status"),
    [
        (WAITS, signal.SIGINT, True, 130),
        (WAITS, signal.SIGTERM, False, 130),
        (WAITS, signal.SIGKILL, False, -signal.SIGKILL),
        # SiliconCompiler asks for the version once more, before the first node
        (f"if [ -e asked ]; then {WAITS}; fi; touch asked; echo {GOOD}", signal.SIGINT, True, 130),
    ],
    ids=["Ctrl-C", "kill", "kill -9", "Ctrl-C before the first node"],
)
def test_a_run_that_is_ended_leaves_the_earlier_artifact(
    tmp_path, openroad, small_pdk, earlier, does, number, whole_group, status
):
    started, script = tmp_path / "started", openroad(does)
    if does != WAITS:
        script.write_text(f"#!/bin/sh\n{does}\n")
    script.write_text(
        script.read_text().replace("started", str(started)).replace("asked", f"{tmp_path}/asked")
    )
    rtl = tmp_path / "rtl.v"
    rtl.write_text(RTL)
    command = [sys.executable, "-m", "tests.harden_small", rtl, "base", "build", "small"]
    command += ["--work", tmp_path / "work", "--out", earlier]
    said = tmp_path / "stderr"
    with said.open("w") as stderr:
        run = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            # A shell lets jobs behind it ignore SIGINT, and so would a process that such a job starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not started.exists():
            assert run.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (os.killpg if whole_group else os.kill)(run.pid, number)
        assert run.wait(timeout=60) == status, said.read_text()
        if status == 130:
            assert "interrupted; run the same command again to go on where it stopped" in said.read_text()
            assert "Traceback" not in said.read_text()
        deadline = time.monotonic() + 10
        while alive(int(started.read_text())):  # OpenROAD
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert contents(earlier) == {"manifest.json": "earlier"}
    finally:
        if started.exists() and alive(tool := int(started.read_text())):
            os.kill(tool, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
