"""The core in RTL against the golden model, token for token, on random integer models."""

from dataclasses import replace

import numpy as np
import pytest

from metal_configs.image import build_image
from rtl_gen.golden.decoder import GoldenDecoder
from tests.rtl_gen.models import SMALL, core_for, random_model
from tests.rtl_gen.simulation import request, run_core


def expected(model, prompt, beta, seed):
    return list(GoldenDecoder(model).generate(prompt, beta=beta, seed=seed))


@pytest.mark.parametrize(
    ("seed", "beta", "prompt"),
    [(1, 0, [3, 5]), (2, 32, [0]), (3, 10, [7, 2, 9])],
)
def test_tokens_equal_golden_model(seed, beta, prompt):
    model = random_model(SMALL, seed)
    image = build_image(model, core_for(SMALL))
    want = expected(model, prompt, beta, 1000 + seed)
    got = run_core(core_for(SMALL), image.rows, request(1000 + seed, beta, prompt), len(want))
    assert got == want


def test_untied_head_and_a_host_that_stalls():
    shape = replace(SMALL, tied=False, kv_heads=4)
    model = random_model(shape, 11)
    image = build_image(model, core_for(shape))
    want = expected(model, [4], 20, 77)
    assert run_core(core_for(shape), image.rows, request(77, 20, [4]), len(want), stall=3) == want


def test_two_requests_follow_each_other():
    model = random_model(SMALL, 5)
    image = build_image(model, core_for(SMALL))
    first, second = expected(model, [2], 0, 1), expected(model, [8, 6], 40, 9)
    stream = request(1, 0, [2]) + request(9, 40, [8, 6])
    got = run_core(core_for(SMALL), image.rows, stream, len(first) + len(second))
    assert got == first + second


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_end_token_ends_a_text_and_the_next_request_is_taken(which):
    """The program compares with each of them, so that hardware, golden model and host agree on the end."""
    free = replace(random_model(SMALL, 1), ends=())
    tokens = expected(free, [3], 32, 4)
    assert len(tokens) == SMALL.context  # nothing ends it before the context
    end = tokens[1]
    assert end != tokens[0]
    others = [n for n in range(SMALL.vocab) if n not in tokens][:2]
    model = replace(free, ends=(*others[:which], end, *others[which:]))
    first, second = expected(model, [3], 32, 4), expected(model, [5, 2], 0, 9)
    assert first == tokens[:2]
    stream = request(4, 32, [3]) + request(9, 0, [5, 2])
    image = build_image(model, core_for(SMALL))
    assert image.instructions == build_image(free, core_for(SMALL)).instructions + 3
    assert run_core(core_for(SMALL), image.rows, stream, len(first) + len(second)) == first + second


def test_a_prompt_that_fills_the_context_is_followed_by_one_token():
    model = random_model(SMALL, 2, ends=())
    image = build_image(model, core_for(SMALL))
    full = list(range(2, 2 + SMALL.context))
    first, second = expected(model, full, 32, 3), expected(model, [4], 0, 9)
    assert (len(first), len(second)) == (1, SMALL.context)
    stream = request(3, 32, full) + request(9, 0, [4])
    assert run_core(core_for(SMALL), image.rows, stream, 1 + SMALL.context) == first + second


def test_a_flipped_weight_changes_what_the_core_computes():
    """The comparison must be able to fail: a different ROM is a different model."""
    model = random_model(SMALL, 1)
    image = build_image(model, core_for(SMALL))
    block = next(b for b in image.blocks if b.name.startswith("embed["))
    rows = image.rows.copy()
    rows[block.start : block.start + len(block.rows)] ^= np.uint64(0x5A5A5A5A5A5A5A5A)
    want = expected(model, [3, 5], 0, 1)
    assert run_core(core_for(SMALL), rows, request(1, 0, [3, 5]), len(want), limit=12_000) != want
