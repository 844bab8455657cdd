"""Lowering: what the integers mean, and what they cost."""

import numpy as np
import pytest

from metal_configs.checkpoint import load
from metal_configs.lower import golden_logits, lower
from metal_configs.lower.integers import DOWN_SHIFT
from metal_configs.models import resolve
from metal_configs.quantise import Policy, dequantised, quantise
from metal_configs.reference import evaluate, logits, score
from metal_configs.words import corpus
from rtl_gen.golden.formats import FACTOR, LARGEST_SHIFT

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
    assert again.norm_epsilon == model.norm_epsilon


def test_every_shift_is_one_the_hardware_has(words):
    model = words[2]
    layers = [(m.factors, 1) for at in model.layers for m in (at.q, at.k, at.v, at.o, at.gate, at.up)]
    downs = [(at.down.factors, DOWN_SHIFT) for at in model.layers]
    for f, least in (*layers, *downs, (model.embed.factors, 1), (model.head.factors, 1)):
        assert (f.shift + f.exponent >= least).all()
        assert (f.shift + f.exponent <= LARGEST_SHIFT).all()
        assert (np.abs(f.mantissa) < 1 << (FACTOR - 1)).all()
    assert model.beta_shift >= 1
