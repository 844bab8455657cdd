"""Runs the nodes of a SiliconCompiler graph: a run ends however they end, and a file has their complaints."""

__all__ = ["COMPLAINTS", "run_nodes"]

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from logging.handlers import QueueListener
from pathlib import Path
from typing import Any

from siliconcompiler.scheduler import taskscheduler

from flow.files import disk_faults

COMPLAINTS = ".stderr.log"  # its name, in the folder of the run
DRAIN_S = 10.0  # for messages that are on their way when the last node has ended
_file: int | None = None


def run_nodes(project: Any, folder: Path) -> Any:
    """Let SiliconCompiler run a project's nodes; returns the project as the run left it.

    Args:
        project: SiliconCompiler's.
        folder: Of the run, which gets `COMPLAINTS`.

    Raises:
        RuntimeError: Not all nodes ended well.
        KeyboardInterrupt: The run was interrupted.
    """
    with _stderr_of_children(folder / COMPLAINTS):
        try:
            return project.run()
        except SystemExit:
            # How SiliconCompiler ends a run that was interrupted, after it has ended the nodes.
            raise KeyboardInterrupt from None


def _redirect() -> None:
    if _file is not None:
        os.dup2(_file, 2)


os.register_at_fork(after_in_child=_redirect)


@contextlib.contextmanager
def _stderr_of_children(path: Path) -> Iterator[None]:
    """Let what is forked within the block write its standard error to a file, which is new.

    A node that cannot even write its first file prints a traceback, as Python does for any process that
    ends so.
    """
    global _file
    with disk_faults(path.parent):
        path.unlink(missing_ok=True)
        _file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
    try:
        yield
    finally:
        os.close(_file)
        _file = None


class NodeListener(QueueListener):
    """Takes messages of nodes from their queue, whose lock a killed node may have held.

    With multiprocessing's own lock everything that logs would then wait forever: the nodes beside it as they
    end, those after it, and `stop`.
    """

    queue: Any  # multiprocessing's

    def __init__(self, queue: Any, *handlers: Any) -> None:
        super().__init__(queue, *handlers)
        queue._wlock = _FileLock()  # taken over by each process at its first message; none has logged yet

    def dequeue(self, block: bool) -> Any:
        """The next message; None, which ends this, when they can no longer be read."""
        try:
            return super().dequeue(block)
        except Exception:
            # One was cut off. Nodes that go on must not wait for room, so what they send is dropped.
            with contextlib.suppress(OSError):
                while os.read(self.queue._reader.fileno(), 1 << 16):
                    pass
            return None

    def stop(self) -> None:
        """Wait for the messages that are left, but not for the rest of one that was cut off."""
        self.enqueue_sentinel()
        if self._thread is not None:
            self._thread.join(DRAIN_S)
            self._thread = None


class _FileLock:
    """A lock among processes, for one thread of each: the kernel gives it back when its holder dies."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  as long as the lock

    def acquire(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)


# SiliconCompiler has no other way to give it one
taskscheduler.QueueListener = NodeListener
