"""Builds on several dies as people run them: killed workers, killed runs, schedulers, damage, bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rtl_gen.errors import ExitCode, FlowError

pytestmark = pytest.mark.flow
MODEL = ("--model", "smollm2-135m", "--pdk", "sky130", "--base", "slot", "--synthetic-weights", "1")


def argv(out: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "flow.cli", "build", *MODEL, "--out", str(out), *args]


def run(out: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv(out, *args), capture_output=True, text=True, timeout=500, check=False)


def dies(out: Path) -> Path:
    return out / "smollm2_135m_slot_synthetic_1" / "dies"


def contents(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(dies(out).iterdir())}


def metrics(out: Path) -> dict[str, float]:
    return json.loads((dies(out).parent / "result.json").read_text())["metrics"]


def wait_for(what, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def built(tmp_path, fake_kit) -> Path:
    """Four dies by one worker, read back."""
    fake_kit()
    out = tmp_path / "one"
    done = run(out, "--dies", "0:4", "--jobs", "1", "--to", "readback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SYNTHETIC" in done.stdout
    return out


def workers(parent: int) -> list[psutil.Process]:
    """Processes of Dask's workers below a build."""
    found = []
    for p in psutil.Process(parent).children(recursive=True):
        try:
            if "spawn_main" in " ".join(p.cmdline()):
                found.append(p)
        except psutil.NoSuchProcess:
            continue
    return found


def test_killed_workers_and_killed_runs_lose_dies_in_flight_at_most(tmp_path, built):
    out = tmp_path / "two"
    build = subprocess.Popen(
        argv(out, "--dies", "0:4", "--to", "readback"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: list(dies(out).glob("die_*.json")) and workers(build.pid))
    workers(build.pid)[0].kill()
    said, _ = build.communicate(timeout=500)
    assert build.returncode == 0, said
    assert contents(out) == contents(built), "bytes depend on workers or on their deaths"

    third = tmp_path / "three"
    build = subprocess.Popen(
        argv(third, "--dies", "0:4", "--to", "metal", "--jobs", "1"), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    wait_for(lambda: len(list(dies(third).glob("die_*.json"))) >= 2)
    os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    finished = {p.name: p.stat().st_mtime_ns for p in dies(third).glob("die_*.json")}
    assert len(finished) >= 2
    again = run(third, "--dies", "0:4", "--to", "readback")
    assert again.returncode == 0, again.stdout + again.stderr
    assert metrics(third)["dies_kept"] >= len(finished)
    assert all((dies(third) / n).stat().st_mtime_ns == t for n, t in finished.items())
    assert contents(third) == contents(built)


def test_a_damaged_die_is_rebuilt_alone_and_more_dies_are_added(built):
    before = contents(built)
    (dies(built) / "die_0002.oas").write_bytes(b"damaged")
    again = run(built, "--dies", "0:5", "--to", "readback")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "die_0002.oas is damaged" in again.stdout
    assert metrics(built)["dies_kept"] == 3
    after = contents(built)
    assert {n: after[n] for n in before} == before


def test_a_scheduler_that_is_there_and_one_that_is_not(tmp_path, built):
    from distributed import LocalCluster

    gone = run(built, "--dies", "0:4", "--scheduler", "tcp://127.0.0.1:9", "--to", "metal")
    assert gone.returncode == 5
    assert "tcp://127.0.0.1:9: the scheduler does not answer" in gone.stderr
    assert len(contents(built)) == 8
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        out = tmp_path / "remote"
        done = run(out, "--dies", "1:3", "--scheduler", cluster.scheduler_address, "--to", "readback")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {n: b for n, b in contents(built).items() if n[5:8] in ("001", "002")} | contents(out) == {
        n: b for n, b in contents(built).items() if n[5:8] in ("001", "002")
    }


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((*MODEL, "--dies", "295:297"), 2, "the plan has 296: 0 to 295"),
        ((*MODEL, "--dies", "x"), 2, "expected FIRST:STOP"),
        ((*MODEL[:-2],), 2, "--synthetic-weights SEED"),
        (("--model", "llama3.1-8b", "--pdk", "sky130"), 2, "--synthetic-weights SEED"),
        (("--model", "words", "--dies", "0:1"), 2, "for dies of several columns"),
        ((*MODEL, "--scheduler", "nonsense://x"), 2, "not a scheduler's address"),
    ],
)
def test_bad_input(tmp_path, fake_kit, args, code, says):
    fake_kit()
    done = subprocess.run(
        [sys.executable, "-m", "flow.cli", "build", *args, "--out", str(tmp_path / "o"), "--to", "metal"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if args[:2] == ("--model", "llama3.1-8b"):
        assert "rom tiles for its bits alone" in done.stdout, "the plan comes first"


def test_a_full_disk_is_said_and_finished_dies_stay(tmp_path, fake_kit):
    """A limit on the size of files stands for the disk: the GDS of a die is larger, all else smaller."""
    import resource

    fake_kit()
    asked = (tmp_path / "one", "--gds", "--to", "metal")
    done = run(*asked, "--dies", "0:2")
    assert done.returncode == 0, done.stdout + done.stderr
    before = contents(tmp_path / "one")
    assert len(before) == 6
    small = (2_000_000, 2_000_000)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, small)

    done = subprocess.run(
        argv(*asked, "--dies", "0:3"), capture_output=True, text=True, timeout=300, check=False,
        preexec_fn=limit,
    )  # fmt: skip
    assert done.returncode == 6, done.stdout + done.stderr
    assert "die_0002.gds: cannot write the die's GDSII" in done.stderr
    after = contents(tmp_path / "one")
    assert {name: after[name] for name in before} == before
    assert "die_0002.json" not in after


def eat(job: object) -> dict[str, object]:
    """A task that takes more and more memory, as fast as a worker's watcher can see."""
    held = []
    for _ in range(200):
        held.append(bytes(bytearray(10 << 20)))
        time.sleep(0.02)
    return {"die": 0}


def test_workers_out_of_memory_are_said_and_do_not_hang(tmp_path, monkeypatch):
    import flow.cluster as cluster

    monkeypatch.setattr(cluster, "MEMORY", 400 << 20)
    with cluster.connected("", 1, tmp_path) as client, pytest.raises(FlowError) as e:
        list(cluster.run_all(client, eat, [0], lambda j: "die 0"))
    assert "die 0: its workers were ended, one after the other" in str(e.value)
    assert "Finished dies are kept" in str(e.value)
    assert e.value.code == ExitCode.TOOL_FAILED


STANDS_FOR_SRUN = """#!/bin/bash
echo "$@" >> "$0.calls"
while [ $# -gt 1 ]; do
    case $1 in
        --chdir) cd "$2"; shift 2 ;;
        --output) out=$2; shift 2 ;;
        *) shift 2 ;;
    esac
done
exec "$1" > "$out" 2>&1
"""


def test_a_step_goes_to_slurm_by_siliconcompilers_setting(tmp_path, monkeypatch, fake_kit):
    """What the documentation says, with scripts in place of Slurm's two commands."""
    from base_chip.pdk import load_pdk
    from flow.chain.config import make_chain_config, plan_of
    from flow.closure import Sources
    from flow.graph import CHAIN_STEPS, make_project
    from flow.pdk.providers import find_pdk
    from flow.request import Run
    from flow.tasks.chain.plan import PlanTask

    fake_kit()
    plan = plan_of("smollm2-135m", "sky130", "slot", None)
    config = make_chain_config("smollm2-135m", plan, synthetic=1, dies="0:1")
    build = tmp_path / config.model
    build.mkdir()
    closures = Sources().of_classes({"plan": PlanTask})
    run_ = Run(config, find_pdk(load_pdk("sky130")), build, closures)
    run_.save()
    project = make_project(CHAIN_STEPS, run_, to="plan", jobs=1)
    project.option.scheduler.set_name("slurm", step="plan", index="0")
    project.option.scheduler.set_queue("long", step="plan", index="0")
    with pytest.raises(RuntimeError, match="slurm is not available"):
        project.run()
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sinfo", "#!/bin/sh\n"), ("srun", STANDS_FOR_SRUN)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    # The script on the node takes the first python3 of PATH, as an activated environment has it.
    monkeypatch.setenv("PATH", f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    project.run()
    assert (commands / "srun.calls").read_text().startswith("--partition long --chdir ")
    assert json.loads((build / "plan" / "plan.json").read_text())["base"] == "slot"


def test_a_quantised_file_that_is_of_another_model_or_given_twice(tmp_path, fake_kit):
    import numpy as np

    from rtl_gen.golden.quantised import QuantMatrix, QuantModel
    from rtl_gen.golden.shape import Shape

    fake_kit()
    shape = Shape(dim=8, layers=1, heads=1, kv_heads=1, head_dim=8, hidden=8, vocab=8, context=8)
    matrices = {n: QuantMatrix(4, np.zeros(s, np.int8), np.ones(s[0])) for n, s in shape.matrices().items()}
    file = tmp_path / "q.safetensors"
    QuantModel("m", shape, matrices, np.ones(8)).save(file)
    for args, says in (
        (MODEL[:-2], "dim is 8, smollm2-135m has 576"),
        (MODEL, "dim is 8"),
        (("--model", "words"), "dim is 8, words has 32"),
    ):
        command = [sys.executable, "-m", "flow.cli", "build", *args, "--quantised", str(file)]
        done = subprocess.run(
            [*command, "--out", str(tmp_path)],
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert says in done.stderr
        assert "Traceback" not in done.stderr
