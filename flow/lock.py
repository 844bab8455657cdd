"""One build per folder at a time, and one model for ever."""

__all__ = ["build_lock", "claim"]

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from flow.files import atomic_write, disk_faults, make_folder
from flow.supervisor import ENDING_S, command_pid
from rtl_gen.errors import ExitCode, FlowError


@contextlib.contextmanager
def build_lock(build: Path) -> Iterator[None]:
    """Hold the folder's lock, creating the folder.

    The lock is the kernel's: it goes with the process, however that ends, and is not handed to the
    processes of the steps.

    Raises:
        FlowError: When another build holds it, naming that process, or the folder cannot be written.
    """
    path = build / ".lock"
    with disk_faults(build):
        make_folder(build)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        deadline = time.monotonic() + ENDING_S
        while (pid := _holder(fd)) is not None:
            # A command that was killed holds the folder until its guard has ended what it left.
            if pid.isdigit() and not psutil.pid_exists(int(pid)) and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            raise FlowError(
                f"another build (process {pid or 'unknown'}) is using this folder",
                where=str(build),
                hint="Wait for it to end, or choose another folder with --out.",
                code=ExitCode.OUTPUT,
            )
        with disk_faults(build):
            os.truncate(fd, 0)
            os.pwrite(fd, f"{command_pid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def _holder(fd: int) -> str | None:
    """Take the lock and return None, or name the process that holds it."""
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return os.pread(fd, 20, 0).decode("ascii", "replace").strip()
    return None


def claim(folder: Path, path: str, digest: str) -> None:
    """Keep a folder for the results of one model: another of the same name must not take its place unseen.

    Args:
        folder: That exists.
        path: Where the model lies; empty if it lies nowhere.
        digest: Of its content.

    Raises:
        FlowError: Results of a model that lay elsewhere and was another are in it.
    """
    file = folder / ".model.json"
    try:
        held = json.loads(file.read_bytes())
        other = str(held["path"]) if held["path"] != path and held["digest"] != digest else None
    except (OSError, ValueError, TypeError, KeyError):
        other = None
    if other is not None:
        raise FlowError(
            f"holds results of another model of this name: {other or 'synthetic weights'}",
            where=str(folder),
            hint=f"Choose another folder with --out for {path or 'this one'}, or remove that one.",
            code=ExitCode.OUTPUT,
        )
    with disk_faults(folder):
        atomic_write(file, json.dumps({"path": path, "digest": digest}).encode())
