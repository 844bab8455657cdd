"""What the processes of the steps tell the one that shows progress: lines of JSON in one file.

A file rather than a pipe: it needs no thread or handle that would have to survive a fork, and what was
said before a crash is still there after it.
"""

__all__ = ["Event", "EventReader", "tell"]

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    """Something that happened in a step.

    Attributes:
        kind: "start", "reused", "done", "failed", "not run", "say" or "warn".
        text: What is said, or why.
        at: Time of the monotonic clock, which all processes of a machine share.
    """

    step: str
    kind: str
    text: str
    at: float


def tell(path: Path, step: str, kind: str, text: str = "") -> None:
    """Append one event; a single short write, so that events of parallel steps do not mix."""
    line = json.dumps([step, kind, text[:2000], time.monotonic()]) + "\n"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, line.encode())
    finally:
        os.close(fd)


class EventReader:
    """Reads the events that have come since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def __iter__(self) -> Iterator[Event]:
        try:
            with self._path.open("rb") as f:
                f.seek(self._offset)
                data = f.read()
        except FileNotFoundError:
            return
        end = data.rfind(b"\n") + 1  # a line that is still being written waits for the next look
        self._offset += end
        for line in data[:end].splitlines():
            yield Event(*json.loads(line))
