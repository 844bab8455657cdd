"""Bits under a budget, and what integers make of a quantised model."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.lower import golden_logits, lower
from metal_configs.quantise import (
    Folded,
    Policy,
    Rotation,
    average_bits,
    average_rom_bits,
    dequantised,
    fold,
    on_grid,
    quantise,
)
from metal_configs.quantise.budget import Choice, allot, choose_formats, sensitivities
from metal_configs.quantise.policy import WIDTHS, Format
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.reference import evaluate, logits, score
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from tests.metal_configs.test_quantise import checkpoint, sequences


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_allotment_keeps_the_budget_and_is_near_the_best(seed, share):
    rng = np.random.default_rng(seed)
    choices = {}
    for name in "abc":
        bits = np.sort(rng.integers(1, 100, 4))
        loss = np.sort(rng.uniform(0, 1, 4))[::-1]
        choices[name] = [
            Choice(Format(i), int(b), float(x)) for i, (b, x) in enumerate(zip(bits, loss, strict=True))
        ]
    least = sum(min(c.rom_bits for c in cs) for cs in choices.values())
    most = sum(max(c.rom_bits for c in cs) for cs in choices.values())
    budget = int(least + share * (most - least))
    taken = allot(choices, budget)
    picked = [choices[n][f.bits] for n, f in taken.items()]
    assert sum(c.rom_bits for c in picked) <= budget
    all_of_them = [c for c in itertools.product(*choices.values()) if sum(x.rom_bits for x in c) <= budget]
    best = min(sum(x.loss for x in c) for c in all_of_them)
    # A greedy climb can miss the best by the gain of one step at most.
    step = max(cs[0].loss - cs[-1].loss for cs in choices.values())
    assert best - 1e-9 <= sum(c.loss for c in picked) <= best + step + 1e-9


def test_budget_below_the_smallest_formats():
    with pytest.raises(FlowError, match="the smallest formats take 10 bits of ROM, the budget is 9") as e:
        allot({"a": [Choice(Format(3), 10, 1.0)]}, 9)
    assert e.value.code == ExitCode.USAGE


@pytest.mark.parametrize("budget", [2.0, -1.0, float("nan"), float("inf")])
def test_budgets_that_cannot_be_kept_are_refused_before_measuring(budget):
    said = []
    with pytest.raises(
        FlowError, match=r"bits per weight are asked for, the smallest formats take 4\.\d+"
    ) as e:
        choose_formats(Folded(checkpoint(), None), budget, sequences(), say=said.append)
    assert e.value.code == ExitCode.USAGE
    assert not said


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_formats_keep_the_budget_and_are_deterministic(tied, turned):
    c = checkpoint(tied)
    rotation = Rotation.of(c.shape) if turned else None
    folded = Folded(c, rotation)
    formats = choose_formats(folded, 6.3, sequences())
    assert formats == choose_formats(folded, 6.3, sequences())
    assert set(formats) == set(c.shape.matrices())
    policy = Policy.of_formats(formats)
    model = quantise(c, policy, sequences(), rotation=rotation)
    weights = sum(m.codes.size for m in model.matrices.values())
    counted = sum(policy.format_of(n).rom_bits(*size) for n, size in folded.matrices().items())
    assert average_rom_bits(model) == counted / weights <= 6.3
    assert len({f.bits for f in formats.values()}) > 1
    with pytest.raises(FlowError, match="no calibration text"):
        choose_formats(folded, 6.0, [])


def test_sensitivity_follows_bits():
    forms = [Format(b) for b in WIDTHS]
    table = sensitivities(Folded(checkpoint(), None), forms, sequences())
    for losses in table.values():
        assert losses[Format(3)] > losses[Format(4)] > losses[Format(6)] >= 0


@pytest.mark.parametrize("method", ["rtn", "gptq"])
def test_weights_on_the_grid_of_the_probe_are_not_thought_to_bear_three_bits(method):
    """`words` is stored on a grid of 4 bits: nothing is lost there, and at 3 bits much is."""
    c = checkpoint()
    stored = dequantised(quantise(c, Policy("rtn", {"*": 4})))
    stored_so = dataclasses.replace(
        c, read=lambda n: np.ones_like(c.read(n)) if "norm" in n else stored[n].astype(np.float32)
    )
    forms = [Format(b) for b in WIDTHS]
    table = sensitivities(Folded(stored_so, None), forms, sequences(), method=method)
    for losses in table.values():
        assert losses[Format(3)] > 1e-4
        assert losses[Format(4)] < 1e-3 * losses[Format(3)]


def test_rom_bits_are_codes_and_factors(tmp_path):
    w = np.random.default_rng(1).standard_normal((20, 150))
    assert round_to_nearest(w, 4).rom_bits() == Format(4).rom_bits(20, 150) == 20 * (150 * 4 + 16)
    model = quantise(checkpoint(), Policy("gptq"), sequences())
    assert average_bits(model) < average_rom_bits(model)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gptq_beats_nearest_at_equal_bits(seed):
    """On models whose weights lie on no grid, by what the model predicts."""
    c = checkpoint(seed=seed)
    text = sequences(60)
    exact = c.weights()

    def off(method):
        model = quantise(c, Policy(method, 4), text)
        tokens = np.array([s[:9] for s in sequences(80, seed=9) if len(s) >= 9])
        return np.square(logits(c.shape, dequantised(model), tokens) - logits(c.shape, exact, tokens)).mean()

    assert off("gptq") < off("rtn")


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_integers_lose_little(tied, turned, tmp_path):
    c = checkpoint(tied)
    quantise(c, rotation=Rotation.of(c.shape) if turned else None).save(tmp_path / "q")
    model = QuantModel.load(tmp_path / "q")
    assert model.hadamard == (4 if turned else 1)
    assert ("final" in model.matrices) == (tied and turned)
    weights = dequantised(model)
    made = lower(model, sequences())
    tokens = np.array([[1, 5, 3, 7, 2, 9, 4]])
    exact = logits(c.shape, weights, tokens)
    error = golden_logits(made)(tokens) - exact
    assert np.sqrt((error**2).mean()) < 0.06 * exact.std()
    held = sequences(20, seed=8)
    assert abs(evaluate(golden_logits(made), held).nll - score(c.shape, weights, held).nll) < 0.02
    again = lower(model, sequences())
    np.testing.assert_array_equal(again.layers[1].down.factors.mantissa, made.layers[1].down.factors.mantissa)


def test_a_model_that_the_arithmetic_cannot_hold_is_named():
    c = checkpoint(shape=dataclasses.replace(checkpoint().shape, hidden=2200))
    model = quantise(c)
    down = QuantMatrix(6, np.full((12, 2200), -32, np.int8), np.ones(12))
    matrices = model.matrices | {"layers.1.down": down}
    with pytest.raises(FlowError, match=r"layers\.1\.down: a sum can reach \d+, which does not fit 24 bits"):
        lower(dataclasses.replace(model, matrices=matrices), sequences())


def test_weights_on_the_grid_of_codes_are_known():
    c = checkpoint()
    assert not on_grid(c)
    stored = dequantised(quantise(c, Policy("rtn", {"*": 4})))
    one = dataclasses.replace(
        c, read=lambda n: np.ones_like(c.read(n)) if "norm" in n else stored[n].astype(np.float32)
    )
    assert on_grid(one)


def test_fold_is_what_is_rounded():
    c = checkpoint()
    model = quantise(c, Policy(bits={"*": 6}))
    folded = fold(c)[0]
    for n, m in model.matrices.items():
        assert np.linalg.norm(m.dequantised() - folded[n]) < 0.03 * np.linalg.norm(folded[n])
