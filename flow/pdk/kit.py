"""The installable kit: pinned wheels, of which only the files the flow reads are unpacked."""

__all__ = ["FORMAT", "Damage", "install_kit", "installed_root", "kit_root", "verify_kit"]

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from base_chip.pdk import Pdk, Wheel
from flow.files import atomic_dir, atomic_write, cache_root, disk_faults, make_folder, sha256_bytes
from flow.wheels import fetch_with_pip, pinned, unpack
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import open_file, read_file, relative_name, sha256_name

FORMAT = "sc-flow-kit-1"
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 64 << 20  # bytes


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
        make_folder(root.parent)
        if wheels is None:
            temp = tempfile.TemporaryDirectory(dir=root.parent, prefix=".wheels.")
            wheels = Path(stack.enter_context(temp))
            for wheel in pdk.kit.wheels:
                (fetch or fetch_with_pip)(wheel, wheels)
        found = [pinned(w, wheels) for w in pdk.kit.wheels]
        with atomic_dir(root) as new:
            files: dict[str, list[object]] = {}
            for wheel, path in zip(pdk.kit.wheels, found, strict=True):
                files |= unpack(wheel, path, new)
            if missing := sorted(f for f in pdk.kit.files.values() if not (new / f).exists()):
                raise FlowError(
                    f"the wheels lack {', '.join(missing)}",
                    where=f"base_chip/pdk/{pdk.name}/facts.yaml",
                    hint="`kit.files` and `kit.wheels` do not belong together.",
                )
            text = json.dumps({"format": FORMAT, "files": files}, sort_keys=True, indent=0)
            atomic_write(new / MANIFEST, text.encode())
    return root, True


def _manifest(root: Path) -> Mapping[str, tuple[str, int]]:
    try:
        got = json.loads(read_file(root / MANIFEST, LARGEST_MANIFEST))
        if got["format"] != FORMAT:
            raise ValueError(f"format is {got['format']!r}, expected {FORMAT!r}")
        files: dict[str, tuple[str, int]] = got["files"]
        for name, (digest, size) in files.items():
            relative_name(name, MANIFEST)
            sha256_name(digest, MANIFEST)
            if type(size) is not int or size < 0:
                raise ValueError(f"{name} has {size!r:.40} bytes")
        return files
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, FlowError) as e:
        raise FlowError(f"damaged kit: {e}", where=str(root / MANIFEST), hint=_AGAIN) from e


_AGAIN = "Run: sc-flow pdk install <pdk> (it replaces a damaged kit)."


def verify_kit(pdk: Pdk) -> list[Damage]:
    """Compare the content of every file of the installed kit with its manifest."""
    root = kit_root(pdk)
    try:
        files = _manifest(root)
    except FlowError as e:
        return [Damage(MANIFEST, e.what)]

    def fault(name: str) -> str:
        digest, size = files[name]
        try:
            with open_file(root / name) as f:
                if (held := os.fstat(f.fileno()).st_size) != size:
                    return f"has {held} bytes, expected {size}"
                content = f.read(size + 1)
        except FlowError as e:
            return e.what
        except OSError as e:
            return e.strerror or str(e)
        same = sha256_bytes(content) == digest
        return "" if same else "content differs from what was installed"

    with ThreadPoolExecutor(4) as pool:  # mostly waits for small files
        faults = zip(files, pool.map(fault, files), strict=True)
        return [Damage(name, found) for name, found in faults if found]
