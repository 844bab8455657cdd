"""Files that outlive the process: hashes, atomic writes, and where the cache lies."""

__all__ = [
    "atomic_dir",
    "atomic_write",
    "cache_root",
    "disk_fault",
    "disk_faults",
    "disk_is_full",
    "make_folder",
    "sha256_bytes",
    "sha256_file",
]

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import open_file

LEAST_FREE = 1 << 20  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNWRITABLE = frozenset(
    (
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP,
        errno.ENAMETOOLONG, errno.EBUSY, errno.ETXTBSY, errno.EIO, errno.ESTALE, errno.ENXIO,
    )
)  # fmt: skip


def cache_root() -> Path:
    """`$SCF_CACHE`, else `$XDG_CACHE_HOME/sc-flow`, else `~/.cache/sc-flow`."""
    if own := os.environ.get("SCF_CACHE"):
        return Path(own).absolute()
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg).absolute() / "sc-flow"
    return Path.home() / ".cache" / "sc-flow"


def sha256_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file; FlowError when it is a pipe, a device, or anything else without an end."""
    with open_file(path) as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextlib.contextmanager
def disk_faults(where: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden folder into the one message people see."""
    try:
        yield
    except OSError as e:
        if fault := disk_fault(e, where):
            raise fault from e
        raise


def disk_fault(e: BaseException, where: Path) -> FlowError | None:
    """The message for what the system says when something cannot be written; None for any other error."""
    if not isinstance(e, OSError):
        return None
    name = e.filename2 or e.filename  # of a copy the second is written
    where = Path(name) if isinstance(name, str) else where
    hint = "Choose another folder with --out (cache: SCF_CACHE)."
    if e.errno in (errno.ENOSPC, errno.EDQUOT):
        what, hint = "the disk is full", f"{_free(where)}Free some space, or choose another folder with --out"
        hint += " (cache: SCF_CACHE)."
    elif e.errno == errno.ENOENT and "temporary directory" in str(e.strerror):  # of tempfile
        what, where = "no folder for temporary files can be written", Path("TMPDIR")
        hint = "Let TMPDIR name one that can."
    elif e.errno == errno.EFBIG:
        what, hint = "a file would be larger than is allowed", "Raise the limit on file sizes (ulimit -f)."
    elif e.errno in _UNWRITABLE:
        what = f"cannot write there ({e.strerror})"
    else:
        return None
    return FlowError(what, where=str(where), hint=hint, code=ExitCode.OUTPUT)


def disk_is_full(said: str, folder: Path) -> bool:
    """Whether a process that failed did so as it could not write, by what it said, or could not even say."""
    return any(os.strerror(e) in said for e in _FULL) or shutil.disk_usage(folder).free < LEAST_FREE


def make_folder(path: Path) -> None:
    """Make a folder for outputs, and what it lies in; FlowError when that cannot be (OUTPUT)."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as e:
        raise disk_fault(e, path) or FlowError(
            f"cannot make this folder ({getattr(e, 'strerror', None) or e})", where=str(path),
            hint="Choose another folder with --out (cache: SCF_CACHE).", code=ExitCode.OUTPUT,
        ) from e  # fmt: skip


def _free(where: Path) -> str:
    try:
        return f"{shutil.disk_usage(where).free // 2**20} MB are free. "
    except OSError:
        return ""


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    with disk_faults(path.parent):
        make_folder(path.parent)
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(fd, "wb") as f:
                f.write(data)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def atomic_dir(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` when the block ends well, and vanishes otherwise.

    An existing `path` is replaced, by two renames, so that it is missing only between them.
    """
    with disk_faults(path.parent):
        make_folder(path.parent)
        temp = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield temp
            os.chmod(temp, 0o755)
            try:
                os.rename(temp, path)
            except OSError as e:
                if e.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    raise
                old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
                os.rename(path, old / "x")
                os.rename(temp, path)
                shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(temp, ignore_errors=True)
            raise
