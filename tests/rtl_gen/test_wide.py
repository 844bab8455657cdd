"""The wide golden model: exact, and the same however positions are fed."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rtl_gen.golden.params import Factors
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.wide import WideDecoder, block_float, normalise_sum
from rtl_gen.golden.wide_params import WideLayer, WideMatrix, WideModel, WideTables

SHAPE = Shape(dim=48, layers=2, heads=4, kv_heads=2, head_dim=12, hidden=80, vocab=30, context=24, tied=True)
BLOCK = 32


def matrix(rng, outputs: int, inputs: int, group: int, factor: float) -> WideMatrix:
    bits = int(rng.choice([3, 4, 6]))
    half = 1 << (bits - 1)
    codes = rng.integers(-half, half, (outputs, inputs)).astype(np.int8)
    steps = rng.integers(1, 64, (outputs, -(-inputs // group))).astype(np.uint8) if group else None
    size = half * (30 if group else 1)
    return WideMatrix(bits, codes, steps, group, Factors.of(factor / size * rng.uniform(0.5, 2, outputs), 47))


def random_model(seed: int, group: int = 32) -> WideModel:
    rng = np.random.default_rng(seed)
    s = SHAPE

    def make(outputs: int, inputs: int, factor: float) -> WideMatrix:
        return matrix(rng, outputs, inputs, group, factor)

    layers = tuple(
        WideLayer(
            q=make(s.q_dim, s.dim, 0.3), k=make(s.kv_dim, s.dim, 0.3), v=make(s.kv_dim, s.dim, 0.5),
            o=make(s.dim, s.q_dim, 2.0), gate=make(s.hidden, s.dim, 0.3), up=make(s.hidden, s.dim, 0.3),
            down=make(s.dim, s.hidden, 0.002), score_shift=14, gate_shift=9,
        )
        for _ in range(s.layers)
    )  # fmt: skip
    angle = rng.uniform(0, 2 * np.pi, (s.context, s.head_dim // 2))
    c, d = np.cos(angle), np.sin(angle)
    rope = np.rint(np.stack([c, -d, d, c], -1).reshape(-1) * 1024).astype(np.int64)
    v = (64 + np.arange(192) + 0.5) / 64
    x = (np.arange(257) - 128) / 16
    tables = WideTables(
        rsqrt=np.rint(1700 / np.sqrt(v)).astype(np.int64), recip=np.rint(2048 / v).astype(np.int64),
        exp2=np.rint(65535 * 2.0 ** (-np.arange(256) / 256)).astype(np.int64),
        sigmoid=np.rint(32767 / (1 + np.exp(-x))).astype(np.int64),
        rope=Factors(rope, np.zeros(rope.size, np.int64), 10),
    )  # fmt: skip
    embed = matrix(rng, s.vocab, s.dim, group, 4000.0)
    head = dataclasses.replace(embed, factors=Factors.of(rng.uniform(0.01, 0.02, s.vocab), 47))
    gain = Factors.of(rng.uniform(0.5, 2, s.dim), 47)
    return WideModel("random", s, BLOCK, embed, layers, head, gain, 19, 500, 6, 738.0, tables)


@pytest.mark.parametrize("group", [0, 32, 64])
def test_positions_fed_together_or_alone_give_the_same_integers(group):
    model = random_model(1, group)
    tokens = np.random.default_rng(0).integers(0, SHAPE.vocab, SHAPE.context)
    whole = WideDecoder(model)
    x = whole.feed(tokens)
    alone, mixed = WideDecoder(model), WideDecoder(model)
    one = np.concatenate([alone.feed(int(t)) for t in tokens])
    parts = np.concatenate([mixed.feed(tokens[:7]), mixed.feed(tokens[7:8]), mixed.feed(tokens[8:])])
    np.testing.assert_array_equal(one, x)
    np.testing.assert_array_equal(parts, x)
    np.testing.assert_array_equal(whole.logits(x)[5:6], alone.logits(x[5:6]))
    assert np.unique(x).size > 100  # it does not sit at its limits


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 16, 32, 64]), st.sampled_from([0, 3, 16]))
@example(2162295, 16, 16)  # positions whose exponents lie far apart
def test_dot_is_exact(seed, group, spread):
    """Against sums of Python's integers."""
    rng = np.random.default_rng(seed)
    m = matrix(rng, 5, 70, group, 1.0)
    mantissa = rng.integers(-128, 128, (3, 70))
    exponent = rng.integers(2, 3 + spread, (3, 3))
    found = m.dot(mantissa, exponent, 32)
    for t in range(3):
        for o in range(5):
            want = 0
            for i in range(70):
                step = 1 if m.steps is None else int(m.steps[o, i // group])
                want += int(m.codes[o, i]) * step * int(mantissa[t, i]) * 2 ** int(exponent[t, i // 32])
            assert found[t, o] == want


def test_sums_that_would_not_be_exact_are_refused():
    m = matrix(np.random.default_rng(0), 2, 64, 32, 1.0)
    with pytest.raises(OverflowError, match="leave"):
        m.dot(np.full((1, 64), 127), np.full((1, 2), 40), 32)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40), st.sampled_from([8, 32]))
def test_block_float_is_the_finest_that_fits(values, block):
    x = np.array([values])
    mantissa, exponent = block_float(x, block)
    assert mantissa.shape == x.shape
    assert ((mantissa >= -128) & (mantissa <= 127)).all()
    for b in range(exponent.shape[1]):
        part, e = x[0, b * block : (b + 1) * block], int(exponent[0, b])
        back = mantissa[0, b * block : (b + 1) * block] << e
        assert (np.abs(back - part) <= (1 << e)).all()  # half a step, or a whole one at the upper end
        assert e == 0 or np.abs(part).max() >= 1 << (e + 6)


@given(st.integers(1, 2**48 - 1))
def test_sums_are_normalised(value):
    index, count = (int(a[0]) for a in normalise_sum(np.array([value])))
    assert 2**46 <= value << (2 * count) < 2**48
    assert index == (value << (2 * count) >> 40) - 64


def test_generation_stops_at_the_end_token_or_the_context():
    model = random_model(2)
    decoder = WideDecoder(model)
    tokens = list(decoder.generate([1, 2, 3]))
    assert len(tokens) == SHAPE.context - 3 + 1
    absent = next(n for n in range(SHAPE.vocab) if n not in tokens)
    for ends in ((tokens[2],), (absent, tokens[2])):
        stopped = list(WideDecoder(dataclasses.replace(model, ends=ends)).generate([1, 2, 3]))
        assert stopped == tokens[: tokens.index(tokens[2]) + 1]
    warm = list(decoder.generate([1, 2, 3], beta=32, seed=9))
    assert warm == list(decoder.generate([1, 2, 3], beta=32, seed=9))
    assert warm != tokens


def test_tokens_and_context_have_limits():
    decoder = WideDecoder(random_model(2))
    for bad in ([SHAPE.vocab], [-1], []):
        with pytest.raises(ValueError, match="outside the vocabulary"):
            decoder.feed(bad)
    decoder.feed([0] * SHAPE.context)
    with pytest.raises(ValueError, match="context"):
        decoder.feed(0)
