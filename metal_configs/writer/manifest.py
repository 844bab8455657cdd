"""The manifest of a metal config: what was programmed, from what, for which base."""

__all__ = ["FORMAT", "image_sha256", "make_manifest", "read_manifest", "write_manifest"]

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metal_configs.sitemap import SiteMap
from metal_configs.writer.metal import Written
from metal_configs.writer.whole import whole_file
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

FORMAT = "sc-flow-metal-2"
FIELDS = {
    "format": str,
    "model": str,
    "base": dict,
    "file": dict,
    "image_sha256": str,
    "weights_sha256": str,
    "layer": list,
    "sites": dict,
    "site_map": dict,
    "tools": dict,
}


def image_sha256(image: np.ndarray) -> str:
    """Of bool [rows, bits]: rows one after the other, eight bits a byte, the first bit on top."""
    return hashlib.sha256(np.packbits(image, axis=None).tobytes()).hexdigest()


def make_manifest(
    written: Written,
    sites: SiteMap,
    *,
    model: str,
    image: np.ndarray,
    base_sha256: str,
    weights_sha256: str,
    tools: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest of a written metal config, as JSON types.

    Args:
        written: What the writer returned.
        sites: Site map it was written with.
        model: Name of the model.
        image: bool [rows, bits], what was written.
        base_sha256: Of the base chip's layout file.
        weights_sha256: Of the quantised model's file.
        tools: Versions, by tool.
    """
    return {
        "format": FORMAT,
        "model": model,
        "base": {"name": sites.base, "sha256": base_sha256},
        "weights_sha256": weights_sha256,
        "image_sha256": image_sha256(image),
        "file": {"name": written.path.name, "sha256": written.sha256, "bytes": written.size},
        "layer": list(sites.layer),
        "sites": {
            "total": sites.sites,
            "programmed": sum(written.programmed),
            "programmed_per_bank": list(written.programmed),
        },
        "site_map": sites.parameters(),
        "tools": dict(tools),
    }


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write sorted JSON; the same manifest gives the same bytes. Raises FlowError (OUTPUT)."""
    with whole_file(path, "the manifest") as stream:
        stream.write((json.dumps(manifest, sort_keys=True, indent=1) + "\n").encode())


def read_manifest(path: Path) -> dict[str, Any]:
    """Read and check a manifest.

    Raises:
        FlowError: It is missing, damaged, of another format or lacks a field.
    """
    hint = "Write the metal config again."
    try:
        data: dict[str, Any] = json.loads(read_file(path, 64 << 20))
    except (ValueError, RecursionError) as e:
        raise FlowError(f"cannot read the manifest ({e})", where=str(path), hint=hint) from e
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise FlowError(f"manifest format is {found!r}, expected {FORMAT!r}", where=str(path), hint=hint)
    for name, kind in FIELDS.items():
        if not isinstance(data.get(name), kind):
            raise FlowError(
                f"{name} is {data.get(name)!r}, expected a {kind.__name__}", where=str(path), hint=hint
            )
    return data
