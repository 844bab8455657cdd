"""The step cache: outputs by content, and for each key the list of files it stands for."""

__all__ = ["CacheDamage", "StepCache"]

import json
import os
import shutil
import tempfile
from pathlib import Path

from flow.files import atomic_write, disk_faults, make_folder, sha256_file
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import open_file, read_file, relative_name, sha256_name

FORMAT = "sc-flow-cache-1"
LARGEST_ENTRY = 64 << 20  # bytes


class CacheDamage(Exception):
    """An entry is not what was stored; it has been removed, and the step must run again."""


class StepCache:
    """A folder of blobs named after their SHA-256, and of entries named after keys.

    Writers rename finished files into place, so that a killed build leaves whole entries or none, and
    two builds may share the folder.
    """

    def __init__(self, root: Path) -> None:
        self._blobs, self._entries = root / "blobs", root / "steps"

    def store(self, key: str, folder: Path, files: dict[str, str]) -> None:
        """Keep a folder's files (hash by path) under a key."""
        with disk_faults(self._blobs):
            make_folder(self._blobs)
            for name, digest in files.items():
                self._keep(folder / name, digest)
            entry = {"format": FORMAT, "files": files}
            atomic_write(self._entries / f"{key}.json", json.dumps(entry, sort_keys=True).encode())

    def restore(self, key: str, folder: Path) -> bool:
        """Copy what a key stands for into an existing folder.

        Returns:
            False when the cache does not have the key.

        Raises:
            CacheDamage: When a file is missing or has changed; the entry is gone then, and `folder` is
                to be thrown away.
        """
        path = self._entries / f"{key}.json"
        if not os.path.lexists(path):
            return False
        try:
            files = _files(path)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FlowError) as e:
            _remove(path)
            what = e.what if isinstance(e, FlowError) else "not an entry"
            raise CacheDamage(f"{path.name}: {what}") from e
        with disk_faults(folder):
            for name, digest in files.items():
                blob, target = self._blobs / digest, folder / name
                if not _copied(blob, target, digest):
                    _remove(blob)
                    _remove(path)
                    raise CacheDamage(f"{name} is missing or differs from what was stored")
        return True

    def _keep(self, source: Path, digest: str) -> None:
        blob = self._blobs / digest
        # A damaged blob must not survive under a name that promises its content.
        if blob.is_file() and sha256_file(blob) == digest:
            return
        fd, temp = tempfile.mkstemp(dir=self._blobs, prefix=".new.")
        os.close(fd)
        try:
            shutil.copyfile(source, temp)
            os.replace(temp, blob)
        except BaseException:
            Path(temp).unlink(missing_ok=True)
            raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _files(path: Path) -> dict[str, str]:
    """Hash by path of an entry, which may come from anybody who can write to the cache."""
    entry = json.loads(read_file(path, LARGEST_ENTRY))
    if entry["format"] != FORMAT:
        raise ValueError(entry["format"])
    return {relative_name(n, path.name): sha256_name(d, path.name) for n, d in entry["files"].items()}


def _copied(blob: Path, target: Path, digest: str) -> bool:
    """Copy a blob; whether it is there, and the one that its name promises."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_file(blob) as source, target.open("xb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        return sha256_file(target) == digest
    except (FileNotFoundError, FileExistsError, NotADirectoryError, FlowError):
        return False
