"""Two small banks on a die, and chips made on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from base_chip.bank import BankSpec, SiteGrid, build_bank
from base_chip.bank.layout import write_layout
from base_chip.chip import merge_chip
from base_chip.pdk import load_pdk
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_metal
from rtl_gen.golden.rom import RomGeometry

ROM = RomGeometry(banks=2, word_lines=8, bits=4, mux=4)
DIE = kdb.Box(0, 0, 60_000, 30_000)
BANKS = ((3_000, 4_000), (30_005, 5_000))


@dataclass(frozen=True)
class SmallBase:
    """Two banks of 8 word lines and 16 bit lines, laid out in `folder`."""

    path: Path
    sites: SiteMap
    folder: Path

    def image(self, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).random((ROM.rows, ROM.bits)) < 0.5

    def chip(self, image: np.ndarray, name: str, suffix: str = ".gds") -> Path:
        metal = self.folder / f"{name}_metal.oas"
        write_metal(metal, image, self.sites)
        out = self.folder / f"{name}{suffix}"
        merge_chip(self.path, metal, out, model=name)
        return out


def _layout() -> kdb.Layout:
    spec = BankSpec(ROM.word_lines, ROM.bit_lines)
    layout = build_bank(spec)
    top = layout.create_cell("scf_small")
    top.shapes(layout.layer(*load_pdk("sky130").layers["prBoundary"])).insert(DIE)
    for at in BANKS:
        top.insert(kdb.CellInstArray(layout.cell(spec.name).cell_index(), kdb.Trans(*at)))
    return layout


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    folder = tmp_path_factory.mktemp("small")
    path = folder / "base.oas"
    write_layout(_layout(), path)
    grid = SiteGrid.of(BankSpec(ROM.word_lines, ROM.bit_lines))
    return SmallBase(path, SiteMap.of("small", ROM, BANKS, grid.x, grid.y), folder)


@pytest.fixture(scope="session")
def small_chip(small_base: SmallBase) -> Callable[[int], Path]:
    """Chip of a random image, by its seed."""
    made: dict[int, Path] = {}

    def chip(seed: int) -> Path:
        if seed not in made:
            made[seed] = small_base.chip(small_base.image(seed), f"model{seed}")
        return made[seed]

    return chip
