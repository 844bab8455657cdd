"""Files that outlive the process: hashes, atomic writes, and where the cache lies."""

__all__ = ["atomic_dir", "atomic_write", "cache_root", "disk_faults", "sha256_bytes", "sha256_file"]

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rtl_gen.errors import ExitCode, FlowError


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
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextlib.contextmanager
def disk_faults(where: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden folder into the one message people see."""
    try:
        yield
    except OSError as e:
        where = Path(e.filename) if isinstance(e.filename, str) else where
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"{_free(where)}Free some space, or choose another folder with --out (cache: SCF_CACHE)."
            raise FlowError("the disk is full", where=str(where), hint=hint, code=ExitCode.OUTPUT) from e
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ELOOP):
            hint = "Choose another folder with --out (cache: SCF_CACHE)."
            raise FlowError(
                f"cannot write there ({e.strerror})", where=str(where), hint=hint, code=ExitCode.OUTPUT
            ) from e
        raise


def _free(where: Path) -> str:
    try:
        return f"{shutil.disk_usage(where).free // 2**20} MB are free. "
    except OSError:
        return ""


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    with disk_faults(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
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
        path.parent.mkdir(parents=True, exist_ok=True)
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
