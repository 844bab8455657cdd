"""Two builds on one base: which masks differ, and which vias of which matrix, die by die."""

__all__ = ["BlockChange", "BuildDiff", "DieDiff", "as_json", "compare"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from base_chip.dies import Floorplan, load_die
from flow.chain.owners import ChipTold, chip_told, owners_of
from flow.stitching.owners import Owners
from flow.verify import load_build
from metal_configs.diff import Change, MetalDiff, diff
from rtl_gen.errors import FlowError
from signoff.invariance import Chip
from signoff.readback import read_layout

Layer = tuple[int, int]


@dataclass(frozen=True)
class BlockChange:
    """Vias added and removed in what the compiler calls by one name."""

    name: str
    kind: str
    added: int
    removed: int


@dataclass(frozen=True)
class DieDiff:
    """What another model changes on a die.

    Attributes:
        metal: The program layer, site by site.
        names: Of the ROM macros, such as rom_0_0.bank3, in the order of `metal.banks`.
        blocks: Vias by matrix, table and program; those added under the name that the second build has for
            the place, those removed under the first's.
        differ: GDS layers on which the two chips are not drawn alike.
        layers: GDS layers that the chips have.
    """

    metal: MetalDiff
    names: Sequence[str]
    blocks: Sequence[BlockChange]
    differ: tuple[Layer, ...]
    layers: tuple[Layer, ...]

    @property
    def used(self) -> list[tuple[str, Change]]:
        """Macros in which either model has a via."""
        named = zip(self.names, self.metal.banks, strict=True)
        return [(name, c) for name, c in named if c.added or c.removed or c.kept]


@dataclass(frozen=True)
class BuildDiff:
    """What another model changes on all dies.

    Attributes:
        base: Name of the base of both.
        models: Names of the first and of the second.
        dies: Of each die what changes.
    """

    base: str
    models: tuple[str, str]
    dies: Sequence[DieDiff]

    @property
    def differ(self) -> list[Layer]:
        """Layers that differ on a die."""
        return sorted({layer for die in self.dies for layer in die.differ})

    @property
    def layers(self) -> list[Layer]:
        return sorted({layer for die in self.dies for layer in die.layers})

    @property
    def reused(self) -> int:
        """Layers whose masks serve both models."""
        return len(self.layers) - len(self.differ)

    @property
    def blocks(self) -> list[BlockChange]:
        """Vias by matrix, table and program on all dies."""
        return _summed(block for die in self.dies for block in die.blocks)

    @property
    def total(self) -> Change:
        totals = [die.metal.total for die in self.dies]
        return Change(*(sum(getattr(t, n) for t in totals) for n in ("added", "removed", "kept")))


def compare(first: Path, second: Path) -> BuildDiff:
    """Compare two folders `build/<name>`.

    Raises:
        FlowError: A folder holds no finished chip, a file is damaged, or bases or numbers of dies differ.
    """
    folders = first, second
    told = [chip_told(folder) for folder in folders]
    if told[0].dies != told[1].dies:
        raise FlowError(
            f"the first model is on {told[0].dies} dies, the second on {told[1].dies}",
            where=f"{first}, {second}",
            hint="Build both on as many: sc-flow build --chain N",
        )  # fmt: skip
    configs = [load_build(folder).config for folder in folders]
    base = load_die(configs[0].base)
    found = [_die(folders, told, base, n) for n in range(told[0].dies)]
    return BuildDiff(configs[0].base, (configs[0].model, configs[1].model), found)


def as_json(found: BuildDiff) -> Mapping[str, object]:
    """Everything but the sites themselves, as JSON types."""
    return {
        "base": found.base,
        "models": list(found.models),
        "layers": _told(found.layers),
        "layers_that_differ": _told(found.differ),
        "dies": [
            {
                "banks": {n: vars(c) for n, c in zip(die.names, die.metal.banks, strict=True)},
                "blocks": [vars(b) for b in die.blocks],
                "total": vars(die.metal.total),
            }
            for die in found.dies
        ],
        "blocks": [vars(b) for b in found.blocks],
        "total": vars(found.total),
    }


def _die(folders: Sequence[Path], told: Sequence[ChipTold], base: Floorplan, die: int) -> DieDiff:
    # Refuses builds on two bases.
    metal = diff(*(folder / "metal" / f"die{die}" / "manifest.json" for folder in folders))
    instances = told[0].roms
    if len(instances) != len(metal.first):
        raise FlowError(
            f"{len(instances)} ROM macros in chip.json, {len(metal.first)} in the manifest of die {die}",
            where=str(folders[0]), hint="Build again: the folder was edited or cut.",
        )  # fmt: skip
    chips = [Chip(read_layout(folder / "metal" / f"die{die}" / "chip.oas")) for folder in folders]
    layers = sorted({*chips[0].layers(), *chips[1].layers()})
    differ = tuple(layer for layer in layers if chips[0].drawn(layer) != chips[1].drawn(layer))
    new, gone = metal.second & ~metal.first, metal.first & ~metal.second
    whose = [owners_of(*of, base, die) for of in zip(folders, told, strict=True)]
    blocks = [BlockChange(*name, n, 0) for name, n in _counted(whose[1], new)]
    blocks += [BlockChange(*name, 0, n) for name, n in _counted(whose[0], gone)]
    names = [name.removesuffix(".macro") for name in instances]
    return DieDiff(metal, names, _summed(blocks), differ, tuple(layers))


def _counted(whose: Owners, sites: np.ndarray) -> Iterator[tuple[tuple[str, str], int]]:
    """How many of some sites of a die are of what, by name and kind."""
    owner = whose.of[sites]
    counts = np.bincount(owner[owner >= 0], minlength=len(whose.names)).tolist()
    yield from zip(whose.names, counts, strict=True)
    if lost := int((owner < 0).sum()):
        yield ("(sites without a name)", "none"), lost


def _summed(blocks: Iterable[BlockChange]) -> list[BlockChange]:
    """One for each name and kind, in the order in which they come."""
    found: dict[tuple[str, str], BlockChange] = {}
    for b in blocks:
        was = found.get((b.name, b.kind), BlockChange(b.name, b.kind, 0, 0))
        found[b.name, b.kind] = BlockChange(b.name, b.kind, was.added + b.added, was.removed + b.removed)
    return list(found.values())


def _told(layers: Iterable[Layer]) -> list[str]:
    return [f"{a}/{b}" for a, b in layers]
