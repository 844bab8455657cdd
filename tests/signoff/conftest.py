"""A base small enough for unit tests, and chips made on it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from base_chip.assemble import assemble_base, merge_chip
from base_chip.bank.layout import write_layout
from base_chip.bank.sites import SiteGrid
from base_chip.bank.spec import BankSpec
from base_chip.config import BaseConfig, Floorplan, load_base
from metal_configs.sitemap import SiteMap
from metal_configs.writer import write_metal
from rtl_gen.golden.rom import RomGeometry


@dataclass(frozen=True)
class SmallBase:
    """Two banks of 8 word lines and 16 bit lines, laid out in `folder`."""

    config: BaseConfig
    path: Path
    sites: SiteMap
    folder: Path

    def image(self, seed: int) -> np.ndarray:
        rom = self.config.rom
        return np.random.default_rng(seed).random((rom.rows, rom.bits)) < 0.5

    def chip(self, image: np.ndarray, name: str, suffix: str = ".gds") -> Path:
        metal = self.folder / f"{name}_metal.oas"
        write_metal(metal, image, self.sites)
        out = self.folder / f"{name}{suffix}"
        merge_chip(self.path, metal, out, model=name)
        return out


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> SmallBase:
    config = replace(
        load_base("nano"),
        name="small",
        rom=RomGeometry(banks=2, word_lines=8, bits=4, mux=4),
        floorplan=Floorplan(die=(60.0, 30.0), banks=((3.0, 4.0), (30.005, 5.0))),
    )
    folder = tmp_path_factory.mktemp("small")
    path = folder / "base.oas"
    write_layout(assemble_base(config), path)
    grid = SiteGrid.of(BankSpec(config.rom.word_lines, config.rom.bit_lines))
    sites = SiteMap.of(config.name, config.rom, config.floorplan.banks_nm(), grid.x, grid.y)
    return SmallBase(config, path, sites, folder)


@pytest.fixture(scope="session")
def small_chip(small_base: SmallBase) -> Callable[[int], Path]:
    """Chip of a random image, by its seed."""
    made: dict[int, Path] = {}

    def chip(seed: int) -> Path:
        if seed not in made:
            made[seed] = small_base.chip(small_base.image(seed), f"model{seed}")
        return made[seed]

    return chip
