"""What files from elsewhere may say: names, kinds of file and sizes, checked in one place for all readers."""

__all__ = ["checked_file", "read_file", "relative_name"]

import os
import stat
from pathlib import Path, PurePosixPath

from rtl_gen.errors import FlowError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
LONGEST_NAME = 1024


def relative_name(name: object, where: str) -> str:
    """A name that a file gives to a file below a folder, in POSIX form.

    Args:
        name: As it was read.
        where: The file that says so, for messages.

    Raises:
        FlowError: It is no text, leaves the folder, names the folder itself, or cannot be a file's name.
    """
    if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable() and "\\" not in name:
        path = PurePosixPath(name)
        if not path.is_absolute() and path.parts and ".." not in path.parts and str(path) == name:
            return name
    raise FlowError(
        f"it names a file {name!r:.80}, expected one below its folder", where=where,
        hint="It is damaged, or made to write elsewhere: do not use it.",
    )  # fmt: skip


def checked_file(path: Path, most: int | None = None) -> Path:
    """The path of a file that can be read to its end.

    Args:
        path: A regular file, or a link to one.
        most: Bytes it may have.

    Raises:
        FlowError: It is missing, a folder, pipe, device or socket, or larger.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError as e:
        raise FlowError("no such file", where=str(path), hint="Check the path.") from e
    except (OSError, ValueError) as e:
        raise FlowError(f"cannot be read ({getattr(e, 'strerror', None) or e})", where=str(path)) from e
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise FlowError(f"is {kind}, expected a file", where=str(path), hint="Give a regular file.")
    if most is not None and found.st_size > most:
        raise FlowError(
            f"has {found.st_size} bytes, expected at most {most}", where=str(path),
            hint="It is damaged, or not the file that is meant.",
        )  # fmt: skip
    return path


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        FlowError: As `checked_file`, or it cannot be read.
    """
    try:
        # Another process may put a pipe there in between: that must not hold this one up.
        fd = os.open(checked_file(path, most), os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as f:
            data = f.read(most + 1)
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(path)) from e
    if len(data) > most:
        raise FlowError(f"grew beyond {most} bytes while it was read", where=str(path))
    return data
