"""The key of a step: one hash over everything that its outputs depend on."""

__all__ = ["code_digest", "folder_files", "library_versions", "step_key"]

import functools
import importlib.metadata
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from flow.files import sha256_bytes, sha256_file

FORMAT = "sc-flow-step-1"


def step_key(
    name: str,
    *,
    code: str,
    config: Mapping[str, object],
    inputs: Mapping[str, str],
    tools: Mapping[str, str],
    pdk: Mapping[str, str],
) -> str:
    """The key under which a step's outputs are kept.

    Args:
        name: Name of the step.
        code: Hash of the sources that compute it.
        config: Settings that it depends on.
        inputs: Hash of the outputs of each step it needs.
        tools: Version of each tool and library that it uses.
        pdk: Hash of each PDK file that it reads, by role.
    """
    parts = [FORMAT, name, code, dict(config), dict(inputs), dict(tools), dict(pdk)]
    return sha256_bytes(json.dumps(parts, sort_keys=True).encode())


def folder_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by its path in it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}


@functools.cache
def code_digest(modules: tuple[str, ...]) -> str:
    """Hash of the sources, and of the data files beside them, of modules and packages."""
    lines = []
    for module in modules:
        spec = importlib.util.find_spec(module)
        if spec is None:
            raise ModuleNotFoundError(module)
        if folders := list(spec.submodule_search_locations or ()):
            root = Path(folders[0])  # also of a folder without __init__.py, which holds data
            files = [p for p in sorted(root.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
        else:
            root, files = Path(str(spec.origin)).parent, [Path(str(spec.origin))]
        lines += [f"{module} {p.relative_to(root).as_posix()} {sha256_file(p)}" for p in files]
    return sha256_bytes("\n".join(lines).encode())


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """Version of each Python distribution."""
    return {name: importlib.metadata.version(name) for name in names}
