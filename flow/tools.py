"""What an external tool is, for keys."""

__all__ = ["identity"]

import functools
import glob
import hashlib
import os
import shutil
from pathlib import Path

from flow.files import sha256_file
from rtl_gen.tools import TOOLS, version

LOADER = ("LD_LIBRARY_PATH", "LD_PRELOAD")


@functools.cache
def identity(name: str) -> str:
    """What a tool is, for keys: a hash of its programs and of the variables that change what it does.

    A Python package is known by its version. "missing" when it is not there.
    """
    tool = TOOLS[name]
    if not tool.exe:
        return version(name) or "missing"
    found = shutil.which(tool.exe)
    if found is None:
        return "missing"
    path = Path(found).resolve()
    parts = {p.resolve() for part in tool.parts for p in _parts(path.parent, part) if p.is_file()} - {path}
    lines = [f"{p.name} {sha256_file(p)}" for p in (path, *sorted(parts))]
    if not parts and path.open("rb").read(2) == b"#!":
        # A script that starts the tool, installed in a way that is not known here.
        lines.append(version(name) or "missing")
    environment = dict(os.environ)
    lines += [f"{v} {environment[v]}" for v in (*tool.variables, *LOADER) if v in environment]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _parts(folder: Path, part: str) -> list[Path]:
    if "*" in part or "/" in part:
        return [Path(p) for p in glob.glob(str(folder / part))]
    found = shutil.which(part)
    return [Path(found)] if found else []
