"""Nothing that a command starts outlives it, however the command ends.

A command runs in three processes. The one that was started waits, and hands on requests to end. Its child,
the guard, ends all that is left when the first one or the third one has gone, also by kill -9. The third does
the work; steps and tools are below it. What loses its parent falls to the guard (Linux calls it a child
subreaper), which ends it too: the tools of a step that was killed. Should the guard itself be killed, the
first process does its part.
"""

__all__ = ["command_pid", "guarded"]

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable

from rtl_gen.errors import ExitCode

INTERRUPTED = 130
CRASHED = 70  # EX_SOFTWARE of sysexits.h: a fault of sc-flow itself
PATIENCE_S = 30.0  # for the work to end after the first request
LOOK_S = 0.5  # between two looks for processes that have lost their parent
ENDING_S = 10.0  # for killed processes to be gone
NAME = b"scf-guard"  # not the command's: `pkill -9 sc-flow` is to leave the guard, which then ends the rest
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END, STOP, GO = b"esc"
_PDEATHSIG, _SET_NAME, _SUBREAPER = 1, 15, 36  # of prctl
_first = 0


def command_pid() -> int:
    """The process that the user started and may end: this one, or the first of the three."""
    return _first or os.getpid()


def guarded(work: Callable[[], int]) -> int:
    """Run `work` in a process below this one; returns the exit status of the command.

    A request to end (SIGINT, SIGTERM, SIGHUP) is a KeyboardInterrupt in `work`. At a second one, or when the
    work has not ended within `PATIENCE_S`, all is killed, and the status is 130. That it was interrupted is
    said here, once.

    Beyond Linux `work` runs in this process.
    """
    if sys.platform != "linux":
        return _told(work())
    global _first
    _first = os.getpid()
    temp = _private_temp()
    sys.stdout.flush()
    sys.stderr.flush()
    _prctl(_SUBREAPER, 1)
    requests = [n for n in REQUESTS if signal.getsignal(n) is not signal.SIG_IGN]  # nohup, and jobs behind
    listen, tell = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, requests)
    guard = os.fork()
    if not guard:
        os.close(tell)
        return _guard(work, listen, requests, temp)
    os.close(listen)
    _forward(tell, requests)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, requests)
    _, status = os.waitpid(guard, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    _end_all(temp)
    return _killed(os.WTERMSIG(status))


def _private_temp() -> str:
    """A folder for temporary files of the command and its tools, which goes with them; "" if there is none.

    SiliconCompiler and Python's managers leave files there when they are killed, and others could lay links.
    """
    try:
        return tempfile.mkdtemp(prefix="sc-flow-")
    except OSError:
        return ""


def _forward(tell: int, requests: list[signal.Signals]) -> None:
    """Let this process hand on to the guard what it is told by signals."""

    def send(what: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(tell, bytes((what,)))

    def stop(number: int, _: object) -> None:
        send(STOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        send(GO)

    for number in requests:
        signal.signal(number, lambda number, _: send(END))
    if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, stop)


def _guard(work: Callable[[], int], listen: int, requests: list[signal.Signals], temp: str) -> int:
    """The second process; returns in the third alone."""
    os.setsid()  # Ctrl-C is for the first process; the work is told once, and its steps by it
    _prctl(_SUBREAPER, 1)
    me = os.getpid()
    worker = os.fork()
    if not worker:
        _prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(ExitCode.TOOL_FAILED)
        os.close(listen)
        if temp:
            os.environ["TMPDIR"] = tempfile.tempdir = temp
        return _work(work, requests)
    code = int(ExitCode.TOOL_FAILED)
    try:
        _rename()
        code = _Watch(worker, listen, requests).run()
    except Exception as e:
        code = CRASHED
        _say(f"error: internal error of the guard: {e!r}\n  All was ended; run the same command again.")
    finally:
        _end_all(temp)
        os._exit(code)


def _work(work: Callable[[], int], requests: list[signal.Signals]) -> int:
    """The third process: that of the command."""

    def interrupt(number: int, _: object) -> None:
        # One is enough: another would break off the orderly end. For those in a hurry the guard kills.
        _deaf(requests)
        raise KeyboardInterrupt

    def in_child() -> None:
        # A node of the flow is a fork of this process and sets its own handler while it works. Before and
        # after that a request ends it in silence: an interrupt in exit handlers would print a traceback.
        for n in requests:
            signal.signal(n, signal.SIG_DFL)

    os.register_at_fork(after_in_child=in_child)
    for n in requests:
        signal.signal(n, interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, requests)
    try:
        return work()
    finally:
        _deaf(requests)


def _deaf(requests: list[signal.Signals]) -> None:
    """Let requests do nothing; not by SIG_IGN, as Python complains of one that is on its way then."""
    for n in requests:
        signal.signal(n, lambda number, _: None)


class _Watch:
    """What the guard does while the work goes on."""

    def __init__(self, worker: int, listen: int, requests: list[signal.Signals]) -> None:
        self._worker, self._listen, self._requests = worker, listen, requests
        self._wake, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *requests):
            signal.signal(number, lambda number, _: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, requests)
        self._asked, self._deadline = 0, float("inf")
        self._lost: set[object] = set()

    def run(self) -> int:
        """Wait until the command has ended, or is to end at once; its exit status."""
        looked = time.monotonic()
        while True:
            ready, _, _ = select.select([self._listen, self._wake], [], [], LOOK_S)
            if self._wake in ready:
                for number in os.read(self._wake, 64):
                    if number in self._requests:
                        self._end()
            if self._listen in ready:
                told = os.read(self._listen, 64)
                if not told:  # the first process has gone
                    return INTERRUPTED
                for what in told:
                    self._take(what)
            if (status := self._reap()) is not None:
                if os.WIFEXITED(status):
                    return _told(os.WEXITSTATUS(status))
                number = os.WTERMSIG(status)
                # Python lets signals do what they do by default again while it ends: a late request kills.
                asked = self._asked or number in self._requests
                return _told(INTERRUPTED) if asked else _killed(number)
            if self._asked > 1 or time.monotonic() > self._deadline:
                return _told(INTERRUPTED)
            if time.monotonic() - looked >= LOOK_S:
                self._end_lost()
                looked = time.monotonic()

    def _take(self, what: int) -> None:
        if what == END:
            self._end()
        else:
            for p in _below():
                with contextlib.suppress(OSError):
                    os.kill(p.pid, signal.SIGSTOP if what == STOP else signal.SIGCONT)

    def _end(self) -> None:
        self._asked += 1
        if self._asked == 1:
            self._deadline = time.monotonic() + PATIENCE_S
            os.kill(self._worker, signal.SIGTERM)
            os.kill(self._worker, signal.SIGCONT)

    def _reap(self) -> int | None:
        """Take leave of ended children; the worker's status, if it is one of them."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == self._worker:
                return status
            if not pid:
                return None

    def _end_lost(self) -> None:
        """End what has lost its parent; at the second look, as what ends by itself may take a moment."""
        lost = {p for p in _below(recursive=False) if p.pid != self._worker}
        for p in lost & self._lost:
            for below in (p, *_below(p)):
                with contextlib.suppress(Exception):
                    below.kill()
        self._lost = lost


def _below(process=None, *, recursive: bool = True) -> list:  # type: ignore[no-untyped-def,type-arg]
    """Processes below one; below this one by default."""
    import psutil  # takes some time to import, while the work starts

    with contextlib.suppress(psutil.NoSuchProcess):
        return list((process or psutil.Process()).children(recursive=recursive))
    return []


def _end_all(temp: str) -> None:
    """Kill all below this process, again and again, as what is killed may have started more; clear `temp`."""
    deadline = time.monotonic() + ENDING_S
    while (left := _below()) and time.monotonic() < deadline:
        for p in left:
            with contextlib.suppress(Exception):
                p.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)
    if temp:
        shutil.rmtree(temp, ignore_errors=True)


def _told(code: int) -> int:
    if code == INTERRUPTED:
        _say("interrupted; run the same command again to go on where it stopped")
    return code


def _killed(number: int) -> int:
    name = signal.Signals(number).name
    _say(
        f"error: the command's process was killed ({name}), and all that it ran with it\n"
        "  Was there too little memory? Run the same command again: it goes on where it stopped."
    )
    return ExitCode.TOOL_FAILED


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"sc-flow: {text}\n".encode())


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _rename() -> None:
    """Let `ps`, `pkill` and `killall` see the guard under a name of its own."""
    _prctl(_SET_NAME, NAME)
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as f:
            start, end = (int(x) for x in f.read().rpartition(b")")[2].split()[45:47])
        if end > start:
            ctypes.memset(start, 0, end - start)
            ctypes.memmove(start, NAME, min(len(NAME), end - start - 1))
