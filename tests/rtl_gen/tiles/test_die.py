"""A whole die in Verilator: tokens, whoever waits, whatever is cut off (with -s: cycles a token)."""

import dataclasses

import numpy as np
import pytest

from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.ports import component_verilog
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.whole import Whole, image_of, run, simulator

ROM = RomTileSize(banks=8)
SHAPE = Shape(dim=36, layers=2, heads=4, kv_heads=2, head_dim=6, hidden=48, vocab=70, context=40)


@pytest.fixture(scope="module")
def model():
    return dataclasses.replace(random_model(SHAPE, 8, 16), ends=(5,))


def says(model, prompt, beta, seed):
    return list(Network(model).generate(prompt, beta=beta, seed=seed))


@pytest.mark.flow
def test_a_die_says_what_the_golden_decoder_says(model, tmp_path):
    """Two rows of rom tiles, and positions beyond one chunk of keys."""
    image = image_of(model, ROM, 2, 3, 64)
    die = simulator(Whole(image, ROM), tmp_path)
    rng = np.random.default_rng(1)
    long = rng.integers(0, 70, 36).tolist()
    requests = [([3, 1], 0, 1), ([7], 32, 99), (long, 40, 5), ([], 0, 1), ([2, 2], 16, 8)]
    want = [says(model, *r) if r[0] else [5] for r in requests]
    sent = [image.request(*r) for r in requests]
    whole = [token for each in want for token in each]

    plain = "\n".join(f"send {s.hex()} wait {len(w)}" for s, w in zip(sent, want, strict=True))
    got, cycles, speed = run(die, plain)
    assert got == whole
    print(f"{np.median(np.diff(cycles)):.0f} cycles a token; {speed:,.0f} cycles a second")

    # A host that is slow to send and to take; all requests are on their way at once.
    got, _, _ = run(die, f"pace 7 911\nsend {b''.join(sent).hex()} wait {len(whole)}")
    assert got == whole

    # A request that stops half way, and one in the middle of an answer; after a reset the next is its own.
    cut = f"send {sent[0][:6].hex()} run 9000 reset send {sent[1].hex()} wait 3 run 1234 reset\n" + plain
    got, _, _ = run(die, cut)
    assert got == want[1][:3] + whole

    # What is cut off is only waited for: the rest may come late.
    got, _, _ = run(die, f"send {sent[0][:7].hex()} run 5000 send {sent[0][7:].hex()} wait {len(want[0])}")
    assert got == want[0]


def test_verilog_of_a_die_is_the_same_each_time(model):
    image = image_of(model, ROM, 2, 3, 64)
    assert component_verilog(Whole(image, ROM), "die") == component_verilog(Whole(image, ROM), "die")
