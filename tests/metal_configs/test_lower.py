"""Lowering: what the integers mean, and what they cost."""

import numpy as np
import pytest

from metal_configs.checkpoint import load
from metal_configs.lower import golden_logits, lower
from metal_configs.lower.ranges import best_clip
from metal_configs.models import resolve
from metal_configs.quantise import Policy, dequantised, quantise
from metal_configs.reference import evaluate, logits, score
from metal_configs.words import corpus

CONTEXT = 16


def sequences(name, step):
    return [corpus.encode(w)[:CONTEXT] for w in corpus.packaged(name)[::step]]


@pytest.fixture(scope="module")
def words():
    checkpoint = load(resolve("words"))
    quantised = quantise(checkpoint, Policy("rtn"))
    return checkpoint, quantised, lower(quantised, sequences("calibration", 1))


def test_the_golden_model_loses_little_against_float(words):
    """Contract 1: the loss is measured on text that calibration did not see."""
    checkpoint, _, model = words
    held_out = sequences("heldout", 40)
    exact = score(checkpoint.shape, checkpoint.weights(), held_out)
    integer = evaluate(golden_logits(model), held_out)
    assert integer.tokens == exact.tokens
    assert integer.nll < exact.nll * 1.03


def test_logits_agree_with_the_dequantised_float_model(words):
    _, quantised, model = words
    tokens = np.array([[0, 5, 10, 15, 20, 4]])
    exact = logits(quantised.shape, dequantised(quantised), tokens)
    error = golden_logits(model)(tokens) - exact
    assert np.sqrt((error**2).mean()) < 0.1 * exact.std()


def test_lowering_is_deterministic(words):
    _, quantised, model = words
    again = lower(quantised, sequences("calibration", 1))
    assert (again.layers[1].down.factors.mantissa == model.layers[1].down.factors.mantissa).all()
    assert (again.tables.rsqrt == model.tables.rsqrt).all()
    assert again.norm_init == model.norm_init


def test_every_shift_is_one_the_hardware_has(words):
    model = words[2]
    factors = [m.factors for layer in model.layers for m in (layer.q, layer.k, layer.v, layer.o, layer.down)]
    for f in (*factors, model.embed.factors, model.head.factors):
        assert (f.shift + f.exponent >= 1).all()
        assert (f.shift + f.exponent <= 31).all()
        assert (np.abs(f.mantissa) < 2048).all()
    assert model.final_shift > 15
    assert model.norm_shift > 15


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_clips_follow_the_data(scale):
    values = np.random.default_rng(1).normal(size=20_000) * scale
    clip = best_clip(values)
    assert 2.5 * scale < clip <= np.abs(values).max()
    assert best_clip(np.zeros(4)) == 1.0
