"""What files from elsewhere may say: names, kinds of file and sizes, checked in one place for all readers."""

__all__ = ["checked_file", "open_file", "read_file", "relative_name", "sha256_name"]

import os
import re
import stat
from io import BufferedReader
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


def sha256_name(digest: object, where: str) -> str:
    """A SHA-256 in hexadecimal, which may be a file's name; FlowError when it is none."""
    if isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest):
        return digest
    raise FlowError(f"{digest!r:.80} is no SHA-256", where=where, hint="It is damaged: do not use it.")


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
    _refuse_special(found, path)
    if most is not None and found.st_size > most:
        raise FlowError(
            f"has {found.st_size} bytes, expected at most {most}", where=str(path),
            hint="It is damaged, or not the file that is meant.",
        )  # fmt: skip
    return path


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading; also one that is swapped for a pipe meanwhile holds nobody up.

    Raises:
        FlowError: It is no regular file.
        OSError: It is missing, or may not be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        _refuse_special(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return os.fdopen(fd, "rb")


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        FlowError: As `checked_file`, or it cannot be read.
    """
    try:
        with open_file(checked_file(path, most)) as f:
            size = min(os.fstat(f.fileno()).st_size, most)
            data = f.read(size + 1)
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(path)) from e
    if len(data) != size:
        raise FlowError(f"has {size} bytes, and changed while it was read", where=str(path))
    return data


def _refuse_special(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise FlowError(f"is {kind}, expected a file", where=str(path), hint="Give a regular file.")
