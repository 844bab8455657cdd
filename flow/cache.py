"""The step cache: outputs by content, and for each key the list of files it stands for."""

__all__ = ["CacheDamage", "StepCache"]

import json
import os
import shutil
import tempfile
from pathlib import Path

from flow.files import atomic_write, disk_faults, sha256_file

FORMAT = "sc-flow-cache-1"


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
            self._blobs.mkdir(parents=True, exist_ok=True)
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
        try:
            entry = json.loads(path.read_bytes())
            files = dict(entry["files"]) if entry["format"] == FORMAT else None
        except FileNotFoundError:
            return False
        except (ValueError, KeyError, TypeError, OSError):
            files = None
        if files is None:
            path.unlink(missing_ok=True)
            raise CacheDamage(f"{path.name}: not an entry")
        with disk_faults(folder):
            for name, digest in files.items():
                blob, target = self._blobs / digest, folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    shutil.copyfile(blob, target)
                    whole = sha256_file(target) == digest
                except FileNotFoundError:
                    whole = False
                if not whole:
                    blob.unlink(missing_ok=True)
                    path.unlink(missing_ok=True)
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
