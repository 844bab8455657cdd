"""What changes on the one programmed mask when a base is given another model."""

__all__ = ["Change", "MetalDiff", "diff"]

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np

from metal_configs.sitemap import SiteMap
from metal_configs.writer.manifest import read_manifest
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry

WRITE_AGAIN = "Write the metal config again."


@dataclass(frozen=True)
class Change:
    """Vias of some sites: in the second model only, in the first only, and in both."""

    added: int
    removed: int
    kept: int


@dataclass(frozen=True, eq=False)
class MetalDiff:
    """Two models on one base, site by site.

    Attributes:
        first, second: bool [banks, word lines, bit lines], where each has a via.
        layer: GDS layer and datatype of the vias.
    """

    base: str
    models: tuple[str, str]
    first: np.ndarray
    second: np.ndarray
    rom: RomGeometry
    layer: tuple[int, int]

    @property
    def banks(self) -> tuple[Change, ...]:
        return tuple(_change(a, b) for a, b in zip(self.first, self.second, strict=True))

    @property
    def total(self) -> Change:
        return _change(self.first, self.second)


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
    sites = _site_map(first, manifests[0])
    bits = [_bits(p, m, sites) for p, m in zip((first, second), manifests, strict=True)]
    return MetalDiff(
        sites.base, (manifests[0]["model"], manifests[1]["model"]), bits[0], bits[1], sites.rom, sites.layer
    )


def _change(first: np.ndarray, second: np.ndarray) -> Change:
    return Change(*(int(m.sum()) for m in (second & ~first, first & ~second, first & second)))


def _site_map(path: Path, data: dict[str, Any]) -> SiteMap:
    m = data["site_map"]
    try:
        rom = RomGeometry(m["banks"], m["word_lines"], m["bits"], m["mux"])
        origins, signs, x, y = (np.array(m[k], np.int64) for k in ("origins_nm", "signs", "x_nm", "y_nm"))
        layer, datatype = data["layer"]
        return SiteMap(data["base"]["name"], rom, origins, x, y, m["size_nm"], (layer, datatype), signs)
    except (KeyError, TypeError, ValueError) as e:
        raise FlowError(f"its site map cannot be used ({e})", where=str(path), hint=WRITE_AGAIN) from e


def _bits(manifest: Path, data: dict[str, Any], sites: SiteMap) -> np.ndarray:
    """Sites that the OASIS file of a manifest programs, bool [banks, word lines, bit lines]."""
    path = manifest.parent / Path(data["file"]["name"]).name
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as e:
        raise FlowError(
            f"cannot read the metal config ({e.strerror})", where=str(path), hint=WRITE_AGAIN
        ) from e
    if found != data["file"]["sha256"]:
        raise FlowError(
            f"SHA-256 is {found}, expected {data['file']['sha256']}: the file is damaged",
            where=str(path),
            hint=WRITE_AGAIN,
        )
    layout = kdb.Layout()
    layout.read(str(path))
    region = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*sites.layer)))
    centres = [p.bbox().center() for p in region.each_merged()]
    points = np.array([(c.x, c.y) for c in centres], np.int64).reshape(-1, 2)
    bank, word_line, bit_line = sites.locate(points)
    if lost := int((bank < 0).sum()):
        raise FlowError(f"{lost} vias lie on no site of the base", where=str(path), hint=WRITE_AGAIN)
    bits = np.zeros((sites.rom.banks, sites.rom.word_lines, sites.rom.bit_lines), bool)
    bits[bank, word_line, bit_line] = True
    return bits
