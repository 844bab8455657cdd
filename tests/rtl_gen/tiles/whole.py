"""A die with its macros and their contents, as Verilog, and a host for it in Verilator."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from metal_configs.compile.program.die import compile_die
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.model import Model
from rtl_gen.golden.vec import DieImage
from rtl_gen.tiles.die import Die
from rtl_gen.tiles.ports import component_verilog
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.rtl_gen.tiles.bench import Macro, words_of

WORDS_A_MACRO = 2048


def image_of(model: Model, rom: RomTileSize, rows: int, ram_rows: int, ram_words: int) -> DieImage:
    """A model on so many rom and ram tiles."""
    array = ArrayModel((rows, 1), rom.depth, rom.columns, rom.rows, rom.sum_bits, rom.row_step)
    return compile_die(model, array, ram_rows, ram_words)


class Whole(wiring.Component):
    """The smallest vec tile for an image, with rom tiles of a size, and all macros filled."""

    def __init__(self, image: DieImage, rom: RomTileSize) -> None:
        self.image, self.rom = image, rom
        size = VecTileSize(
            rom_rows=image.array.grid[0], ram_rows=image.ram_rows, row_step=rom.row_step, memory=image.memory,
            rom_bytes=image.activations[0], ram_bytes=image.activations[1],
            program_banks=-(-len(image.program) // 256), rom_banks=-(-len(image.words) // WORDS_A_MACRO),
        )  # fmt: skip
        self.die = Die(rom, RamTileSize(image.ram_words), size)
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.die = die = self.die
        wiring.connect(m, wiring.flipped(self.rx), die.rx)
        wiring.connect(m, wiring.flipped(self.tx), die.tx)
        program = [row.encode() for row in self.image.program]
        words = np.zeros(WORDS_A_MACRO * len(die.rom), object)
        words[: len(self.image.words)] = self.image.words
        rows = [int(r) for r in (words.reshape(-1, 8) << (16 * np.arange(8)).astype(object)).sum(1)]
        rom_rows = self.image.array.grid[0]
        contents = {"program": program, "rom": rows}
        pins = {"program": die.program, "rom": die.rom}
        for r in range(rom_rows + self.image.ram_rows):
            pins[f"banks{r}"] = getattr(die, f"banks{r}")
        for name, macros in pins.items():
            for n, each in enumerate(macros):
                held = contents.get(name, [])[256 * n : 256 * (n + 1)]
                if name[5:].isdigit() and int(name[5:]) < rom_rows:
                    held = words_of(self.rom, self.image.array.tile(int(name[5:]), 0), n)
                macro = Macro(each.signature, held)
                m.submodules[f"{name}_{n}"] = macro
                wiring.connect(m, each, macro.pins)
        return m


def simulator(whole: Whole, folder: Path) -> Path:
    """Compile a die for Verilator, or skip the test."""
    if shutil.which("verilator") is None:
        pytest.skip("no verilator")
    (folder / "die.v").write_text(component_verilog(whole, "die"))
    shutil.copy(Path(__file__).with_name("die.cpp"), folder / "host.cpp")
    subprocess.run(
        ["verilator", "--cc", "--exe", "--build", "-O1", "--x-assign", "unique", "--x-initial", "unique",
         "-CFLAGS", "-O0", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "--top-module",
         "die",
         "--prefix", "Vdie", "-o", "simulator", "host.cpp", "die.v"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "obj_dir" / "simulator"


def run(program: Path, script: str, limit: int = 3_000_000) -> tuple[list[int], list[int], float]:
    """Bytes that came, the cycle of each, and cycles a second of processor time."""
    seed = "+verilator+seed+7"
    done = subprocess.run([program, str(limit), seed], input=script, capture_output=True, text=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    got = [line for line in lines if line[0] == "BYTE"]
    assert done.returncode == 0, (done.stdout[-200:], done.stderr)
    return [int(g[1]) for g in got], [int(g[2]) for g in got], float(lines[-1][2])
