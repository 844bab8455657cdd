"""Rotations change no result of a float model, whatever its dimensions and whichever file it came from."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.checkpoint import Checkpoint, load
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.quantise.hadamard import hadamard, orthogonal, sylvester
from metal_configs.quantise.rotate import Folded, Rotation
from metal_configs.reference import activations, logits
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vector import sums_and_differences
from tests.metal_configs import exports


@pytest.mark.parametrize("order", [1, 2, 4, 12, 20, 24, 28, 32, 36, 44, 60, 112, 576])
def test_hadamard_matrices_have_orthogonal_rows(order):
    h = hadamard(order)
    assert set(np.unique(h)) <= {-1, 1}
    np.testing.assert_array_equal(h.astype(int) @ h.T.astype(int), order * np.eye(order))


@pytest.mark.parametrize("order", [0, 3, 6, 7, 10, 92])
def test_orders_without_a_construction_are_said(order):
    """There is no matrix of order 6; one of 92 exists, but not by Paley."""
    assert hadamard(order) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.integers(0, 99))
def test_any_dimension_has_a_rotation(order, seed):
    r = orthogonal(order, np.random.default_rng(seed))
    np.testing.assert_allclose(r @ r.T, np.eye(order), atol=1e-12)
    np.testing.assert_array_equal(r, orthogonal(order, np.random.default_rng(seed)))


def test_entries_are_of_one_size_where_a_hadamard_matrix_exists():
    r = orthogonal(576, np.random.default_rng(0))
    np.testing.assert_allclose(np.abs(r), 1 / 24, rtol=1e-12)


@given(st.integers(0, 99), st.sampled_from([1, 2, 8, 64]))
def test_blocks_are_products_with_sylvesters_matrix(seed, order):
    x = np.random.default_rng(seed).integers(-1000, 1000, (2, 3, 3 * order))
    want = (x.reshape(2, 3, 3, order) @ sylvester(order).astype(int).T).reshape(x.shape)
    np.testing.assert_array_equal(sums_and_differences(x, order), want)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(3, 40), st.sampled_from([2, 6, 10, 14]), st.sampled_from([(1, 1), (3, 1), (6, 2), (4, 4)]),
    st.integers(1, 70), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_logits_stay(dim, head_dim, heads, hidden, tied, seed):
    shape = Shape(
        dim=dim, layers=2, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=hidden, vocab=9,
        context=8, tied=tied,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    w = {n: rng.standard_normal(s) * 0.5 + ("norm" in n) for n, s in tensor_shapes(shape).items()}
    c = Checkpoint("toy", shape, Path("toy"), w.__getitem__)
    tokens = rng.integers(0, 9, (2, 8))
    turned = Folded(c, Rotation.of(shape, seed))
    np.testing.assert_allclose(
        logits(shape, turned, tokens, dtype=np.float64), logits(shape, w, tokens, dtype=np.float64), atol=1e-9
    )
    assert set(turned.matrices()) == set(shape.matrices()) | ({"final"} if tied else set())


@pytest.mark.parametrize("kind", ["huggingface", "llama2c", "gguf"])
@pytest.mark.parametrize("tied", [True, False])
def test_logits_of_a_model_of_every_loader_stay(tmp_path, kind, tied):
    shape = Shape(**{**exports.SHAPE.to_dict(), "tied": tied})
    w = exports.weights(shape)
    if kind == "huggingface":
        path = exports.huggingface(tmp_path / "m", shape, w)
    elif kind == "llama2c":
        path = exports.llama2c(tmp_path / "m.bin", shape, w)
    else:
        path = exports.write_gguf(tmp_path / "m.gguf", shape, w, **exports.spm(shape))
    c = load(path, "m")
    tokens = np.random.default_rng(0).integers(0, shape.vocab, (3, 16))
    # atol is of logits in nats, in the float32 that everything is measured with
    np.testing.assert_allclose(
        logits(shape, Folded(c, Rotation.of(shape)), tokens), logits(shape, c.weights(), tokens), atol=1e-4
    )


def test_an_outlier_is_spread():
    """One direction of the residual a hundred times larger than the others, as deep models have."""
    shape = Shape(dim=64, layers=1, heads=4, kv_heads=2, head_dim=16, hidden=128, vocab=50, context=16)
    rng = np.random.default_rng(3)
    w = {n: rng.standard_normal(s) * 0.3 + ("norm" in n) for n, s in tensor_shapes(shape).items()}
    w["embed"][:, 7] *= 100
    c = Checkpoint("toy", shape, Path("toy"), w.__getitem__)
    texts = [list(map(int, rng.integers(0, 50, 16))) for _ in range(10)]

    def ratio(weights, tap):
        x = activations(shape, weights, texts, [tap])[tap]
        return (np.abs(x).max(1) / np.sqrt((x * x).mean(1))).mean()

    turned = Folded(c, Rotation.of(shape))
    assert ratio(w, "layers.0.attn_in") > 7
    assert ratio(turned, "layers.0.attn_in") < 2
