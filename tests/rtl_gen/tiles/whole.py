"""A die, or a chain, with the macros' own models in Verilator: one simulator for every model it holds."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.views import sram_verilog
from base_chip.arrays.views import rom_verilog
from metal_configs.compile.program.die import compile_chain, compile_die
from metal_configs.compile.program.macros import die_macros
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.model import Model
from rtl_gen.tiles.die import die_verilog
from rtl_gen.tiles.macro import rom_macro_name
from rtl_gen.tiles.ram import MACRO_BITS, RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.rtl_gen.tiles.chain import chain_verilog

MACRO_WORDS = 256
ON_ROW = 8  # words of factors and tables


@dataclass(frozen=True)
class Whole:
    """Sizes of a die; the vec tile's are enough for some images.

    Attributes:
        rows: Of rom and of ram tiles.
    """

    rom: RomTileSize
    ram: RamTileSize
    vec: VecTileSize
    rows: tuple[int, int]

    @classmethod
    def of(cls, rom: RomTileSize, images: Sequence[DieImage]) -> "Whole":
        """Of images for as many rom and ram tiles; if rom tiles are skipped, ram tiles are, too."""
        image = images[0]
        (rom_rows, _), ram_rows, ram_words = image.array.grid, image.ram_rows, image.ram_words
        vec = VecTileSize(
            rom_rows=image.skipped + rom_rows, ram_rows=ram_rows + 2 * image.skipped, row_step=rom.row_step,
            memory=max(i.memory for i in images),
            rom_bytes=max(i.activations[0] for i in images), ram_bytes=max(i.activations[1] for i in images),
            program_banks=max(-(-len(i.program) // MACRO_WORDS) for i in images),
            rom_banks=max(-(-len(i.words) // (MACRO_WORDS * ON_ROW)) for i in images),
        )  # fmt: skip
        return cls(rom, RamTileSize(ram_words), vec, (rom_rows, ram_rows))

    def contents(self, image: DieImage) -> dict[str, list[int]]:
        """Words of every ROM macro, by its name."""
        out = {}
        for name, bits in die_macros(image, self.rom, self.vec).items():
            tile, instance, _ = name.split(".")
            kind, row, _ = tile.split("_")
            inner = instance if kind == "vec" else instance.replace("bank", f"banks{row}_")
            words = np.packbits(bits, axis=1, bitorder="little")
            out[inner] = [int.from_bytes(word.tobytes(), "little") for word in words]
        return out


def image_of(
    model: Model, rom: RomTileSize, rows: int, ram_rows: int, ram_words: int, skipped: int = 0
) -> DieImage:
    """A model on so many rom and ram tiles."""
    return compile_die(model, array_of(rom, rows), ram_rows, ram_words, skipped=skipped)


def images_of(
    model: Model, dies: int, rom: RomTileSize, rows: int, ram_rows: int, ram_words: int, skipped: int = 0
) -> list[DieImage]:
    """A model on a chain of dies of so many rom and ram tiles."""
    arrays = [array_of(rom, rows) for _ in range(dies)]
    return compile_chain(model, arrays, ram_rows, ram_words, skipped=skipped)


def array_of(rom: RomTileSize, rows: int) -> ArrayModel:
    """Empty rom tiles."""
    return ArrayModel((rows, 1), rom.depth, rom.columns, rom.rows, rom.sum_bits, rom.row_step)


class Simulator:
    """A die in Verilator, or a chain of some whose links keep `room` bytes; without Verilator the test is
    skipped."""

    def __init__(self, whole: Whole, folder: Path, dies: int = 0, room: int = 0) -> None:
        if shutil.which("verilator") is None:
            pytest.skip("no verilator")
        self.whole, self.folder = whole, folder
        self.dies = [f"scf_chain.die{n}" for n in range(dies)] or ["scf_die"]
        bits = 4 * whole.rom.columns
        roms = [RomSpec(MACRO_WORDS, bits, mux=mux) for mux in sorted({1, whole.rom.mux})]
        assert [rom.name for rom in roms] == [rom_macro_name(bits, rom.mux) for rom in roms]
        verilog = die_verilog(whole.rom, whole.ram, whole.vec, whole.rows)
        if dies:
            verilog += chain_verilog(dies, room)
        rams = {(int(w), int(b)) for w, b in re.findall(r"scf_ram_(\d+)x(\d+) macro", verilog)}
        assert (whole.ram.words, MACRO_BITS) in rams
        (folder / "die.v").write_text(verilog)
        (folder / "macros.v").write_text(
            "".join([*map(rom_verilog, roms), *(sram_verilog(SramSpec(*r)) for r in sorted(rams))])
        )
        shutil.copy(Path(__file__).with_name("die.cpp"), folder / "host.cpp")
        subprocess.run(
            ["verilator", "--cc", "--exe", "--build", "-O3", "--x-assign", "unique", "--x-initial", "unique",
             "-CFLAGS", "-O2", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD",
             "--top-module", self.dies[0].split(".")[0], "--prefix", "Vdie", "-o", "simulator",
             "host.cpp", "die.v", "macros.v"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip

    def load(self, *images: DieImage) -> None:
        """Make images the contents of the dies' ROMs."""
        for die, image in zip(self.dies, images, strict=True):
            for name, words in self.whole.contents(image).items():
                text = "\n".join(f"{int(w):x}" for w in [*words, *[0] * (MACRO_WORDS - len(words))])
                (self.folder / f"TOP.{die}.{name}.macro.hex").write_text(text + "\n")

    def run(self, script: str, limit: int = 3_000_000) -> tuple[list[int], list[int], float]:
        """Bytes that came, the cycle of each, and cycles a second of processor time."""
        done = subprocess.run(
            [self.folder / "obj_dir" / "simulator", str(limit), "+scf_bank_dir=.", "+verilator+seed+7"],
            input=script, capture_output=True, text=True, cwd=self.folder,
        )  # fmt: skip
        lines = [line.split() for line in done.stdout.splitlines()]
        assert done.returncode == 0, (done.stdout[-200:], done.stderr)
        assert not [line for line in lines if line[0] == "ERROR:"], "a macro was misused"
        got = [line for line in lines if line[0] == "BYTE"]
        return [int(g[1]) for g in got], [int(g[2]) for g in got], float(lines[-1][2])
