"""Builds on dies of tiles, as far as `metal`: random models, whose ROM macros stand in a line."""

import json
from dataclasses import dataclass
from pathlib import Path

import klayout.db as kdb
import numpy as np

from base_chip.dies import load_die
from flow.pdk.files import PdkFiles
from flow.request import BuildConfig, Run
from flow.stitching.column import die_column
from flow.stitching.contents import write_contents
from flow.tasks.die.programmed import CHIP
from flow.tasks.integer_model import save_integer_model
from metal_configs.compile.program.fit import fit_dies
from metal_configs.sitemap import SiteMap
from metal_configs.writer import make_manifest, write_manifest, write_metal
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape
from tests.rtl_gen.test_network import random_model

BASE = "story"
DIE = load_die(BASE)
SHAPE = Shape(dim=20, layers=2, heads=2, kv_heads=1, head_dim=6, hidden=24, vocab=30, context=20)
OF_BASE = (68, 20)  # a layer that no model changes


@dataclass(frozen=True)
class Build:
    """A build.

    Attributes:
        images: What each die is.
        macros: Of each die the contents of its ROM macros by instance, bool [words, bits].
    """

    folder: Path
    images: list[DieImage]
    macros: list[dict[str, np.ndarray]]
    sites: SiteMap

    def bits(self, die: int = 0) -> np.ndarray:
        """Bool [macros, words, bits]."""
        return np.stack(list(self.macros[die].values()))


def make_build(folder: Path, seed: int, *, dies: int = 1, extra: tuple[tuple[int, int], ...] = ()) -> Build:
    """Write a build into `folder`, whose name is the model's; with more layers of the chips in `extra`."""
    model = random_model(SHAPE, seed, 8)
    for name in ("quantise", "compile"):
        (folder / name).mkdir(parents=True)
    save_integer_model(model, folder / "quantise")
    config = BuildConfig(folder.name, "", "", base=BASE, chained=dies)
    Run(config, PdkFiles("sky130", {}, {}, {}, {}, {}), folder, {}).save()
    found = fit_dies(model.shortened(DIE.context), die_column(DIE), dies=dies)
    build = Build(folder, [i for i, _ in found], [m for _, m in found], sites_of(len(found[0][1])))
    write_contents(folder / "compile", build.images)
    told = json.dumps({"dies": dies, "roms": list(build.macros[0])})
    (folder / "compile" / CHIP).write_text(told)
    for die in range(dies):
        _metal(folder / "metal" / f"die{die}", folder.name, build, die, extra)
    return build


def sites_of(macros: int) -> SiteMap:
    """Macros side by side, every third of them mirrored."""
    words, bits = DIE.sites.shape
    signs = np.array([(-1, 1) if n % 3 == 2 else (1, 1) for n in range(macros)])
    origins = [(n * 120_000 + (110_000 if sign < 0 else 0), 0) for n, (sign, _) in enumerate(signs)]
    rom = RomGeometry(macros, words, bits, 1)
    return SiteMap(BASE, rom, np.array(origins), DIE.sites.x, DIE.sites.y, 200, (69, 44), signs)


def _metal(folder: Path, model: str, build: Build, die: int, extra: tuple[tuple[int, int], ...]) -> None:
    folder.mkdir(parents=True)
    image = build.bits(die).reshape(build.sites.rom.rows, -1)
    written = write_metal(folder / "metal.oas", image, build.sites)
    hashes = {"base_sha256": "0", "weights_sha256": "0"}
    manifest = make_manifest(written, build.sites, model=model, image=image, tools={}, **hashes)
    write_manifest(folder / "manifest.json", manifest)
    layout = kdb.Layout()
    layout.read(str(written.path))
    top = layout.create_cell("chip")
    top.insert(kdb.CellInstArray(layout.cell(f"scf_{BASE}_metal").cell_index(), kdb.Trans()))
    for layer in (OF_BASE, *extra):
        top.shapes(layout.layer(*layer)).insert(kdb.Box(0, 0, 1000, 1000))
    layout.write(str(folder / "chip.oas"))
