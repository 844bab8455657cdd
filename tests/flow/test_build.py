"""The graph under SiliconCompiler: reuse, failure, kill and resume, and what result.json says."""

import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.kill_build import kill_often, products

# Each test starts several builds, of which each costs a second or two of SiliconCompiler's own start.
pytestmark = pytest.mark.flow


def rows(demo) -> dict[str, dict]:
    return {s["name"]: s for s in json.loads((demo.build / "result.json").read_text())["steps"]}


def statuses(demo) -> dict[str, str]:
    return {name: s["status"] for name, s in rows(demo).items()}


def ok(run: subprocess.CompletedProcess) -> None:
    assert run.returncode == 0, run.stdout + run.stderr


def wait_for(what, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def test_unchanged_steps_are_reused_and_changed_ones_run(demo):
    ok(demo("--prompt", "xy"))
    assert sorted(demo.ran()) == ["a", "b", "c", "check", "end"]
    result = json.loads((demo.build / "result.json").read_text())
    assert result["model"] == "demo"
    assert result["checks"] == [
        {
            "name": "check",
            "tool": "demo",
            "version": "1.0",
            "count": 0,
            "limit": 0,
            "status": "pass",
            "reason": "",
            "detail": "",
            "waived": 0,
            "evidence": ["check/evidence/tool.log"],
        }
    ]
    assert result["text"] == ["hello"]
    assert result["tokens_equal"] is True
    assert result["metrics"] == {"a_um2": 1.5}

    second = demo("--prompt", "xy")
    ok(second)
    assert demo.ran() == ["end"]  # it is never kept
    assert rows(demo)["a"]["reused"] is True
    assert "reused" in second.stdout

    # `a` changes, but what it hands to `check` does not: the work stops at `b`.
    ok(demo("--prompt", "xz"))
    assert demo.ran() == ["a", "b", "end"]

    ok(demo("--prompt", "xz", "--from", "b"))
    assert demo.ran() == ["b", "check", "end"]

    ok(demo("--prompt", "xz", "--to", "b"))
    assert demo.ran() == []
    assert statuses(demo) == {"a": "done", "b": "done", "check": "not run", "c": "not run", "end": "not run"}


def test_outputs_are_published_and_the_same_in_every_run(demo):
    ok(demo())
    first = {p: p.read_bytes() for p in demo.build.glob("[abc]/**/*") if p.is_file()}
    assert demo.build / "a" / "deep" / "a.txt" in first
    ok(demo("--from", "a"))
    assert {p: p.read_bytes() for p in first} == first


@pytest.mark.parametrize("model", ["4c0d1e2f", "Llama-3.1-8B", "_x.y-z"])
@pytest.mark.parametrize("place", ["out", "a b \u00e9'$HOME[1]{2};#%"])
def test_any_name_and_any_place(demo, tmp_path, model, place):
    demo.out = tmp_path / place
    demo.build = demo.out / model
    ok(demo("--model", model))
    assert statuses(demo) == dict.fromkeys(("a", "b", "c", "check", "end"), "done")
    assert (demo.build / "b" / "b.txt").read_text() == "x"
    ok(demo("--model", model))
    assert rows(demo)["check"]["reused"] is True


def test_a_model_of_the_same_name_from_elsewhere_is_refused(demo):
    ok(demo("--model-path", "/there/demo"))
    before = (demo.build / "result.json").read_bytes()
    second = demo("--model-path", "/here/demo")
    assert second.returncode == 6
    assert "holds results of another model of this name: /there/demo" in second.stderr
    assert (demo.build / "result.json").read_bytes() == before


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        ("error", 5, "the demo fails"),
        ("outside", 3, "step b: it imports signoff.antenna, which its key does not cover"),
        ("crash", 70, "internal error: ZeroDivisionError"),
        ("die", 5, "ended without a result"),
        ("die logging", 5, "ended without a result"),
        ("full", 6, "the disk is full"),
    ],
)
def test_a_step_that_fails_leaves_the_others_and_says_so_once(demo, how, code, says):
    run = demo(DEMO_b=how)
    assert run.returncode == code
    assert says in run.stderr
    assert run.stderr.count("sc-flow: error:") == 1
    assert "Traceback" not in run.stdout + run.stderr
    assert statuses(demo) == {
        "a": "done",
        "b": "failed",
        "check": "not run",
        "c": "done",
        "end": "not run",
    }
    result = json.loads((demo.build / "result.json").read_text())
    assert result["checks"][0]["status"] == "not run"
    assert result["tokens_equal"] is False
    assert not (demo.build / "b").exists()


def test_a_failure_keeps_earlier_outputs_and_is_mended_by_the_next_run(demo):
    ok(demo("--to", "b"))
    earlier = (demo.build / "b" / "b.txt").read_bytes()
    assert demo("--prompt", "new", DEMO_b="error").returncode == 5
    assert (demo.build / "b" / "b.txt").read_bytes() == earlier
    demo.ran()
    ok(demo("--prompt", "new"))
    assert demo.ran() == ["b", "check", "end"]


def test_a_failed_check_is_exit_1_and_is_not_remembered(demo):
    run = demo(DEMO_CHECK="fail")
    assert run.returncode == 1
    assert statuses(demo)["check"] == "failed"
    assert statuses(demo)["end"] == "not run"
    demo.ran()
    ok(demo())
    assert demo.ran() == ["check", "end"]


def test_not_run_fails_a_strict_build_and_is_never_shown_as_pass(demo):
    run = demo(DEMO_CHECK="not run")
    ok(run)
    row = next(line for line in run.stdout.splitlines() if "demo 1.0" in line)
    assert "not run" in row
    assert "pass" not in row
    assert statuses(demo)["check"] == "not run"
    assert demo("--strict", DEMO_CHECK="not run").returncode == 1


def test_waived_passes_but_is_looked_at_again(demo):
    ok(demo("--strict", DEMO_CHECK="waived"))
    demo.ran()
    ok(demo(DEMO_CHECK="waived"))
    assert "check" in demo.ran()


def test_a_killed_build_resumes_and_its_steps_are_gone(demo):
    process = demo.start(DEMO_SLEEP_b="120")
    wait_for(lambda: demo.log.exists() and "b start" in demo.log.read_text())
    wait_for(lambda: "c end" in demo.log.read_text())
    step = int(next(x for x in demo.log.read_text().splitlines() if x.startswith("b start")).split()[2])

    second = demo()
    assert second.returncode == 6
    assert f"process {process.pid}" in second.stderr

    below = psutil.Process(process.pid).children(recursive=True)
    assert step in [p.pid for p in below]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(_alive(p.pid) for p in below), 10)  # SiliconCompiler's manager is one of them
    assert not (demo.build / "result.json").exists()
    assert not (demo.build / "b").exists()
    process.communicate()
    demo.ran()
    ok(demo())
    assert demo.ran() == ["b", "check", "end"]


def _alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 2])
def test_an_interrupt_is_130_and_one_line(demo, number, times):
    process = demo.start(DEMO_SLEEP_a="120")
    wait_for(lambda: demo.log.exists() and "a start" in demo.log.read_text())
    below = psutil.Process(process.pid).children(recursive=True)
    for _ in range(times):
        os.kill(process.pid, number)
        time.sleep(0.1)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == "sc-flow: interrupted; run the same command again to go on where it stopped"
    assert not any(_alive(p.pid) for p in below)
    assert "Traceback" not in out + err


def test_a_damaged_cache_entry_is_rebuilt_with_a_warning(demo, cache):
    ok(demo())
    demo.ran()
    for blob in (cache / "blobs").iterdir():
        blob.write_bytes(b"junk")
    run = demo()
    ok(run)
    assert sorted(demo.ran()) == ["a", "b", "c", "check", "end"]
    assert run.stdout.count("warning: damaged cache entry") == 4
    ok(demo())
    assert demo.ran() == ["end"]


def test_an_early_failure_keeps_the_previous_result(demo, cache):
    ok(demo())
    before = (demo.build / "result.json").read_bytes()
    kit = next((cache / "pdk").iterdir())
    next(kit.rglob("*.tech")).write_text("damaged")
    run = demo()
    assert run.returncode == 3
    assert "damaged kit" in run.stderr
    assert "sc-flow pdk install sky130" in run.stderr
    assert (demo.build / "result.json").read_bytes() == before
    assert demo("--to", "nonsense").returncode == 2
    assert (demo.build / "result.json").read_bytes() == before


def one_message(run: subprocess.CompletedProcess, code: int) -> None:
    assert run.returncode == code, run.stderr
    assert re.fullmatch(r"sc-flow: error: [^\n]+\n(  [^\n]+\n)+", run.stderr), run.stderr
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize("most", [1000, 20_000, 60_000])
def test_a_limit_on_file_sizes_is_one_message(demo, most):
    limit = (resource.RLIMIT_FSIZE, (most, most))
    run = subprocess.run(
        demo._argv(()), env=demo._env({}), capture_output=True, text=True, timeout=120,
        preexec_fn=lambda: resource.setrlimit(*limit),
    )  # fmt: skip
    one_message(run, 6)


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a file system of so many KiB."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(kib: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("only root can mount a small disk")
        return place

    yield mount
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)


@pytest.mark.parametrize("kib", [4, 600, 900, 1300])
def test_a_full_disk_is_one_message_wherever_it_is_met(demo, small_disk, kib):
    demo.out = small_disk(kib) / "out"
    one_message(demo(), 6)


def test_a_full_cache_is_one_message(demo, cache, small_disk, tmp_path):
    full = small_disk(200)
    shutil.copytree(cache, full / "cache")
    with (full / "rest").open("wb", buffering=0) as f, contextlib.suppress(OSError):
        for _ in range(50):
            f.write(bytes(4096))
    one_message(demo(SCF_CACHE=str(full / "cache")), 6)
    shutil.rmtree(full / "cache" / "steps", ignore_errors=True)
    ok(demo())


def test_20_kills_leave_nothing_and_the_bytes_are_the_same(demo, tmp_path, cache):
    slow = {f"DEMO_SLEEP_{step}": "0.3" for step in ("a", "b", "c", "check", "end")}
    draw = random.Random(1)
    moments = [draw.uniform(0.2, 3.5) for _ in range(20)]
    killed, ran, left = kill_often(demo._argv(("--prompt", "xy")), demo._env(slow), moments)
    assert killed >= 10  # the others had ended
    assert ran
    assert left == []
    ok(demo("--prompt", "xy"))
    again = products(demo.build)
    demo.out, demo.build = tmp_path / "alone", tmp_path / "alone" / "demo"
    shutil.copytree(cache / "pdk", tmp_path / "other" / "pdk")
    ok(demo("--prompt", "xy", SCF_CACHE=str(tmp_path / "other")))
    assert products(demo.build) == again
    assert {n.partition("/")[0] for n in again} >= {"a", "b", "c"}
