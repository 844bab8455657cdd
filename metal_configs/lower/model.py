"""For the hardened `nano` alone: formats of every vector, and the integers that follow from them.

A vector of the hardware is `real * scale`, rounded. Scales are free except where a plain shift stands
between two vectors; there one of them is chosen so that the shift is exact.
"""

__all__ = ["lower", "mantissas"]

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metal_configs.lower.ranges import Ranges, measure
from metal_configs.quantise import dequantised
from metal_configs.reference import rope_angles
from rtl_gen.golden.arith import NORMALISE_BITS, NORMALISE_MAX, TABLE_FIRST, TABLE_SIZE
from rtl_gen.golden.decoder import SQUARE_SHIFT
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.params import IntLayer, IntMatrix, IntModel, Tables
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.sampling import BETA_ONE

TOP8, TOP16 = 127, 32767
FACTOR_TOP = 2047
LOG2E = math.log2(math.e)
PROBABILITY_ONE = 255
RECIP_ONE = 2040  # 8 * 255: exponentials and probabilities are 255 at most
OCTAVE = 16  # entries of the exponential table a factor of two
RESIDUAL_ROOM = 1.5  # calibration text does not hold the largest residual
LOGIT_ROOM = 1.5


@dataclass(frozen=True)
class _Norm:
    scale: float  # of the 8-bit normalised vector
    shift: int
    table: np.ndarray


def lower(model: QuantModel, calibration: Sequence[Sequence[int]]) -> IntModel:
    """Choose formats on calibration text and express the whole decoder in integers.

    Args:
        model: Codes and scales.
        calibration: Token sequences; held-out text must not be among them.

    Returns:
        The integer model; the same input gives the same integers.
    """
    shape = model.shape
    ranges = measure(shape, dequantised(model), calibration)
    residual = 2.0 ** np.floor(np.log2(TOP16 / (ranges.residual * RESIDUAL_ROOM)))
    norm = _norm(shape.dim, ranges.clip["norm"])
    layers = tuple(_layer(model, n, ranges, residual, norm.scale) for n in range(shape.layers))
    head, gain, final_shift = _head_input(model, ranges, norm)
    beta_shift, logit_scale = _logits(ranges.logit)
    head_name = "embed" if shape.tied else "head"
    embed, head_matrix = model.matrices["embed"], model.matrices[head_name]
    return IntModel(
        name=model.name,
        shape=shape,
        embed=_matrix(embed, embed.scale * residual),
        layers=layers,
        head=_matrix(head_matrix, head_matrix.scale * logit_scale / head),
        final_gain=gain,
        norm_shift=norm.shift,
        final_shift=final_shift,
        norm_init=max(1, round(shape.norm_eps * shape.dim * residual**2 / 2**SQUARE_SHIFT)),
        beta_shift=beta_shift,
        logit_scale=logit_scale,
        tables=_tables(model, norm.table),
        ends=model.ends,
    )


def _matrix(matrix: QuantMatrix, factors: np.ndarray) -> IntMatrix:
    return IntMatrix(matrix.bits, matrix.codes, Factors.of(factors))


def mantissas() -> np.ndarray:
    """Middle of each interval of the normalised value, in [1, 4)."""
    return (TABLE_FIRST + np.arange(TABLE_SIZE) + 0.5) / TABLE_FIRST


def _norm(dim: int, clip: float) -> _Norm:
    """The scale nearest to TOP8 / clip needs no factor of its own: it is the table's size.

    With s the sum of x * (x >> 4) and c double shifts, 1 / sqrt(s) = 2**(c - 15) / sqrt(v), and the
    normalised vector is x * sqrt(dim) / 4 * that.
    """
    half = NORMALISE_BITS // 2 - 1
    wanted = TOP8 / clip * np.sqrt(dim) / 2 ** (SQUARE_SHIFT / 2)
    extra = int(np.floor(np.log2(FACTOR_TOP / wanted)))
    return _Norm(TOP8 / clip, half + extra, np.rint(wanted * 2.0**extra / np.sqrt(mantissas())).astype(int))


def _head_input(model: QuantModel, ranges: Ranges, norm: _Norm) -> tuple[float, Factors | None, int]:
    """Scale of the head's input; for a tied model the gains, and the shift to the 16-bit vector before."""
    if not model.shape.tied:
        return norm.scale, None, norm.shift
    final_shift = NORMALISE_MAX + 1  # the least that stays positive whatever the input
    wide = norm.scale * 2.0 ** (norm.shift - final_shift)
    scale = TOP8 / ranges.clip["head_in"]
    return scale, Factors.of(model.final_norm * scale / wide), final_shift


def _logits(largest: float) -> tuple[int, float]:
    """Shift and scale with which distance * beta >> shift is in steps of the exponential table."""
    unit = OCTAVE * LOG2E / BETA_ONE
    shift = int(np.floor(np.log2(TOP16 / (largest * LOGIT_ROOM) / unit)))
    return shift, unit * 2.0**shift


def _layer(model: QuantModel, n: int, ranges: Ranges, residual: float, norm: float) -> IntLayer:
    p, clip = f"layers.{n}.", ranges.clip
    m = {k: model.matrices[p + k] for k in ("q", "k", "v", "o", "gate", "up", "down")}
    scale = {k: TOP8 / clip[p + k] for k in ("q", "k", "v", "gate", "silu", "up")}
    # q . k must come out in steps of the exponential table after a plain shift: q and k share the loss.
    wanted = OCTAVE * LOG2E / np.sqrt(model.shape.head_dim)
    score_shift = int(np.floor(np.log2(scale["q"] * scale["k"] / wanted)))
    excess = scale["q"] * scale["k"] / (wanted * 2.0**score_shift)
    scale["q"] /= np.sqrt(excess)
    scale["k"] /= np.sqrt(excess)
    value_shift, mixed = _shift_to(PROBABILITY_ONE * scale["v"], TOP8 / clip[p + "attn_out"])
    product_shift, hidden = _shift_to(scale["silu"] * scale["up"], TOP8 / clip[p + "h"])
    return IntLayer(
        q=_matrix(m["q"], m["q"].scale * scale["q"] / norm),
        k=_matrix(m["k"], m["k"].scale * scale["k"] / norm),
        v=_matrix(m["v"], m["v"].scale * scale["v"] / norm),
        o=_matrix(m["o"], m["o"].scale * residual / mixed),
        gate=_matrix(m["gate"], m["gate"].scale * scale["gate"] / norm),
        up=_matrix(m["up"], m["up"].scale * scale["up"] / norm),
        down=_matrix(m["down"], m["down"].scale * residual / hidden),
        score_shift=score_shift,
        value_shift=value_shift,
        product_shift=product_shift,
        silu=_silu(scale["gate"], scale["silu"]),
    )


def _shift_to(scale: float, wanted: float) -> tuple[int, float]:
    """The shift that brings `scale` to `wanted` or somewhat below it, and the scale that comes out."""
    shift = max(1, int(np.ceil(np.log2(scale / wanted) - 0.2)))
    return shift, scale / 2.0**shift


def _silu(gate: float, out: float) -> np.ndarray:
    x = np.arange(256).astype(np.uint8).view(np.int8).astype(np.float64) / gate
    result: np.ndarray = np.clip(np.rint(x / (1 + np.exp(-x)) * out), -TOP8 - 1, TOP8).astype(np.int8)
    return result


def _tables(model: QuantModel, rsqrt: np.ndarray) -> Tables:
    shape = model.shape
    angles = rope_angles(shape, shape.context)
    c, s = np.cos(angles), np.sin(angles)
    coefficients = np.stack([c, -s, s, c], -1).reshape(-1)
    shift = int(np.floor(np.log2(FACTOR_TOP)))
    mantissa = np.clip(np.rint(coefficients * 2.0**shift), -FACTOR_TOP, FACTOR_TOP).astype(np.int64)
    return Tables(
        rsqrt=rsqrt,
        recip=np.rint(RECIP_ONE / mantissas()).astype(int),
        exp2=np.rint(PROBABILITY_ONE * 2.0 ** (-np.arange(256) / OCTAVE)).astype(np.uint8),
        rope=Factors(mantissa, np.zeros_like(mantissa), shift),
    )
