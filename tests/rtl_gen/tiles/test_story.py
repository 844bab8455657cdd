"""The built-in story model in the RTL of a whole die, with an adapter and without (-s prints cycles)."""

import numpy as np
import pytest

from base_chip.synth.tiles import VEC_TILE
from metal_configs.compile.program.die import compile_die
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.network import Network
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_adapter import random_adapter
from tests.rtl_gen.tiles.whole import Simulator, Whole

ROM = RomTileSize()
KINDS = "q", "v", "down"  # A of `down` has 160 rows, a ram tile 128
PROMPT, WORDS = [300, 301, 302], 12


@pytest.mark.flow
def test_story_says_what_the_golden_decoder_says_with_an_adapter_and_without(tmp_path):
    from flow.api import load_model, quantise
    from metal_configs.lower import lower

    done = quantise(load_model("story"))
    model = lower(done.model, done.calibration, 16).shortened(32)
    adapter = random_adapter(model.shape, 1, 4, KINDS, size=0.1)
    ranks = {name: len(pair.a.codes) for name, pair in adapter.pairs.items()}
    array = ArrayModel((2, 1), ROM.depth, ROM.columns, ROM.rows, ROM.sum_bits, ROM.row_step)
    image = compile_die(model, array, 6, 128, ranks)
    whole = Whole.of(ROM, [image])
    assert max(len(group.slices) for group in image.adapters.inner) == 2
    # It is a die of the tiles that are hardened.
    assert whole.vec.program_banks <= VEC_TILE.program_banks
    assert whole.vec.rom_banks <= VEC_TILE.rom_banks
    assert whole.vec.memory <= VEC_TILE.memory
    die = Simulator(whole, tmp_path)
    die.load(image)
    texts = []
    for loaded in (adapter, None):
        want = list(Network(model, adapter=loaded).generate(PROMPT, beta=16, seed=3))[:WORDS]
        sent = image.adapters.load(loaded) + image.request(PROMPT, 16, 3)
        said, cycles, speed = die.run(f"send {sent.hex()} wait {2 * WORDS}")
        got = [low | high << 8 for low, high in zip(said[::2], said[1::2], strict=True)]
        assert got == want
        texts.append(got)
        print(f"{np.diff(cycles[1::2]).mean():.0f} cycles per token; {speed:,.0f} cycles per second")
    assert texts[0] != texts[1]
