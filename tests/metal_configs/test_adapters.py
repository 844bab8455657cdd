"""LoRA adapters: PEFT's files, the rotations, 8 bits, and what of them the golden model says."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from metal_configs.adapters import Lora, merged, quantise_adapter, read_peft, turned
from metal_configs.adapters.rounding import rounding_error
from metal_configs.checkpoint import Checkpoint, load
from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.lower import lower
from metal_configs.quantise import Folded, Policy, Rotation, quantise
from metal_configs.reference import logits
from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vector import mantissas
from tests.metal_configs import adapters, exports

SHAPE = Shape(**{**exports.SHAPE.to_dict(), "tied": True})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return load(exports.huggingface(tmp_path_factory.mktemp("m") / "m", SHAPE, exports.weights(SHAPE)), "toy")


@pytest.fixture
def lora(tmp_path):
    return read_peft(adapters.peft(tmp_path / "a", adapters.tensors(SHAPE, 4), 4), SHAPE, "toy")


def test_scaling_and_the_order_of_rows(tmp_path):
    found = adapters.tensors(SHAPE, 4, ("q", "down"))
    folder = adapters.peft(tmp_path / "a", found, 4, lora_alpha=6)
    lora = read_peft(folder, SHAPE, "toy")
    assert (lora.name, lora.rank, lora.kinds) == ("a", 4, ["q", "down"])
    assert lora.parameters == sum(t.size for t in found.values())
    a, b = lora.pairs["layers.1.down"]
    key = "base_model.model.model.layers.1.mlp.down_proj."
    np.testing.assert_allclose(a, found[f"{key}lora_A.weight"])
    np.testing.assert_allclose(b, 1.5 * found[f"{key}lora_B.weight"])
    _, b = lora.pairs["layers.0.q"]
    whole = found["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"]
    np.testing.assert_allclose(exports.halves(b, SHAPE.head_dim), 1.5 * whole)
    stable = adapters.peft(tmp_path / "b", found, 4, lora_alpha=6, use_rslora=True)
    _, b = read_peft(stable, SHAPE, "toy").pairs["layers.1.down"]
    np.testing.assert_allclose(b, 6 / math.sqrt(4) * found[f"{key}lora_B.weight"])


@pytest.mark.parametrize("rotation", [None, Rotation.of(SHAPE)])
def test_turning_it_is_turning_the_weights_that_it_was_merged_into(base, lora, rotation):
    plain, whole = Folded(base, rotation), Folded(merged(base, lora), rotation)
    pairs = turned(lora, plain).pairs
    assert set(pairs) == {n for n in SHAPE.matrices() if "." in n}
    for name, (a, b) in pairs.items():
        np.testing.assert_allclose(plain[name] + b @ a, whole[name], atol=1e-5)
        assert np.abs(whole[name] - plain[name]).max() > 0.01


def test_logits_of_the_merged_and_of_the_rotated_adapter_agree(base, lora):
    tokens = np.random.default_rng(0).integers(0, SHAPE.vocab, (2, 12))
    weights = Folded(base, Rotation.of(SHAPE))
    pairs = turned(lora, weights).pairs
    beside = {n: weights[n] + (pairs[n][1] @ pairs[n][0] if n in pairs else 0) for n in weights}
    want = logits(SHAPE, merged(base, lora).weights(), tokens)
    np.testing.assert_allclose(logits(SHAPE, beside, tokens), want, atol=1e-3)
    assert np.abs(want - logits(SHAPE, base.weights(), tokens)).max() > 0.3


@pytest.mark.parametrize(("size", "error"), [(0.03, 0.1), (0.1, 0.03), (0.2, 0.015)])
@pytest.mark.parametrize("rotation", [None, Rotation.of(SHAPE)])
def test_the_golden_model_is_as_near_to_the_merged_model_as_without(base, tmp_path, rotation, size, error):
    """With matrices of 6 bits, so that the rounding of the base hides little; of weak and strong adapters."""
    folder = adapters.peft(tmp_path / "a", adapters.tensors(SHAPE, 4, size=size), 4)
    lora = read_peft(folder, SHAPE, "toy")
    texts = np.random.default_rng(0).integers(0, SHAPE.vocab, (6, 16))
    weights, model = Folded(base, rotation), quantise(base, Policy(bits={"*": 6}), rotation=rotation)
    exact = turned(lora, weights)
    adapter = quantise_adapter(exact, model)
    assert 0 < rounding_error(adapter, exact, model) < error
    integers = lower(model, texts.tolist())

    def golden(used: Adapter | None) -> np.ndarray:
        out = []
        for tokens in texts:
            network = Network(integers, adapter=used)
            out.append(network.logits(network.feed(tokens)) / integers.logit_scale)
        return np.array(out)

    def off(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.sqrt(np.square(a - b).mean()))

    plain, whole = (logits(SHAPE, c.weights(), texts) for c in (base, merged(base, lora)))
    with_it, without = golden(adapter), golden(None)
    assert off(with_it, whole) < 1.15 * off(without, plain)
    # and it moves the logits where they are to go
    assert np.corrcoef((with_it - without).ravel(), (whole - plain).ravel())[0, 1] > 0.6
    if size > 0.03:
        assert off(with_it, whole) < 0.35 * off(whole, plain)


@pytest.mark.parametrize("room", [True, False])
def test_scales_that_know_an_adapter_leave_room_for_it(base, tmp_path, room):
    """The longest input there is, in the direction of each output's weights: words hold what it gives."""
    folder = adapters.peft(tmp_path / "a", adapters.tensors(SHAPE, 4, size=0.2), 4)
    exact, model = turned(read_peft(folder, SHAPE, "toy"), Folded(base, None)), quantise(base)
    adapter = quantise_adapter(exact, model)
    integers = lower(model, [[1, 2, 3]], adapter=adapter if room else None)
    norm = 2.0 ** math.floor(math.log2(32767 / math.sqrt(SHAPE.dim)))
    largest = 0.0
    for n, layer in enumerate(integers.layers):
        for kind in ("v", "up"):
            a, b = exact.pairs[f"layers.{n}.{kind}"]
            rows = model.matrices[f"layers.{n}.{kind}"].dequantised() + b @ a
            longest = rows / np.linalg.norm(rows, axis=1, keepdims=True) * math.sqrt(SHAPE.dim) * norm
            mantissa, exponent = mantissas(np.rint(longest).astype(np.int64))
            matrix, pair = getattr(layer, kind), adapter.pairs[f"layers.{n}.{kind}"]
            sums = matrix.sums(mantissa) + pair.sums(pair.inner(pair.a.sums(mantissa)))
            words = sums * matrix.factors.real() * 2.0**exponent
            largest = max(largest, float(np.abs(words.diagonal()).max()))
    assert (largest < 32767) == room


def test_an_adapter_that_adds_nothing_stays_silent(base, tmp_path):
    found = {n: t * ("lora_A" in n) for n, t in adapters.tensors(SHAPE, 4).items()}
    lora = read_peft(adapters.peft(tmp_path / "a", found, 4), SHAPE, "toy")
    exact, model = turned(lora, Folded(base, None)), quantise(base)
    adapter = quantise_adapter(exact, model)
    assert all(not p.b.any() for p in adapter.pairs.values())
    assert rounding_error(adapter, exact, model) == 0


def test_one_that_is_too_strong_is_refused(base, tmp_path):
    found = adapters.tensors(SHAPE, 4, size=30)
    lora = read_peft(adapters.peft(tmp_path / "a", found, 4), SHAPE, "toy")
    with pytest.raises(FlowError, match=r"adds more than 8 bits can say to layers.0.q: sums of \d+"):
        quantise_adapter(turned(lora, Folded(base, None)), quantise(base))


def test_many_inputs_do_not_overflow_a_sum():
    rng = np.random.default_rng(0)
    matrix = QuantMatrix(3, rng.integers(-4, 4, (2, 14336)).astype(np.int8), np.ones(2))
    shape = Shape(dim=2, layers=1, heads=1, kv_heads=1, head_dim=2, hidden=14336, vocab=3, context=4)
    weights = {n: np.ones(size, np.float32) for n, size in tensor_shapes(shape).items()}
    lora = Lora("wide", 4, {"layers.0.down": (np.ones((4, 14336)), rng.standard_normal((2, 4)) / 20)})
    model = QuantModel("wide", shape, {"layers.0.down": matrix}, np.ones(2))
    exact = Folded(Checkpoint("wide", shape, Path("wide"), weights.__getitem__), None)
    pair = quantise_adapter(turned(lora, exact), model).pairs["layers.0.down"]
    assert np.abs(pair.a.codes).max() > 1
    assert np.abs(pair.a.codes.astype(int)).sum(1).max() * 128 < 1 << 23


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3', expected 'LORA'"),
        ({"r": 17}, "rank 17, expected 1 to 16"),
        ({"r": 0}, "rank 0, expected 1 to 16"),
        ({"r": 8}, r"lora_A.weight has shape \(4, 32\), expected \(8, 32\): rank 8 on toy"),
        ({"r": "4"}, r"Expected `int`, got `str` - at `\$.r`"),
        ({"lora_alpha": None}, r"Expected `float`, got `null`"),
        ({"lora_alpha": float("inf")}, "lora_alpha is inf"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "target module 'embed_tokens'"),
        ({"use_dora": True}, "use_dora is True, expected none"),
        ({"bias": "all"}, "bias is 'all'"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save is \['lm_head'\]"),
        ({"rank_pattern": {"q_proj": 8}}, "rank_pattern is"),
    ],
)
def test_configs_that_are_not_supported_are_named(tmp_path, change, message):
    folder = adapters.peft(tmp_path / "a", adapters.tensors(SHAPE, 4), 4, **change)
    with pytest.raises(FlowError, match=message):
        read_peft(folder, SHAPE, "toy")


def _other(found, change):
    key = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    if change == "layer":
        found["base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight"] = found[key]
    elif change == "head":
        found["base_model.model.lm_head.lora_A.weight"] = found[key]
    elif change == "alone":
        del found[key]
    elif change == "nan":
        found[key][0, 0] = np.nan
    elif change == "shape":
        found[key] = found[key][:, :31].copy()
    else:
        found.clear()
        found["base_model.model.other"] = np.ones((2, 2), np.float32)
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("layer", r"tensor \S+layers.2.self_attn.q_proj.lora_A.weight adapts nothing that toy has: 2 layers"),
        ("head", "lm_head.lora_A.weight adapts nothing that toy has"),
        ("alone", r"no tensor \S+q_proj.lora_A.weight, its counterpart is there"),
        ("nan", "holds NaN"),
        ("shape", r"q_proj.lora_A.weight has shape \(4, 31\), expected \(4, 32\)"),
        ("none", "base_model.model.other adapts nothing"),
    ],
)
def test_tensors_of_another_model_are_named(tmp_path, change, message):
    found = _other(adapters.tensors(SHAPE, 4), change)
    with pytest.raises(FlowError, match=message):
        read_peft(adapters.peft(tmp_path / "a", found, 4), SHAPE, "toy")


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(FlowError, match=r"no such file(.|\n)*save_pretrained"):
        read_peft(tmp_path / "none", SHAPE, "toy")
    folder = adapters.peft(tmp_path / "a", adapters.tensors(SHAPE, 4), 4)
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(FlowError, match=r"cut short|not valid JSON"):
        read_peft(folder, SHAPE, "toy")
    weights.unlink()
    with pytest.raises(FlowError, match="cannot be read"):
        read_peft(folder, SHAPE, "toy")
    (folder / "adapter_config.json").write_text(json.dumps([1]))
    with pytest.raises(FlowError, match="expected an object"):
        read_peft(folder, SHAPE, "toy")
