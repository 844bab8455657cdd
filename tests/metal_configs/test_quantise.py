import dataclasses
import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metal_configs.checkpoint import Checkpoint
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.quantise import (
    Policy,
    Rotation,
    average_bits,
    calibrate,
    dequantised,
    fold,
    quantise,
)
from metal_configs.quantise.fold import fold_matrix
from metal_configs.quantise.gptq import gptq
from metal_configs.quantise.picture import picture
from metal_configs.quantise.report import report
from metal_configs.quantise.rounding import best_scale, round_to_nearest
from metal_configs.reference import logits
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.shape import Shape


def checkpoint(tied: bool = True, seed: int = 0, shape: Shape | None = None) -> Checkpoint:
    shape = shape or Shape(
        dim=12, layers=2, heads=6, kv_heads=2, head_dim=4, hidden=20, vocab=11, context=16, tied=tied
    )
    rng = np.random.default_rng(seed)
    w = {
        n: (rng.standard_normal(s) * 0.4 + ("norm" in n)).astype(np.float32)
        for n, s in tensor_shapes(shape).items()
    }
    return Checkpoint("toy", shape, Path("toy"), w.__getitem__)


def sequences(n: int = 30, seed: int = 5) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [list(map(int, rng.integers(0, 11, rng.integers(2, 12)))) for _ in range(n)]


@pytest.mark.parametrize("tied", [True, False])
def test_fold_changes_no_logit(tied):
    c = checkpoint(tied)
    weights, final_norm = fold(c)
    assert set(weights) == set(c.shape.matrices())
    assert (final_norm == 1).all() != tied
    tokens = np.array([[1, 2, 3, 4, 5]])
    np.testing.assert_allclose(
        logits(c.shape, weights | {"final_norm": final_norm}, tokens, dtype=np.float64),
        logits(c.shape, c.weights(), tokens, dtype=np.float64),
        rtol=1e-9, atol=1e-9,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 4, 6]), st.sampled_from([1e-6, 1.0, 1e4]))
def test_rounding_is_nearest_and_never_worse_than_covering_all(seed, bits, size):
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((5, 17)) * size * rng.choice([1, 10], (5, 1))
    q = round_to_nearest(w, bits)
    top = 1 << (bits - 1)
    assert (q.scale > 0).all()
    inside = np.abs(w / q.scale[:, None]) < top - 1
    assert (
        np.abs(q.dequantised() - w)[inside] <= (q.scale[:, None] * np.ones_like(w))[inside] / 2 * 1.0001
    ).all()
    cover = np.abs(w).max(1, keepdims=True) / (top - 1)
    plain = np.rint(w / cover) * cover
    assert ((q.dequantised() - w) ** 2).sum() <= ((plain - w) ** 2).sum() * 1.02


@pytest.mark.parametrize("largest", [6, 7, 8])
@pytest.mark.parametrize("way", ["rtn", "gptq"])
def test_weights_on_a_grid_come_back_exactly(way, largest):
    rng = np.random.default_rng(0)
    codes = rng.integers(-6, 7, (6, 40))
    codes[:, 3] = -largest
    w = (codes * rng.uniform(0.01, 3, (6, 1))).astype(np.float32)
    x = rng.standard_normal((200, 40)) @ rng.standard_normal((40, 40))
    q = round_to_nearest(w, 4) if way == "rtn" else gptq(w, 4, x.T @ x)
    np.testing.assert_array_equal(q.codes, codes)


def test_zero_rows():
    w = np.zeros((3, 4))
    assert (round_to_nearest(w, 4).codes == 0).all()
    assert (gptq(w, 4, np.zeros((4, 4))).codes == 0).all()
    assert (best_scale(w, 4) > 0).all()


@pytest.mark.parametrize("block", [4, 128])
def test_gptq_beats_nearest_on_correlated_inputs(block):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((500, 24)) @ rng.standard_normal((24, 24))
    w = rng.standard_normal((16, 24))

    def loss(q):
        return np.linalg.norm(x @ (q.dequantised() - w).T)

    better = gptq(w, 4, x.T @ x, block=block)
    assert loss(better) < 0.9 * loss(round_to_nearest(w, 4))
    np.testing.assert_array_equal(better.codes, gptq(w, 4, x.T @ x, block=24).codes)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 4, 5, 6]))
def test_every_sweep_lowers_the_error(seed, bits):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((200, 40)) @ rng.standard_normal((40, 40))
    w = rng.standard_normal((8, 40))
    h = x.T @ x / len(x)
    damped = h + 0.01 * np.diag(np.full(40, h.diagonal().mean()))
    losses = []
    for sweeps in (0, 1, 2, 5):
        q = gptq(w, bits, h, block=16, sweeps=sweeps)
        assert (q.scale > 0).all()
        off = q.dequantised() - w
        losses.append(np.einsum("oi,ij,oj->o", off, damped, off))
    for before, after in itertools.pairwise(losses):
        assert (after <= before * (1 + 1e-4)).all()  # it computes in 32 bits
    assert losses[-1].sum() < losses[0].sum()


def test_sweeps_find_the_best_codes_of_two_columns():
    """Against all codes there are, at the scale that was fitted."""
    h = np.array([[1.0, 0.8], [0.8, 1.0]])
    w = np.random.default_rng(1).standard_normal((50, 2))
    q = gptq(w, 3, h, damping=0.0, sweeps=3)
    every = np.array(list(itertools.product(range(-4, 4), repeat=2)))
    off = every * q.scale[:, None, None] - w[:, None]
    best = np.einsum("oci,ij,ocj->oc", off, h, off).min(1)
    mine = q.dequantised() - w
    near = np.einsum("oi,ij,oj->o", mine, h, mine) <= best * 1.0001
    assert near.mean() > 0.8


@pytest.mark.parametrize("policy", [Policy("rtn"), Policy("gptq")])
def test_quantise_is_deterministic_and_storable(policy, tmp_path):
    c = checkpoint()
    a, b = (quantise(c, policy, sequences()) for _ in range(2))
    a.save(tmp_path / "a")
    b.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = QuantModel.load(tmp_path / "a")
    assert list(back.matrices) == list(c.shape.matrices())
    np.testing.assert_array_equal(back.final_norm, c.tensor("final_norm"))


def test_to_nearest_every_matrix_is_rounded_by_itself():
    c = checkpoint(tied=False)
    whole = quantise(c, Policy("rtn"))
    for name, m in whole.matrices.items():
        one = round_to_nearest(fold_matrix(c, name), m.bits)
        np.testing.assert_array_equal(one.codes, m.codes)
        np.testing.assert_array_equal(one.scale, m.scale)


def test_bits_by_name_kind_and_rest():
    model = quantise(checkpoint(tied=False), Policy(bits={"*": 3, "down": 4, "layers.1.down": 6}))
    bits = {n: m.bits for n, m in model.matrices.items()}
    assert (bits["layers.0.down"], bits["layers.1.down"], bits["embed"], bits["head"]) == (4, 6, 3, 3)
    default = {n: m.bits for n, m in quantise(checkpoint(tied=False)).matrices.items()}
    assert {n for n, b in default.items() if b == 6} == {"embed", "head"}
    assert 4 < average_bits(quantise(checkpoint())) < 6


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy(bits=7), "layers.0.q would have 7 bits, expected one of"),
        (Policy(bits={"down": 4}), "embed would have None bits"),
        (Policy("gptq"), "gptq has no calibration sequences"),
    ],
)
def test_policies_that_cannot_be_followed(policy, message):
    with pytest.raises(FlowError, match=message) as e:
        quantise(checkpoint(), policy)
    assert e.value.code == ExitCode.USAGE


def test_report_orders_models_by_loss():
    c = checkpoint()
    rotation = Rotation.of(c.shape)
    model = quantise(c, rotation=rotation)
    exact = c.weights()
    again = {"again": lambda tokens: logits(c.shape, exact, tokens)}
    texts = {"prose": sequences(), "chat": sequences(9, seed=7)}
    r = report(c, model, texts, again, rotation=rotation)
    names = ["float", "weights rounded", "again"]
    assert [(row.text, row.name) for row in r.rows] == [(t, n) for t in texts for n in names]
    assert [row.name for row in r.first_text()] == names
    for exactly, rounded, repeated in (r.rows[:3], r.rows[3:]):
        assert repeated.score.nll == pytest.approx(exactly.score.nll, rel=1e-6)
        assert exactly.agreement == repeated.agreement == 1
        assert exactly.kl == 0
        assert repeated.kl < 1e-9
        assert 0.5 < rounded.agreement < 1
        assert rounded.low < rounded.score.nll - exactly.score.nll < rounded.high
        assert 0 < rounded.kl < 0.5
    assert r.rows[0].score.tokens == sum(len(s) - 1 for s in texts["prose"])
    assert all(0 < e < 0.2 for e in r.errors.values())
    assert r.errors["embed"] < min(e for n, e in r.errors.items() if n not in ("embed", "final"))
    assert set(r.outliers) == {"q k v", "o", "gate up", "down"}
    assert "weights rounded" in r.text()
    assert "bits of code per weight" in r.text()
    assert "the float model is read from" not in r.text()
    coarse = dataclasses.replace(c, formats=("F32", "Q4_1"))
    told = report(coarse, model, {"prose": sequences(3)}, rotation=rotation).text()
    assert "the float model is read from Q4_1: what that rounding cost is not counted" in told
    assert picture(r) == picture(r)
    with Image.open(io.BytesIO(picture(r))) as image:
        assert image.format == "PNG"


def test_text_without_a_prediction_is_named():
    with pytest.raises(ValueError, match="no sequence of two or more tokens to score, of chat"):
        report(checkpoint(), quantise(checkpoint()), {"prose": [[1, 2]], "chat": [[1]]})


@pytest.mark.parametrize("tied", [True, False])
def test_a_matrix_makes_up_for_what_the_ones_before_it_lost(tied):
    """What it computes is nearer to the exact model than when each matrix repeats its weights."""
    c = checkpoint(tied, seed=4)
    text, held = sequences(200), sequences(60, seed=9)

    def off(trust):
        with pytest.MonkeyPatch.context() as m:
            m.setattr(calibrate, "TRUST", trust)
            model = quantise(c, Policy("gptq", {"*": 3}), text)
        tokens = np.array([s[:9] for s in held if len(s) >= 9])
        exact = logits(c.shape, c.weights(), tokens)
        return np.square(logits(c.shape, dequantised(model), tokens) - exact).mean()

    assert off(0.1) < off(1e12)


def test_more_bits_lose_less():
    c = checkpoint()
    errors = [
        np.linalg.norm(
            dequantised(quantise(c, Policy(bits={"*": b})))["layers.0.up"] - fold(c)[0]["layers.0.up"]
        )
        for b in (3, 4, 6)
    ]
    assert errors[0] > 1.5 * errors[1] > 3 * errors[2]
