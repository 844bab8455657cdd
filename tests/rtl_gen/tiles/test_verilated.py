"""The rom tile as Verilog with the macro's own model, in Verilator: its sums, and how fast (with -s)."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.views import rom_verilog
from rtl_gen.golden.tile import Pass, Plane
from rtl_gen.tiles.ports import Step
from rtl_gen.tiles.rom import RomTileSize, rom_tile_verilog
from tests.rtl_gen.tiles.bench import cycles_of, random_tile, words_of

SIZES = [RomTileSize(), RomTileSize(banks=16)]  # macros that select among rows of a word, and that do not
TOP = "scf_rom_tile"


def payload(size, step):
    if not step:
        return "-"
    idle = {"x": [0] * size.rows, "seek": 0, "row": 0, "first": 0, "last": 0, "one": 0}
    return f"{Step(size.rows).const(idle | step).as_bits():x}"


@pytest.mark.flow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"mux{size.mux}")
def test_a_tile_with_the_macros_own_model_gives_the_golden_sums(tmp_path, size):
    if shutil.which("verilator") is None:
        pytest.skip("no verilator")
    (tmp_path / "tile.v").write_text(rom_tile_verilog(size))
    (tmp_path / "rom.v").write_text(rom_verilog(RomSpec(256, 128, mux=size.mux)))
    shutil.copy(Path(__file__).with_name("verilated.cpp"), tmp_path / "host.cpp")
    subprocess.run(
        ["verilator", "--cc", "--exe", "--build", "-O3", "--x-assign", "unique", "--x-initial", "unique",
         "-CFLAGS", "-O2", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "--top-module", TOP,
         "--prefix", "Vtile", "-o", "simulator", "host.cpp", "tile.v", "rom.v"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    model = random_tile(size, 4)
    for n in range(size.banks):
        text = "\n".join(f"{w:032x}" for w in words_of(size, model, n))
        (tmp_path / f"TOP.{TOP}.bank{n}.macro.hex").write_text(text + "\n")
    rng = np.random.default_rng(5)
    program = []
    for plane in Plane:
        for steps in (1, 40, 86):
            row = int(rng.integers(0, (size.depth - steps) // 2)) * 2
            x = rng.integers(-128, 128, (steps, size.rows)).astype(np.int8)
            program.append(
                Pass(row, x, int(rng.integers(0, size.columns)), bool(rng.integers(0, 4) == 0), plane)
            )
    steps = [*cycles_of(size, program), *([{}] * 44)]
    (tmp_path / "steps").write_text("\n".join(payload(size, s) for s in steps) + "\n")
    done = subprocess.run(
        [tmp_path / "obj_dir" / "simulator", "steps", "100", "+scf_bank_dir=."],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    *got, (_, speed) = [line.split() for line in done.stdout.splitlines()]
    assert [int(v) for (v,) in got] == [v for p in program for v in model.sums(p).tolist()]
    print(f"{float(speed):,.0f} cycles per second")
    assert float(speed) > 50_000
