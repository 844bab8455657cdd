"""What PyTorch trains: codes of a layer, and an adapter that repairs a model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from flow.api import load_model
from flow.tasks.model import token_sequences
from metal_configs.adapters import quantise_adapter
from metal_configs.checkpoint import Checkpoint
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.quantise import Folded, Policy, Rotation, Rounded, quantise
from metal_configs.reference import layer, logits
from rtl_gen.golden.quantised import QuantMatrix
from rtl_gen.golden.shape import Shape

torch = pytest.importorskip("torch", reason='needs PyTorch: pip install -e ".[train]"')

from metal_configs.adapters import repair  # noqa: E402
from metal_configs.adapters.repair import train_repair  # noqa: E402
from metal_configs.quantise import differentiable  # noqa: E402
from metal_configs.quantise.learned import Learner  # noqa: E402

TIED = Shape(dim=24, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=40, vocab=31, context=16, tied=True)
UNTIED = dataclasses.replace(TIED, layers=1, tied=False)


def checkpoint(shape: Shape) -> Checkpoint:
    rng = np.random.default_rng(0)
    w = {
        n: (rng.standard_normal(s) * 0.3 + ("norm" in n)).astype(np.float32)
        for n, s in tensor_shapes(shape).items()
    }
    return Checkpoint("toy", shape, Path("toy"), w.__getitem__)


def texts(n: int, seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [list(map(int, rng.integers(0, TIED.vocab, 16))) for _ in range(n)]


@pytest.fixture
def exact_products(monkeypatch):
    monkeypatch.setattr(differentiable, "FAST", torch.float32)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("rotation", [None, Rotation.of(TIED)])
def test_the_layer_is_that_of_the_reference(rotation, exact_products):
    weights = Folded(checkpoint(TIED), rotation)
    here = {k: weights[k].astype(np.float32) for k in weights}
    x = np.random.default_rng(1).standard_normal((1, 9, TIED.dim)).astype(np.float32)
    block = 1 if rotation is None else rotation.block

    def times(name: str, a: torch.Tensor) -> torch.Tensor:
        return differentiable.multiply(a, torch.from_numpy(here[name]))

    found = differentiable.decoder_layer(TIED, 1, times, torch.from_numpy(x), block)
    np.testing.assert_allclose(found.numpy(), layer(TIED, here, 1, x), rtol=1e-4, atol=1e-4)


def divergence(exact: np.ndarray, found: np.ndarray) -> float:
    a, b = (y - np.log(np.exp(y).sum(-1, keepdims=True)) for y in (exact, found))
    return float((np.exp(a) * (a - b)).sum(-1).mean())


def loss(shape: Shape, c: Checkpoint, weights: dict[str, np.ndarray], sequences: list[list[int]]) -> float:
    tokens = np.array(sequences)
    return divergence(logits(shape, c.weights(), tokens), logits(shape, weights, tokens))


def residuals(seed: int) -> list[np.ndarray]:
    return [np.random.default_rng(seed).standard_normal((6, 16, TIED.dim)).astype(np.float32)]


def test_learned_codes_of_a_layer_give_more_of_it_than_those_of_gptq_and_are_the_same_again():
    c, rotation = checkpoint(TIED), Rotation.of(TIED)
    weights = Folded(c, rotation)
    want = {k: weights[k].astype(np.float32) for k in weights}
    found = quantise(c, Policy("gptq", 3), texts(40, 1), rotation=rotation).matrices
    x = residuals(3)
    y = [layer(TIED, want, 0, part) for part in x]
    learned, again = (Learner(steps=30).improve(TIED, 0, want, found, x, y, rotation.block) for _ in range(2))
    assert set(learned) == {n for n in found if n.startswith("layers.0.")}
    for name, m in learned.items():
        assert m.bits == found[name].bits
        np.testing.assert_array_equal(m.codes, again[name].codes)
        np.testing.assert_array_equal(m.scale, again[name].scale)

    def error(matrices: dict[str, QuantMatrix]) -> float:
        have = want | {n: m.dequantised(np.float32) for n, m in matrices.items()}
        held = residuals(4)[0]
        return float(np.square(layer(TIED, have, 0, held) - layer(TIED, want, 0, held)).mean())

    assert error(learned) < 0.95 * error(found)


def test_learned_codes_of_story_predict_better_than_those_of_gptq():
    """Of its first two layers, which predict little; what counts is to be near to the exact ones."""
    model = load_model("story")
    shape = dataclasses.replace(model.checkpoint.shape, layers=2)
    c, rotation = dataclasses.replace(model.checkpoint, shape=shape), Rotation.of(shape)
    calibration, held = (token_sequences(model, part) for part in ("calibration", "heldout"))
    plain, learned = (quantise(c, Policy(m, 3), calibration, rotation=rotation) for m in ("gptq", "learned"))
    assert learned.digest() != plain.digest()
    assert {n: m.bits for n, m in learned.matrices.items()} == {n: m.bits for n, m in plain.matrices.items()}
    some = [s[: min(map(len, held))] for s in held[:12]]
    assert loss(shape, c, dict(Rounded(learned)), some) < 0.95 * loss(shape, c, dict(Rounded(plain)), some)


def test_training_that_finds_nothing_better_keeps_what_there_was():
    c = checkpoint(TIED)
    weights = Folded(c, None)
    want = {k: weights[k].astype(np.float32) for k in weights}
    found = quantise(c, Policy("rtn", {"*": 6})).matrices
    x = [np.random.default_rng(1).standard_normal((2, 9, TIED.dim)).astype(np.float32)]
    have = want | {n: m.dequantised(np.float32) for n, m in found.items()}
    y = [layer(TIED, have, 0, part) for part in x]  # exactly what the codes give: there is nothing to gain
    kept = Learner(steps=2).improve(TIED, 0, want, found, x, y, 1)
    assert all(kept[n] is found[n] for n in kept)


@pytest.mark.parametrize("shape", [TIED, UNTIED])
def test_repair_brings_predictions_nearer_and_is_the_same_again(shape, monkeypatch):
    monkeypatch.setattr(repair, "TOKENS", 16)  # one text a step
    c, rotation = checkpoint(shape), Rotation.of(shape)
    model = quantise(c, Policy("rtn", 3), rotation=rotation)
    weights, told = Folded(c, rotation), []
    lora, again = (train_repair(weights, model, texts(30, 1), 4, told.append) for _ in range(2))
    for name, (a, b) in lora.pairs.items():
        np.testing.assert_array_equal(a, again.pairs[name][0])
        np.testing.assert_array_equal(b, again.pairs[name][1])
    assert set(lora.pairs) == {n for n in shape.matrices() if "." in n}
    assert told[-1].startswith("repair: step 120 of 120, divergence 0.")
    have = dict(Rounded(model))
    beside = {n: w + (lora.pairs[n][1] @ lora.pairs[n][0] if n in lora.pairs else 0) for n, w in have.items()}
    held = texts(40, 2)
    assert loss(shape, c, beside, held) < 0.9 * loss(shape, c, have, held)
    adapter = quantise_adapter(lora, model)
    assert adapter.model == model.digest()
    assert all(len(p.a.codes) == 4 for p in adapter.pairs.values())


def test_the_slope_of_the_divergence_is_that_of_autograd(exact_products, monkeypatch):
    monkeypatch.setattr(repair, "ROWS", 4)
    draw = torch.Generator().manual_seed(1)
    found, wanted = (torch.randn(7, 6, generator=draw) for _ in range(2))
    head, exact = (torch.randn(11, 6, generator=draw) for _ in range(2))
    found.requires_grad_()
    plain = torch.nn.functional.kl_div(
        (found @ head.T).log_softmax(-1),
        (wanted @ exact.T).log_softmax(-1),
        reduction="batchmean",
        log_target=True,
    )
    (slope,) = torch.autograd.grad(plain, found)
    loss, same = repair.divergence(found, wanted, head, exact)
    assert loss == pytest.approx(plain.item(), rel=1e-5)
    torch.testing.assert_close(same, slope)
