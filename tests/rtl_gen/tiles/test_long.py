"""Heads wider than a ram tile has columns, texts longer than it has rows, in Verilator (-s prints cycles)."""

import numpy as np
import pytest

from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec import VecModel
from rtl_gen.golden.vec_isa import Write
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.whole import Simulator, Whole, image_of

ROM, RAM_WORDS = RomTileSize(banks=8), 64
WIDE = Shape(dim=20, layers=1, heads=2, kv_heads=1, head_dim=64, hidden=12, vocab=40, context=40)
LONG = Shape(dim=20, layers=2, heads=6, kv_heads=2, head_dim=6, hidden=12, vocab=40, context=132)


def asked(shape):
    """A short text, one into the last positions, a short one behind it."""
    prompt = np.random.default_rng(3).integers(0, shape.vocab, shape.context - 6).tolist()
    return [([3], 32, 7), (prompt, 16, 5), ([9, 1], 0, 1)]


def says(model, requests):
    # No token ends a text, so each fills the context.
    return [list(Network(model).generate(p, beta=beta, seed=seed)) for p, beta, seed in requests]


@pytest.mark.flow
def test_a_die_says_what_the_golden_decoder_says_in_its_cycles(tmp_path):
    models = [random_model(shape, 4, 4) for shape in (WIDE, LONG)]
    images = [image_of(model, ROM, 2, 6, RAM_WORDS) for model in models]
    wide, long = images
    for image, down, along in ((wide, 3, 2), (long, 1, 3)):  # tiles of a key, and of a value
        tiles = {
            w: {r.only for r in image.program if r.fields.get("write") == w}
            for w in (Write.DOWN, Write.ALONG)
        }
        assert [len(tiles[Write.DOWN]), len(tiles[Write.ALONG])] >= [down, along]
    assert wide.activations[1] <= 256  # as the tile that ships has
    die = Simulator(Whole.of(ROM, images), tmp_path)
    for model, image in zip(models, images, strict=True):
        die.load(image)
        requests = asked(model.shape)
        want = says(model, requests)
        script = "\n".join(
            f"send {image.request(*r).hex()} wait {len(w)}" for r, w in zip(requests, want, strict=True)
        )
        got, cycles, speed = die.run(script)
        assert got == [token for each in want for token in each]
        golden = VecModel(image)
        for request in requests:
            golden.send(image.request(*request))
        within = np.ones(len(got) - 1, bool)
        within[np.cumsum([len(w) for w in want])[:-1] - 1] = False  # not from one text to the next
        assert np.array_equal(np.diff(cycles)[within], np.diff(golden.said_at)[within])
        first = np.diff(cycles)[: len(want[0]) - 1]
        print(f"{model.shape.head_dim}: {first[0]} to {first[-1]} cycles per token; {speed:,.0f} per second")
