"""config.json of a Hugging Face Llama model, as a `Shape`."""

__all__ = ["linear_factors", "llama3_factors", "parse_config"]

import math
from typing import Any

import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

LIMITS = {
    "hidden_size": 1 << 20, "intermediate_size": 1 << 20, "num_hidden_layers": 1 << 12,
    "num_attention_heads": 1 << 12, "num_key_value_heads": 1 << 12, "head_dim": 1 << 12,
    "vocab_size": 1 << 24, "max_position_embeddings": 1 << 24,
}  # fmt: skip
MISSING = object()
NO_SCALE = {"type", "rope_type", "rope_theta", "partial_rotary_factor"}  # fields of rope_scaling


class _Config:
    """Typed access to the fields, with errors that name the field."""

    def __init__(self, raw: dict[str, Any], where: str) -> None:
        self.raw, self.where = raw, where

    def fail(self, field: str, expected: str, hint: str = "") -> FlowError:
        found = repr(self.raw[field]) if field in self.raw else "nothing"
        return FlowError(f"{field} is {found:.80}, expected {expected}", where=self.where, hint=hint)

    def integer(self, field: str, default: int | None = None) -> int:
        value = self.raw.get(field)
        if value is None and default is not None:
            return default
        if type(value) is not int or not 1 <= value <= LIMITS[field]:
            raise self.fail(field, f"a whole number from 1 to {LIMITS[field]}")
        return value

    def number(self, field: str, default: float, low: float, high: float) -> float:
        value = self.raw.get(field, default)
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            raise self.fail(field, f"a number from {low:g} to {high:g}")
        return float(value)

    def only(self, field: str, *allowed: object) -> None:
        """The field is absent, or one of `allowed`."""
        value = self.raw.get(field, MISSING)
        if value is not MISSING and not any(type(value) is type(a) and value == a for a in allowed):
            raise self.fail(field, " or ".join(map(repr, allowed)), "This architecture is not supported.")


def llama3_factors(
    theta: float, head_dim: int, factor: float, low: float, high: float, context: float
) -> tuple[float, ...]:
    """What divides the frequency of each pair under Llama 3.1's scaling.

    Args:
        theta: RoPE's base.
        head_dim: Elements of a head.
        factor: By which the lowest frequencies are divided.
        low: Turns within `context` below which a pair is scaled whole.
        high: Turns above which it is not scaled.
        context: Positions of the training before the scaling.
    """
    half = head_dim // 2
    turns = context * theta ** (-np.arange(half) / half) / (2 * np.pi)
    share = np.clip((turns - low) / (high - low), 0, 1)  # 1: as it was
    return tuple(float(x) for x in 1 / ((1 - share) / factor + share))


def linear_factors(head_dim: int, factor: float) -> tuple[float, ...]:
    """What divides the frequency of each pair under linear scaling: all alike; nothing for a factor of 1."""
    return () if factor == 1 else (float(factor),) * (head_dim // 2)


SCALINGS = ("default", "linear", "llama3")


def _rope(c: _Config) -> tuple[float, tuple[float, ...]]:
    """(theta, frequency divisors) from `rope_theta` and `rope_scaling`, or from `rope_parameters`, where
    newer files keep both."""
    scaling: dict[str, Any] = {}
    field = "rope_scaling"
    for name in ("rope_scaling", "rope_parameters"):
        value: Any = c.raw.get(name)
        if value is None:
            continue
        kind = (value.get("rope_type") or value.get("type")) if isinstance(value, dict) else value
        # A factor without a type would be left out in silence.
        untold = isinstance(value, dict) and kind is None and not value.keys() <= NO_SCALE
        if not isinstance(value, dict) or untold or (kind is not None and kind not in SCALINGS):
            kinds = ", ".join(map(repr, SCALINGS))
            raise c.fail(name, f"null or one of type {kinds}", "No other RoPE scaling is supported.")
        if value.get("rope_theta") is not None:
            c.raw = {**c.raw, "rope_theta": value["rope_theta"]}
        _Config(value, f"{c.where} ({name})").only("partial_rotary_factor", 1, 1.0, None)
        if kind not in (None, "default"):
            scaling, field = value, name
    theta = c.number("rope_theta", 10000.0, 1.0, 1e12)
    if not scaling:
        return theta, ()
    s = _Config(scaling, f"{c.where} ({field})")
    dim, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    head_dim = c.integer("head_dim", max(dim // heads, 1))
    if (scaling.get("rope_type") or scaling["type"]) == "linear":
        if "factor" not in scaling:
            raise s.fail("factor", "a number")
        return theta, linear_factors(head_dim, s.number("factor", 1.0, 1e-3, 1e9))
    names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    for name in names:
        if name not in scaling:
            raise s.fail(name, "a number")
    factor, low, high, context = (s.number(name, 0.0, 1e-3, 1e9) for name in names)
    if low >= high:
        raise s.fail("low_freq_factor", f"less than high_freq_factor, {high:g}")
    return theta, llama3_factors(theta, head_dim, factor, low, high, context)


def parse_config(raw: dict[str, Any], where: str) -> Shape:
    """The shape that a config.json states.

    Args:
        raw: The parsed file; fields it lacks take the defaults of `LlamaConfig`.
        where: The file's name, for messages.

    Raises:
        FlowError: A field is missing, has a wrong type or range, or asks for something not supported.
    """
    c = _Config(raw, where)
    if raw.get("architectures") != ["LlamaForCausalLM"]:
        raise c.fail("architectures", "['LlamaForCausalLM']", "Only Llama decoders can be hardwired.")
    c.only("model_type", "llama")
    c.only("hidden_act", "silu")
    c.only("attention_bias", False, None)
    c.only("mlp_bias", False, None)
    c.only("partial_rotary_factor", 1, 1.0, None)
    c.only("quantization_config", None)
    c.only("tie_word_embeddings", True, False)
    theta, factors = _rope(c)
    dim, heads = c.integer("hidden_size"), c.integer("num_attention_heads")
    kv_heads = c.integer("num_key_value_heads", heads)
    if heads % kv_heads:
        raise c.fail("num_key_value_heads", f"a divisor of num_attention_heads, {heads}")
    if raw.get("head_dim") is None and dim % heads:
        raise c.fail("num_attention_heads", f"a divisor of hidden_size, {dim}, where head_dim is not given")
    head_dim = c.integer("head_dim", dim // heads)
    if head_dim % 2:
        raise FlowError(f"a head has {head_dim} elements, expected an even number for RoPE", where=where)
    return Shape(
        dim=dim, layers=c.integer("num_hidden_layers"), heads=heads, kv_heads=kv_heads, head_dim=head_dim,
        hidden=c.integer("intermediate_size"), vocab=c.integer("vocab_size"),
        context=c.integer("max_position_embeddings", 2048),
        rope_theta=theta,
        norm_eps=c.number("rms_norm_eps", 1e-6, 0.0, 1.0),
        tied=raw.get("tie_word_embeddings", False),
        rope_factors=factors,
    )  # fmt: skip
