"""The integers that a chip should hold, against the quantised model and the functions that they stand for.

A factor is a matrix's scale times one number for the whole matrix, which the formats of activations give, and
some tables have a number of their own; nothing is known about these numbers here, but there must be one that
fits all entries.
"""

__all__ = ["compare_integers"]

import numpy as np

from rtl_gen.golden.arith import TABLE_FIRST, TABLE_SIZE
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.params import IntMatrix, IntModel
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.shape import Shape

HALF = 0.5 + 1e-6  # of a step: what rounding to the nearest may do
EXP_ONE, OCTAVE, RECIP_ONE = 255, 16, 2040
SIGN, TOP = 128, 127  # of a byte


def compare_integers(integers: IntModel, model: QuantModel) -> list[str]:
    """What is wrong, in words.

    Args:
        integers: Codes, factors and tables for the ROM.
        model: What `quantise` wrote.
    """
    faults = []
    for name, matrix in _matrices(integers).items():
        if not np.array_equal(matrix.codes, model.matrices[name].codes):
            faults.append(f"weights of {name} are not the quantised model's")
        if not _proportional(matrix.factors, model.matrices[name].scale):
            faults.append(f"factors of {name} are not in proportion to its scales")
    if integers.shape.tied and not _proportional(integers.head.factors, model.matrices["embed"].scale):
        faults.append("factors of the head are not in proportion to the embedding's scales")
    if integers.final_gain is not None and not _proportional(integers.final_gain, model.final_norm):
        faults.append("factors of the final norm are not in proportion to its weights")
    if integers.ends != model.ends:
        faults.append(f"texts end at tokens {integers.ends}, the model's at {model.ends}")
    return faults + _tables(integers)


def _matrices(m: IntModel) -> dict[str, IntMatrix]:
    found = {"embed": m.embed}
    for n, layer in enumerate(m.layers):
        found |= {f"layers.{n}.{k}": getattr(layer, k) for k in ("q", "k", "v", "o", "gate", "up", "down")}
    return found if m.shape.tied else found | {"head": m.head}


def _proportional(factors: Factors, scale: np.ndarray) -> bool:
    unit = np.exp2(-(factors.shift + factors.exponent).astype(np.float64))
    return _one_number(factors.mantissa, scale / unit)


def _one_number(rounded: np.ndarray, shape: np.ndarray) -> bool:
    """Whether some number times `shape` [n] rounds to every one of `rounded` [n]."""
    at = shape != 0
    ends = np.sort((rounded[at, None] + np.array([-HALF, HALF])) / shape[at, None], axis=1)
    return bool(not rounded[~at].any() and ends[:, 0].max(initial=-np.inf) <= ends[:, 1].min(initial=np.inf))


def _tables(m: IntModel) -> list[str]:
    middle = (TABLE_FIRST + np.arange(TABLE_SIZE) + 0.5) / TABLE_FIRST
    t = m.tables
    close = {
        "exp2": np.abs(t.exp2 - EXP_ONE * 2.0 ** (-np.arange(256) / OCTAVE)).max() <= HALF,
        "recip": np.abs(t.recip - RECIP_ONE / middle).max() <= HALF,
        "rsqrt": _one_number(t.rsqrt, middle**-0.5),
        "rope": np.abs(t.rope.mantissa - _rotations(m.shape) * 2.0**t.rope.shift).max() <= HALF,
    }
    close |= {f"layers.{n}.silu": _is_silu(layer.silu) for n, layer in enumerate(m.layers)}
    return [f"table {name} is not its function" for name, right in close.items() if not right]


def _rotations(s: Shape) -> np.ndarray:
    """float [context * head_dim * 2]: by position and pair cos, -sin, sin, cos of its angle."""
    pair = np.arange(s.head_dim // 2)
    turn = s.rope_theta ** (-2.0 * pair / s.head_dim) / np.array(s.rope_factors or [1.0])
    angle = np.arange(s.context)[:, None] * turn
    return np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(-1)


def _is_silu(table: np.ndarray) -> bool:
    """x / (1 + exp(-x)) in steps of its own: its odd part is x / 2, and what is left is a sigmoid."""
    y = table.astype(np.float64)
    x = np.arange(1, SIGN)
    up, down = y[x], y[256 - x]
    whole = up < TOP  # not saturated
    if not whole.any():
        return False
    slope = ((up - down)[whole, None] + 2 * HALF * np.array([-1, 1])) / x[whole, None]
    least, most = slope[:, 0].max(), slope[:, 1].min()
    if not 0 < least <= most:
        return False
    share = np.clip(np.stack([(up - HALF) / (most * x), (up + HALF) / (least * x)]), 1e-9, 1 - 1e-9)
    scale = np.log(share / (1 - share)) / x  # share = 1 / (1 + exp(-x * scale))
    return bool(y[0] == 0 and scale[0, whole].max() <= scale[1, whole].min())
