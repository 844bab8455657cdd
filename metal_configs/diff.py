"""What changes on the one programmed mask when a base is given another model."""

__all__ = ["BankDiff", "MetalDiff", "diff"]

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import klayout.db as kdb

from metal_configs.writer.manifest import read_manifest
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class BankDiff:
    """Vias of one bank: in the second model only, in the first only, and in both."""

    added: int
    removed: int
    kept: int


@dataclass(frozen=True)
class MetalDiff:
    """Two models on one base, bank by bank."""

    base: str
    models: tuple[str, str]
    banks: tuple[BankDiff, ...]

    @property
    def total(self) -> BankDiff:
        return BankDiff(*(sum(getattr(b, n) for b in self.banks) for n in ("added", "removed", "kept")))


def diff(first: Path, second: Path) -> MetalDiff:
    """Compare two metal configs.

    Args:
        first: Manifest; its OASIS file lies beside it.
        second: Likewise, for the same base.

    Raises:
        FlowError: A file is missing or damaged, the bases differ, or a via lies on no site.
    """
    manifests = read_manifest(first), read_manifest(second)
    for field in ("base", "site_map", "layer"):
        a, b = (m[field] for m in manifests)
        if a != b:
            found = f"{a['name']} and {b['name']}" if field == "base" and a["name"] != b["name"] else field
            raise FlowError(
                f"the two metal configs are not for one base: {found} differ",
                where=f"{first}, {second}",
                hint="Build both models on the same base.",
            )
    vias = [_vias(p, m) for p, m in zip((first, second), manifests, strict=True)]
    changed = vias[1] - vias[0], vias[0] - vias[1], vias[0] & vias[1]
    banks = tuple(BankDiff(*(int((r & box).count()) for r in changed)) for box in _boxes(manifests[0]))
    result = MetalDiff(manifests[0]["base"]["name"], (manifests[0]["model"], manifests[1]["model"]), banks)
    lost = sum(int(r.count()) for r in changed) - sum(vars(result.total).values())
    if lost:
        raise FlowError(f"{lost} vias lie outside every bank", where=f"{first}, {second}")
    return result


def _vias(manifest: Path, data: dict[str, Any]) -> kdb.Region:
    """Squares of the OASIS file that a manifest describes."""
    path = manifest.parent / data["file"]["name"]
    hint = "Write the metal config again."
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as e:
        raise FlowError(f"cannot read the metal config ({e.strerror})", where=str(path), hint=hint) from e
    if found != data["file"]["sha256"]:
        raise FlowError(
            f"SHA-256 is {found}, expected {data['file']['sha256']}: the file is damaged",
            where=str(path),
            hint=hint,
        )
    layout = kdb.Layout()
    layout.read(str(path))
    return kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*data["layer"]))).merged()


def _boxes(data: dict[str, Any]) -> list[kdb.Region]:
    """The area of each bank's sites."""
    m = data["site_map"]
    r = m["size_nm"] // 2
    cell = kdb.Box(min(m["x_nm"]) - r, min(m["y_nm"]) - r, max(m["x_nm"]) + r, max(m["y_nm"]) + r)
    return [kdb.Region(cell.moved(x, y)) for x, y in m["origins_nm"]]
