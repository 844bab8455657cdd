"""A token of SmolLM2-135M through the RTL of every tile of all its dies (-s prints cycles).

A die is a column of 20 rom tiles and 4 ram tiles over a vec tile with more memory than the one that is
hardened. What a die says is what the next one hears, and nothing comes back. So each runs by itself: with the
bytes that the golden model of the die before says it must say those of its own, in the same cycles.
"""

import copy
import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from metal_configs.compile.program.die import compile_part
from metal_configs.compile.program.layers import Most
from metal_configs.compile.program.macros import vec_needs
from metal_configs.compile.program.part import Alone, cut
from rtl_gen.golden.chain import ChainModel
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.token_bytes import from_bytes
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.rtl_gen.tiles.whole import Simulator, Whole, array_of

FILE = os.environ.get("SCF_SMOLLM2", "")  # quantised.safetensors of sc-flow quantise --model smollm2-135m
ROM, RAM, ROWS = RomTileSize(banks=32), RamTileSize(128), (20, 4)
VEC = VecTileSize(
    rom_rows=ROWS[0], ram_rows=ROWS[1], row_step=ROM.row_step, memory=4096, rom_bytes=128, ram_bytes=1024,
    program_banks=8, rom_banks=6,
)  # fmt: skip
POSITIONS = 32
# As many tokens as a die of the embedding holds, and as many as addresses of M tell apart.
TOKENS = 49152
EMBEDS = tuple(range(at, at + 8192) for at in range(0, TOKENS, 8192))
CHOOSES = (range(4096), *(range(at, min(at + 4064, TOKENS)) for at in range(4096, TOKENS, 4064)))


@pytest.mark.flow
@pytest.mark.skipif(not FILE, reason="SCF_SMOLLM2 names no quantised SmolLM2-135M")
def test_a_token_through_the_rtl_of_every_tile(tmp_path):
    from flow.api import load_model
    from flow.quality import token_sequences
    from metal_configs.lower import lower

    began = time.process_time()
    source = load_model("smollm2-135m")
    text = list(token_sequences(source, "calibration", print))
    model = lower(QuantModel.load(Path(FILE)), text, POSITIONS)
    prompt = source.tokenizer.encode("The").ids
    images = [
        compile_part(part, array_of(ROM, ROWS[0]), ROWS[1], RAM.words, most=Most(VEC.memory, VEC.ram_bytes))
        for part in cut(model, model.shape.layers, Alone(EMBEDS, CHOOSES))
    ]
    assert all(needed <= there for image in images for needed, there in vec_needs(image, VEC).values())
    print(f"{len(images)} dies, {time.process_time() - began:.0f} s of processor")

    heard = [images[0].request(prompt, 0, 1)]
    dies = ChainModel(images).dies
    for die in dies:
        heard.append(die.send(heard[-1]))
    assert from_bytes(heard[-1]) == next(iter(Network(model).generate(prompt, beta=0, seed=1)))

    simulator = Simulator(Whole(ROM, RAM, VEC, ROWS), tmp_path)
    began = time.perf_counter()

    def run(n: int, name: str, image: DieImage) -> tuple[list[int], list[int], float]:
        here = copy.copy(simulator)
        here.folder = tmp_path / name
        here.folder.mkdir()
        (here.folder / "obj_dir").symlink_to(tmp_path / "obj_dir")
        here.load(image)
        return here.run(f"send {heard[n].hex()} wait {len(heard[n + 1])}")

    def one(n: int) -> tuple[int, float]:
        got, cycles, speed = run(n, f"die{n}", images[n])
        assert bytes(got) == heard[n + 1], f"die {n}"
        assert np.array_equal(np.diff(cycles), np.diff(dies[n].said_at)), f"die {n}"
        return cycles[-1], speed

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(one, range(len(images))))
    spent = time.perf_counter() - began
    total, slowest = sum(cycles for cycles, _ in done), min(speed for _, speed in done)
    print(f"{total:,} cycles in {spent:.0f} s, {slowest:,.0f} per second of a process")
    # The control: a factor of o twice as large. One of q would change nothing: there is one position.
    n = next(n for n, image in enumerate(images) if "layers.0.o" in image.at)
    wrong = images[n].words.copy()
    wrong[images[n].at["layers.0.o"]] += 1 << 12
    assert bytes(run(n, "wrong", dataclasses.replace(images[n], words=wrong))[0]) != heard[n + 1]
