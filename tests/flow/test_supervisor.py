"""Nothing outlives a command, whoever is killed; here a step has a tool, in a session of its own."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="child subreapers are of Linux")

SCRIPT = """
import os, signal, subprocess, sys, tempfile, time
from flow.supervisor import guarded

def work():
    try:  # from here on, as the step may tell of itself before this process goes on
        step = os.fork()
        if step == 0:
            tool = subprocess.Popen(["sh", "-c", "sleep 300 & sleep 300"], start_new_session=True)
            print(os.getppid(), os.getpid(), tool.pid, tempfile.mkdtemp(), flush=True)
            tool.wait()
            os._exit(0)
        os.waitpid(step, 0)
        time.sleep(300)  # other steps go on
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        if "stubborn" in sys.argv:
            time.sleep(300)
        return 130
    return 0

sys.exit(guarded(work))
"""


@dataclass
class Tree:
    """A running command: its three processes, a step and the step's tool."""

    process: subprocess.Popen
    tag: str
    guard: int
    worker: int
    step: int
    tool: int
    temp: Path

    def left(self) -> list[int]:
        """Processes that carry the mark in their environment."""
        found = []
        for p in psutil.process_iter():
            try:
                if p.environ().get("GUARD_TEST") == self.tag and p.status() != psutil.STATUS_ZOMBIE:
                    found.append(p.pid)
            except psutil.Error:
                continue
        return found

    def gone(self, pid: int, seconds: float = 10) -> bool:
        return within(seconds, lambda: pid not in self.left())

    def all_gone(self, seconds: float = 10) -> bool:
        """No process, and no temporary file."""
        return within(seconds, lambda: not self.left() and not self.temp.exists())


def within(seconds: float, what) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def start(*args: str, hangup=signal.SIG_DFL, **how) -> Tree:
    def signals() -> None:
        # A shell lets jobs behind it ignore SIGINT, and so would a process that such a job starts.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, hangup)

    tag = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *args],
        env=os.environ | {"GUARD_TEST": tag},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=signals,
        **how,
    )
    told = process.stdout.readline().split()
    worker, step, tool = (int(x) for x in told[:3])
    temp = Path(told[3]).parent
    assert temp.name.startswith("sc-flow-")
    assert temp.stat().st_mode & 0o777 == 0o700
    tree = Tree(process, tag, psutil.Process(worker).ppid(), worker, step, tool, temp)
    # A program that has just begun has no environment yet for a moment, and would be overlooked.
    assert within(10, lambda: tool in tree.left())
    return tree


@pytest.fixture
def tree() -> Iterator[Tree]:
    t = start()
    yield t
    for pid in t.left():
        os.kill(pid, signal.SIGKILL)
    t.process.communicate()


@pytest.mark.parametrize(("victim", "code"), [("first", -9), ("guard", 5), ("worker", 5)])
def test_kill_9_leaves_nothing(tree, victim, code):
    assert within(10, lambda: len(tree.left()) >= 6)
    os.kill(tree.process.pid if victim == "first" else getattr(tree, victim), signal.SIGKILL)
    _, err = tree.process.communicate(timeout=20)
    assert tree.process.returncode == code
    assert tree.all_gone()
    assert "Traceback" not in err
    assert err.count("error:") == (0 if victim == "first" else 1)
    assert code < 0 or "was killed (SIGKILL)" in err


def test_the_tools_of_a_killed_step_end_while_the_command_goes_on(tree):
    os.kill(tree.step, signal.SIGKILL)
    assert tree.gone(tree.tool)
    assert within(10, lambda: set(tree.left()) == {tree.process.pid, tree.guard, tree.worker})
    assert tree.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whom", ["first", "guard", "worker"])
def test_a_request_to_end_is_130_and_leaves_nothing(tree, number, whom):
    os.kill(tree.process.pid if whom == "first" else getattr(tree, whom), number)
    out, err = tree.process.communicate(timeout=20)
    assert (tree.process.returncode, out, err.count("sc-flow: interrupted;")) == (130, "interrupted\n", 1)
    assert tree.all_gone()


def test_a_second_request_ends_at_once():
    tree = start("stubborn")
    os.kill(tree.process.pid, signal.SIGINT)
    assert tree.process.stdout.readline() == "interrupted\n"
    os.kill(tree.process.pid, signal.SIGINT)
    _, err = tree.process.communicate(timeout=20)
    assert tree.process.returncode == 130
    assert err.startswith("sc-flow: interrupted;")
    assert tree.all_gone()


def test_many_requests_at_once_are_130_without_a_traceback(tree):
    for _ in range(5):
        os.kill(tree.worker, signal.SIGINT)
        os.kill(tree.process.pid, signal.SIGINT)
    _, err = tree.process.communicate(timeout=20)
    assert tree.process.returncode == 130
    assert "Traceback" not in err
    assert tree.all_gone()


def test_a_request_that_meets_the_work_while_python_ends_is_130(monkeypatch):
    late = """        if "late" in sys.argv:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
"""
    before = '        if "stubborn"'
    monkeypatch.setattr(sys.modules[__name__], "SCRIPT", SCRIPT.replace(before, late + before))
    tree = start("late")
    os.kill(tree.worker, signal.SIGINT)
    out, err = tree.process.communicate(timeout=20)
    assert (tree.process.returncode, out, err.count("sc-flow: interrupted;")) == (130, "interrupted\n", 1)
    assert tree.all_gone()


def test_work_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(
        sys.modules[__name__], "SCRIPT", "import flow.supervisor\nflow.supervisor.PATIENCE_S = 1\n" + SCRIPT
    )
    tree = start("stubborn")
    os.kill(tree.process.pid, signal.SIGTERM)
    _, err = tree.process.communicate(timeout=20)
    assert (tree.process.returncode, err.count("\n")) == (130, 1)
    assert tree.all_gone()


def test_the_end_of_a_session_and_a_kill_by_name_leave_nothing():
    tree = start(start_new_session=True)
    os.killpg(tree.process.pid, signal.SIGKILL)
    tree.process.communicate()
    assert tree.all_gone()

    tree = start()
    assert psutil.Process(tree.guard).name() == "scf-guard"
    assert "flow.supervisor" not in " ".join(psutil.Process(tree.guard).cmdline())
    for pid in (tree.process.pid, tree.worker, tree.step):  # what `pkill -9 -f` of the command's name meets
        os.kill(pid, signal.SIGKILL)
    tree.process.communicate()
    assert tree.all_gone()


def test_nohup_is_kept():
    tree = start(hangup=signal.SIG_IGN)
    os.kill(tree.process.pid, signal.SIGHUP)
    time.sleep(0.5)
    assert tree.process.poll() is None
    os.kill(tree.process.pid, signal.SIGTERM)
    tree.process.communicate(timeout=20)
    assert tree.process.returncode == 130
    assert tree.all_gone()


def test_a_stop_holds_all_and_a_continue_lets_them_go_on(tree):
    def states() -> set[str]:
        return {psutil.Process(p).status() for p in tree.left() if p != tree.guard}

    os.kill(tree.process.pid, signal.SIGTSTP)
    assert within(10, lambda: states() == {psutil.STATUS_STOPPED})
    os.kill(tree.process.pid, signal.SIGCONT)
    assert within(10, lambda: psutil.STATUS_STOPPED not in states())
    os.kill(tree.process.pid, signal.SIGTERM)
    assert tree.process.wait(20) == 130
    assert tree.all_gone()


def test_only_the_command_itself_turns_a_request_to_end_into_an_interrupt():
    """A step is a fork of the command: raised in its exit handlers an interrupt would print a traceback."""
    script = (
        "import os, signal, sys\n"
        "from flow.supervisor import guarded\n"
        "def work():\n"
        "    assert callable(signal.getsignal(signal.SIGTERM))\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os._exit(0 if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL else 1)\n"
        "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
        "sys.exit(guarded(work))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
