"""The golden model: exact, equal to Python's integers, and the same however positions are fed."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden import formats
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.matrix import Matrix, planes
from rtl_gen.golden.model import Layer, Model, Tables
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vector import mantissas, normalise, probabilities, rescale, rms_norm, silu
from tests.rtl_gen import exact

SHAPE = Shape(dim=48, layers=2, heads=4, kv_heads=2, head_dim=12, hidden=80, vocab=30, context=24, tied=True)


def tables(shape: Shape, rng: np.random.Generator) -> Tables:
    v = 1 + np.arange(97) / 32
    angle = rng.uniform(0, 2 * np.pi, (shape.context, shape.head_dim // 2))
    return Tables(
        rsqrt=np.rint(30000 / np.sqrt(v)).astype(np.int64),
        recip=np.minimum(np.rint(32768 / v), 32767).astype(np.int64),
        exp2=np.rint(32767 * 2.0 ** (-np.arange(33) / 32)).astype(np.int64),
        sigmoid=np.rint(32767 / (1 + np.exp(-np.arange(65) / 8))).astype(np.int64),
        rotary=np.rint(np.stack([np.cos(angle), np.sin(angle)], -1) * 2047).astype(np.int64),
    )


def random_model(shape: Shape, seed: int, hadamard: int = 1, size: float = 1.0) -> Model:
    """Random codes, with factors of about the right size, or `size` times as large."""
    rng = np.random.default_rng(seed)

    def make(outputs: int, inputs: int, factor: float) -> Matrix:
        bits = int(rng.choice(formats.CODE_BITS[:4]))
        half = 1 << (bits - 1)
        codes = rng.integers(-half, half, (outputs, inputs)).astype(np.int8)
        return Matrix(bits, codes, Factors.of(size * factor / half * rng.uniform(0.5, 2, outputs), 47))

    s = shape
    layers = tuple(
        Layer(
            q=make(s.q_dim, s.dim, 0.3), k=make(s.kv_dim, s.dim, 0.3), v=make(s.kv_dim, s.dim, 0.5),
            o=make(s.dim, s.q_dim, 2.0), gate=make(s.hidden, s.dim, 0.3), up=make(s.hidden, s.dim, 0.3),
            down=make(s.dim, s.hidden, 0.002), score_shift=14, gate_unit=9,
        )
        for _ in range(s.layers)
    )  # fmt: skip
    embed = make(s.vocab, s.dim, 2000.0 / size)
    head = dataclasses.replace(embed, factors=Factors.of(rng.uniform(0.01, 0.02, s.vocab), 47))
    return Model(
        "random", s, embed, layers, make(s.dim, s.dim, 0.3) if s.tied else None,
        head if s.tied else make(s.vocab, s.dim, 0.02), hadamard, 500, 6, 738.0, tables(s, rng),
    )  # fmt: skip


shapes = st.builds(
    lambda dim, heads, head_dim, hidden, tied: Shape(
        dim=dim, layers=2, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=hidden, vocab=11,
        context=9, tied=tied,
    ),
    st.integers(1, 20), st.sampled_from([(1, 1), (3, 1), (4, 2)]), st.sampled_from([2, 6, 10]),
    st.sampled_from([4, 12, 24]), st.booleans(),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(0, 999), st.sampled_from([1, 4]), st.sampled_from([0.05, 1.0, 30.0]))
def test_it_is_what_pythons_integers_give(shape, seed, hadamard, size):
    """With factors that are too large everything saturates, and nothing wraps."""
    model = random_model(shape, seed, hadamard, size)
    tokens = np.random.default_rng(seed).integers(0, shape.vocab, 5)
    network = Network(model)
    x = network.feed(tokens)
    residuals, logits = exact.feed(model, tokens.tolist())
    np.testing.assert_array_equal(x, residuals)
    np.testing.assert_array_equal(network.logits(x), logits)


@pytest.mark.parametrize("tied", [True, False])
def test_positions_fed_together_or_alone_give_the_same_integers(tied):
    model = random_model(dataclasses.replace(SHAPE, tied=tied), 1, 16)
    tokens = np.random.default_rng(0).integers(0, SHAPE.vocab, SHAPE.context)
    whole = Network(model)
    x = whole.feed(tokens)
    alone, mixed = Network(model), Network(model)
    one = np.concatenate([alone.feed(int(t)) for t in tokens])
    parts = np.concatenate([mixed.feed(tokens[:7]), mixed.feed(tokens[7:8]), mixed.feed(tokens[8:])])
    np.testing.assert_array_equal(one, x)
    np.testing.assert_array_equal(parts, x)
    np.testing.assert_array_equal(whole.logits(x)[5:6], alone.logits(x[5:6]))
    assert np.unique(x).size > 100  # it does not sit at its limits


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.sampled_from(formats.CODE_BITS), st.lists(st.integers(1, 69), max_size=4))
def test_sums_of_any_chunks_and_planes_add_up(seed, bits, cuts):
    rng = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    codes = rng.integers(-half, half, (5, 70)).astype(np.int8)
    m = Matrix(bits, codes, Factors.of(np.ones(5)))
    x = rng.integers(-128, 128, (3, 70))
    whole = m.sums(x)
    np.testing.assert_array_equal(whole, x @ codes.T.astype(np.int64))
    edges = [0, *sorted(cuts), 70]
    np.testing.assert_array_equal(sum(m.sums(x, slice(a, b)) for a, b in itertools.pairwise(edges)), whole)
    split = planes(codes, bits)
    assert sum(width for _, width, _ in split) == bits
    np.testing.assert_array_equal(sum((x @ digits.T) << shift for shift, _, digits in split), whole)
    for n, (_, width, digits) in enumerate(split):
        low = -(1 << (width - 1)) if n == 0 else 0
        assert digits.min() >= low
        assert digits.max() < low + (1 << width)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.sampled_from(formats.CODE_BITS))
def test_no_input_overflows_a_sum(seed, bits):
    """As many of the largest weights as are taken, with the input that makes most of them, in any order."""
    rng = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    inputs = ((1 << 23) - 1) // (half * 128)
    codes = np.full((2, inputs), -half, np.int8)
    codes[1] = half - 1
    m = Matrix(bits, codes, Factors.of(np.ones(2)))
    x = np.full((1, inputs), -128)
    order = rng.permutation(inputs)
    for total in (np.cumsum((codes * x)[:, order], 1), m.sums(x).T):
        assert np.abs(total).max() < 1 << (formats.SUM - 1)
    assert m.sums(x)[0, 0] == half * 128 * inputs
    with pytest.raises(ValueError, match="which does not fit 24 bits"):
        Matrix(bits, np.full((1, inputs + 1), -half, np.int8), Factors.of(np.ones(1)))


def test_the_vector_unit_at_its_limits():
    """The largest and the smallest of what can arrive: nothing leaves the widths of the table."""
    rng = np.random.default_rng(0)
    t = tables(SHAPE, rng)
    top = 1 << (formats.RESIDUAL - 1)
    for value in (-top, top - 1, 1, 0):
        x = np.full((1, 1 << 16), value)
        m, _ = mantissas(x, formats.SQUARE)
        assert 0 < int((m * m).sum()) + (1 << 39) < 1 << formats.SQUARES or value == 0
        assert np.abs(rms_norm(x, t.rsqrt, 1)).max() < 1 << (formats.WORD - 1)
    words = np.array([-(1 << 15), (1 << 15) - 1, -1, 0, 1])
    for unit in (3, 9, 12):
        s = silu(words, t.sigmoid, unit)
        assert np.abs(s).max() <= 1 << 15
        largest = int(np.abs(s[:, None] * words).max())
        assert largest >> formats.PRODUCT_SHIFT <= 1 << (formats.HIDDEN - 1)
    # All positions alike, at every count: the shares sum to one and half a unit a position.
    for count in (1, 3, 500, 4096):
        zero = np.zeros((1, count), np.int64)
        share = probabilities(np.full((1, count), 32767), t.recip, zero, zero[:, :1])
        assert int(share.sum()) << 7 < 1 << (formats.SUM - 1)
        assert share.max() < 1 << formats.PROBABILITY


@given(st.integers(-(2**40), 2**40), st.integers(-15, 47))
def test_rescaling_rounds_half_up(value, shift):
    assert int(rescale(np.array(value), shift)) == exact.half_up(value, shift)


def test_shifts_that_the_hardware_has_not_are_refused():
    for shift in (-16, 48):
        with pytest.raises(ValueError, match=r"leave -15 \.\. 47"):
            rescale(np.array([1]), shift)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40), st.sampled_from([8, 12, 18]))
def test_mantissas_are_the_finest_that_fit(values, bits):
    m, e = mantissas(np.array([[v >> 20 for v in values]]), bits)
    assert np.abs(m).max() <= 1 << (bits - 1)
    x = np.array([v >> 20 for v in values])
    assert (np.abs((m[0] << int(e[0, 0])) - x) <= 1 << int(e[0, 0])).all()
    assert e[0, 0] == 0 or np.abs(x).max() >= 1 << (int(e[0, 0]) + bits - 2)


@given(st.integers(1, 2**40 - 1))
def test_sums_are_normalised(value):
    found = tuple(int(a[0]) for a in normalise(np.array([value])))
    assert found == exact.normalise(value)
    assert 0 <= found[0] < formats.INTERVALS


def test_the_table_of_widths_names_every_value_once():
    names = [v.name for v in formats.VALUES]
    assert len(set(names)) == len(names)
    assert all(v.bits > 0 and v.bound for v in formats.VALUES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hadamard": 32}, "Hadamard blocks of 32 do not fit 80"),
        ({"shape": dataclasses.replace(SHAPE, dim=49)}, "embed is"),
        ({"shape": dataclasses.replace(SHAPE, head_dim=512, heads=1, kv_heads=1)}, "scores of heads of 512"),
        ({"norm_epsilon": 1 << 39}, "squares of 48 elements"),
    ],
)
def test_models_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(random_model(SHAPE, 0), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score_shift": 2}, "scores are shifted by 2"),
        ({"gate_unit": 13}, r"1.0 of a gate is 2\*\*13"),
        ({"down": Factors.of(np.full(48, 9.0), 47)}, "factors of down are too large for a shift of 7"),
    ],
)
def test_shifts_that_some_input_would_take_too_far_are_refused(change, message):
    layer = random_model(SHAPE, 0).layers[0]
    if "down" in change:
        change = {"down": dataclasses.replace(layer.down, factors=change["down"])}
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(layer, **change)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_words_take_no_shift_too_far(sign):
    """Codes and factors with which everything saturates, at the least shifts that are taken."""
    s = Shape(dim=8, layers=1, heads=2, kv_heads=1, head_dim=2, hidden=128, vocab=3, context=4, tied=False)

    def full(outputs: int, inputs: int, shift: int) -> Matrix:
        codes = np.full((outputs, inputs), 7, np.int8)
        top = np.full(outputs, 2047)
        return Matrix(4, codes, Factors(sign * top, np.zeros(outputs, np.int64), shift))

    layer = Layer(
        q=full(4, 8, 1), k=full(2, 8, 1), v=full(2, 8, 1), o=full(8, 4, 1), gate=full(128, 8, 1),
        up=full(128, 8, 1), down=full(8, 128, 9), score_shift=3, gate_unit=3,
    )  # fmt: skip
    model = Model(
        "full", s, full(3, 8, 1), (layer,), None, full(3, 8, 1), 64, 1, 6, 738.0,
        tables(s, np.random.default_rng(0)),
    )  # fmt: skip
    network = Network(model)
    tokens = [0, 1, 2, 0]
    x = network.feed(tokens)
    residuals, logits = exact.feed(model, tokens)
    np.testing.assert_array_equal(x, residuals)
    np.testing.assert_array_equal(network.logits(x), logits)
    assert np.abs(x).max() >= (1 << 23) - 1


def test_generation_stops_at_the_end_token_or_the_context():
    model = random_model(SHAPE, 2)
    network = Network(model)
    tokens = list(network.generate([1, 2, 3]))
    assert len(tokens) == SHAPE.context - 3 + 1
    absent = next(n for n in range(SHAPE.vocab) if n not in tokens)
    for ends in ((tokens[2],), (absent, tokens[2])):
        stopped = list(Network(dataclasses.replace(model, ends=ends)).generate([1, 2, 3]))
        assert stopped == tokens[: tokens.index(tokens[2]) + 1]
    warm = list(network.generate([1, 2, 3], beta=32, seed=9))
    assert warm == list(network.generate([1, 2, 3], beta=32, seed=9))
    assert warm != tokens


def test_tokens_and_context_have_limits():
    network = Network(random_model(SHAPE, 2))
    for bad in ([SHAPE.vocab], [-1], []):
        with pytest.raises(ValueError, match="outside the vocabulary"):
            network.feed(bad)
    network.feed([0] * SHAPE.context)
    with pytest.raises(ValueError, match="context"):
        network.feed(0)


def test_a_tap_sees_what_enters_and_leaves_every_matrix():
    seen = {}
    model = random_model(SHAPE, 3, 16)
    network = Network(model, seen.__setitem__)
    network.logits(network.feed([1, 2]))
    names = {f"layers.{n}.{k}" for n in range(2) for k in ("q", "k", "v", "o", "gate", "up", "down")}
    assert {n.rpartition(".")[0] for n in seen} == names | {"final", "head"}
    down = model.layers[1].down
    np.testing.assert_array_equal(seen["layers.1.down.sum"], down.sums(seen["layers.1.down.in"]))
