"""The key of a step: one hash over everything that its outputs depend on."""

__all__ = ["folder_files", "step_key"]

import json
from collections.abc import Mapping
from pathlib import Path

from flow.files import sha256_bytes, sha256_file

FORMAT = "sc-flow-step-2"


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
        code: Digest of the closure of what it runs (flow.closure).
        config: Settings that it depends on.
        inputs: Hash of the outputs of each step it needs.
        tools: What each tool that it uses is (flow.tools.identity).
        pdk: Hash of each PDK file that it reads, by role.
    """
    parts = [FORMAT, name, code, dict(config), dict(inputs), dict(tools), dict(pdk)]
    return sha256_bytes(json.dumps(parts, sort_keys=True, default=repr).encode())


def folder_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by its path in it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}
