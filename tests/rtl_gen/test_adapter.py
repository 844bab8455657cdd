"""Low-rank adapters in the golden model: exact, and bound to the model that they were made for."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter, Pair
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from tests.rtl_gen import exact
from tests.rtl_gen.test_network import SHAPE, random_model, shapes


def random_pair(outputs: int, inputs: int, rank: int, rng: np.random.Generator, size: float = 1.0) -> Pair:
    codes = rng.integers(-128, 128, (rank, inputs)).astype(np.int8)
    factors = Factors.of(size * rng.uniform(0.5, 2, rank) / (64 * inputs), 47)
    return Pair(Matrix(8, codes, factors), rng.integers(-128, 128, (outputs, rank)).astype(np.int8))


def random_adapter(shape, seed: int, rank: int = 4, kinds=exact.KINDS, model: str = "", size: float = 1.0):
    rng = np.random.default_rng(seed)
    sizes = shape.matrices()
    names = [n for n in sizes if n.rpartition(".")[2] in kinds and "." in n]
    return Adapter("random", model, {n: random_pair(*sizes[n], rank, rng, size) for n in names})


@settings(max_examples=15, deadline=None)
@given(
    shapes, st.integers(0, 999), st.integers(1, 16), st.sets(st.sampled_from(exact.KINDS), min_size=1),
    st.sampled_from([0.1, 1.0, 100.0]),
)  # fmt: skip
def test_it_is_what_pythons_integers_give(shape, seed, rank, kinds, size):
    """With factors that are too large the inner mantissas saturate."""
    model = random_model(shape, seed)
    adapter = random_adapter(shape, seed, rank, kinds, size=size)
    tokens = np.random.default_rng(seed).integers(0, shape.vocab, 4)
    network = Network(model, adapter=adapter)
    x = network.feed(tokens)
    residuals, logits = exact.feed(model, tokens.tolist(), adapter.pairs)
    np.testing.assert_array_equal(x, residuals)
    np.testing.assert_array_equal(network.logits(x), logits)


def test_it_changes_what_is_computed_and_positions_may_come_together():
    model = random_model(SHAPE, 1, 16)
    adapter = random_adapter(SHAPE, 2)
    tokens = np.random.default_rng(0).integers(0, SHAPE.vocab, 10)
    whole = Network(model, adapter=adapter).feed(tokens)
    alone = Network(model, adapter=adapter)
    np.testing.assert_array_equal(whole, np.concatenate([alone.feed(int(t)) for t in tokens]))
    assert (whole != Network(model).feed(tokens)).mean() > 0.9


def test_b_of_zeros_changes_nothing():
    model = random_model(SHAPE, 1)
    adapter = random_adapter(SHAPE, 2)
    silent = {n: Pair(p.a, np.zeros_like(p.b)) for n, p in adapter.pairs.items()}
    tokens = [1, 2, 3]
    found = Network(model, adapter=dataclasses.replace(adapter, pairs=silent)).feed(tokens)
    np.testing.assert_array_equal(found, Network(model).feed(tokens))


def test_a_tap_sees_both_products():
    seen = {}
    model, adapter = random_model(SHAPE, 3), random_adapter(SHAPE, 3, kinds=("q", "down"))
    Network(model, seen.__setitem__, adapter).feed([1, 2])
    for name in ("layers.0.q", "layers.1.down"):
        p, given_in = adapter.pairs[name], seen[f"{name}.in"]
        np.testing.assert_array_equal(seen[f"{name}.a.sum"], given_in @ p.a.codes.T.astype(int))
        np.testing.assert_array_equal(seen[f"{name}.b.sum"], seen[f"{name}.b.in"] @ p.b.T.astype(int))
        assert np.abs(seen[f"{name}.b.in"]).max() <= 128
    assert "layers.0.k.a.sum" not in seen


def test_what_does_not_fit_the_model_is_named():
    model, rng = random_model(SHAPE, 0), np.random.default_rng(0)
    with pytest.raises(FlowError, match=r"layers.0.q: it adapts a matrix of \(48, 47\), the model's is"):
        Network(model, adapter=Adapter("a", "", {"layers.0.q": random_pair(48, 47, 4, rng)}))
    for name in ("layers.2.q", "embed", "layers.0.norm", "layers.-1.q", "q"):
        with pytest.raises(FlowError, match="no such matrix in a layer"):
            Network(model, adapter=Adapter("a", "", {name: random_pair(48, 48, 4, rng)}))


def test_sums_that_both_together_overflow_are_refused():
    inputs = (1 << 23) // 128 // 7 - 2
    matrix = Matrix(4, np.full((1, inputs), 7, np.int8), Factors.of(np.ones(1)))
    a = Matrix(8, np.ones((4, inputs), np.int8), Factors.of(np.ones(4)))
    Pair(a, np.zeros((1, 4), np.int8)).check(matrix)
    with pytest.raises(ValueError, match=r"a sum can reach \d+ with it, which does not fit 24 bits"):
        Pair(a, np.full((1, 4), 127, np.int8)).check(matrix)


@pytest.mark.parametrize(
    ("rank", "b", "message"),
    [
        (17, np.zeros((3, 17), np.int8), "rank 17, expected 1 to 16"),
        (4, np.zeros((3, 5), np.int8), r"b int8 \(3, 5\)"),
        (4, np.zeros((3, 4), np.int16), "b int16"),
    ],
)
def test_pairs_that_do_not_belong_together(rank, b, message):
    a = Matrix(8, np.zeros((rank, 6), np.int8), Factors.of(np.ones(rank)))
    with pytest.raises(ValueError, match=message):
        Pair(a, b)


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    matrices = {
        n: QuantMatrix(4, rng.integers(-8, 8, size).astype(np.int8), rng.uniform(0.1, 1, size[0]))
        for n, size in SHAPE.matrices().items()
    }
    return QuantModel("toy", SHAPE, matrices, np.ones(SHAPE.dim))


def test_the_file_gives_the_adapter_back_for_its_model_only(tmp_path, model):
    adapter = random_adapter(SHAPE, 5, model=model.digest())
    path = tmp_path / "adapter.safetensors"
    adapter.save(path)
    first = path.read_bytes()
    adapter.save(path)
    assert path.read_bytes() == first
    found = Adapter.load(path, model)
    assert (found.name, found.model, found.ram_bytes) == (adapter.name, adapter.model, adapter.ram_bytes)
    integers, tokens = random_model(SHAPE, 5), [3, 1, 4]
    np.testing.assert_array_equal(
        Network(integers, adapter=found).feed(tokens), Network(integers, adapter=adapter).feed(tokens)
    )
    moved = model.matrices | {
        "embed": dataclasses.replace(model.matrices["embed"], scale=model.matrices["embed"].scale * 2)
    }
    with pytest.raises(FlowError, match=r"made for codes [0-9a-f]{12}, toy has"):
        Adapter.load(path, dataclasses.replace(model, matrices=moved))


def test_damaged_files_are_named(tmp_path, model):
    path = tmp_path / "adapter.safetensors"
    with pytest.raises(FlowError, match="not a quantised adapter"):
        Adapter.load(path, model)
    random_adapter(SHAPE, 5, model=model.digest()).save(path)
    tensors = load_file(path)
    save_file(tensors, path)  # without what says the format
    with pytest.raises(FlowError, match="not a quantised adapter"):
        Adapter.load(path, model)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(FlowError, match="not a quantised adapter"):
        Adapter.load(path, model)
