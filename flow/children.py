"""Where the processes of a graph complain: into a file, not into the one message that the user gets."""

__all__ = ["COMPLAINTS", "stderr_of_children"]

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from flow.files import disk_faults

COMPLAINTS = ".stderr.log"  # its name, in the folder of the run
_file: int | None = None


def _redirect() -> None:
    if _file is not None:
        os.dup2(_file, 2)


os.register_at_fork(after_in_child=_redirect)


@contextlib.contextmanager
def stderr_of_children(path: Path) -> Iterator[None]:
    """Let what is forked within the block write its standard error to a file, which is new.

    A node of SiliconCompiler that cannot even write its first file prints a traceback, as Python does for
    any process that ends so.
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
