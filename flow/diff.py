"""Two builds on one base: which masks differ, and which vias of which matrix."""

__all__ = ["BlockChange", "BuildDiff", "as_json", "compare", "draw_heat_map"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from flow.blocks import read_blocks
from flow.files import disk_faults, make_folder
from metal_configs.diff import MetalDiff, diff
from rtl_gen.errors import FlowError
from signoff.invariance import Chip
from signoff.readback import read_layout

ADDED, REMOVED, KEPT, EMPTY = (31, 119, 180), (214, 39, 40), (190, 190, 190), (250, 250, 250)
GAP = 8  # pixels between banks


@dataclass(frozen=True)
class BlockChange:
    """Vias added and removed in what the ROM image calls by one name."""

    name: str
    kind: str
    added: int
    removed: int


@dataclass(frozen=True)
class BuildDiff:
    """What another model changes.

    Attributes:
        metal: The program layer, site by site.
        blocks: Vias by matrix, table and program; those added under the name that the second image has for
            the place, those removed under the first's.
        differ: GDS layers on which the two chips are not drawn alike.
        layers: GDS layers that the chips have.
    """

    metal: MetalDiff
    blocks: Sequence[BlockChange]
    differ: tuple[tuple[int, int], ...]
    layers: tuple[tuple[int, int], ...]

    @property
    def reused(self) -> int:
        """Layers whose masks serve both models."""
        return len(self.layers) - len(self.differ)


def compare(first: Path, second: Path) -> BuildDiff:
    """Compare two folders `build/<name>`.

    Raises:
        FlowError: A folder holds no finished chip, a file is damaged, or the bases differ.
    """
    folders = first, second
    for folder in folders:
        for name in ("metal/manifest.json", "metal/chip.oas", "image/blocks.json"):
            if not (folder / name).is_file():
                raise FlowError(
                    f"no chip on one die there ({name} is missing)",
                    where=str(folder),
                    hint="Give build/<name> of a build that has come as far as the step `metal`.",
                )
    metal = diff(first / "metal/manifest.json", second / "metal/manifest.json")
    added, removed = metal.rows()
    by_name: dict[tuple[str, str], list[int]] = {}
    for index, (folder, counts) in enumerate(((second, added), (first, removed))):
        for block in read_blocks(folder / "image/blocks.json"):
            of = by_name.setdefault((block.kind, block.name), [0, 0])
            of[index] += int(counts[block.start : block.start + block.rows].sum())
    blocks = [BlockChange(name, kind, *n) for (kind, name), n in by_name.items()]
    unnamed = [
        total - sum(n[i] for n in by_name.values()) for i, total in enumerate((added.sum(), removed.sum()))
    ]
    if any(unnamed):
        blocks.append(BlockChange("(rows without a name)", "none", *map(int, unnamed)))
    chips = [Chip(read_layout(folder / "metal/chip.oas")) for folder in folders]
    layers = sorted({*chips[0].layers(), *chips[1].layers()})
    differ = tuple(layer for layer in layers if chips[0].drawn(layer) != chips[1].drawn(layer))
    return BuildDiff(metal, blocks, differ, tuple(layers))


def draw_heat_map(path: Path, metal: MetalDiff, *, scale: int = 2) -> None:
    """Write a PNG of all banks side by side, a site a square: added blue, removed red, kept grey.

    Args:
        scale: Pixels a site.
    """
    pictures = []
    for a, b in zip(metal.first, metal.second, strict=True):
        shown = np.full((*a.shape, 3), EMPTY, np.uint8)
        for where, colour in ((b & ~a, ADDED), (a & ~b, REMOVED), (a & b, KEPT)):
            shown[where] = colour
        tall = np.flipud(shown).repeat(scale, 0).repeat(scale, 1)  # word line 0 is at the bottom of a bank
        pictures += [tall, np.full((tall.shape[0], GAP, 3), 255, np.uint8)]
    with disk_faults(path.parent):
        make_folder(path.parent)
        Image.fromarray(np.concatenate(pictures[:-1], axis=1)).save(path, "PNG")


def as_json(found: BuildDiff) -> Mapping[str, object]:
    """Everything but the sites themselves, as JSON types."""
    return {
        "base": found.metal.base,
        "models": list(found.metal.models),
        "layers": [f"{a}/{b}" for a, b in found.layers],
        "layers_that_differ": [f"{a}/{b}" for a, b in found.differ],
        "banks": [vars(c) for c in found.metal.banks],
        "blocks": [vars(b) for b in found.blocks],
        "total": vars(found.metal.total),
    }
