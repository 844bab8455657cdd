"""From codes to the integers of `rtl_gen.golden.model`: scales follow from the weights' own norms.

What leaves RMSNorm has length sqrt(dim), so an output is at most sqrt(dim) times the length of its row of
weights: no text can make it larger. Calibration text sets the residual's scale alone. An adapter adds at most
its own bound to that.
"""

__all__ = ["lower"]

import math
from collections.abc import Sequence

import numpy as np

from metal_configs.quantise import Rounded
from metal_configs.reference import by_length, layer, layer_names, rope_angles
from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.formats import (
    DOWN_EXPONENT,
    EXPONENTIAL,
    FACTOR,
    GATE_UNITS,
    INTERVALS,
    LARGEST_SHIFT,
    LEFT_SHIFT,
    PRODUCT_SHIFT,
    RESIDUAL,
    ROTARY,
    SCORE_FRACTION,
    SIGMOID_INTERVALS,
    SIGMOID_SPAN,
    SUM,
    TABLE,
    WORD,
)
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer, Model, Tables
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.sampling import BETA_ONE
from rtl_gen.golden.vector import EXP_INDEX

TOP = (1 << (WORD - 1)) - 1
TABLE_TOP = (1 << (TABLE - 1)) - 1
FACTOR_TOP = (1 << (FACTOR - 1)) - 1
ROUNDING = 1.02  # 8-bit mantissas lengthen a vector by no more
RESIDUAL_ROOM = 4.0  # calibration text does not hold the largest value
TEXT = 6  # sequences of calibration text that are looked at
POSITIONS = 2048
LOG2E = math.log2(math.e)
# The largest exponent of down's input, less what the shifter has to the left: a factor takes up the rest.
DOWN_SHIFT = DOWN_EXPONENT - LEFT_SHIFT + 1


def lower(
    model: QuantModel,
    calibration: Sequence[Sequence[int]],
    positions: int = POSITIONS,
    adapter: Adapter | None = None,
) -> Model:
    """Express the whole decoder in integers.

    Args:
        model: Codes and scales.
        calibration: Token sequences that show how large the residual becomes.
        positions: For how many there are rotary coefficients; at most the model's context.
        adapter: For which scales leave room, so that nothing saturates with it either.

    Returns:
        The integer model; the same input gives the same integers.

    Raises:
        FlowError: A value cannot be held, such as a sum of too many inputs.
    """
    try:
        return _lower(model, calibration, positions, adapter)
    except ValueError as e:
        raise FlowError(
            f"the model does not fit the arithmetic: {e}", where=model.name,
            hint="docs/arithmetic.md lists the width of every value; fewer bits a code make sums smaller.",
        ) from e  # fmt: skip


def _lower(
    model: QuantModel, calibration: Sequence[Sequence[int]], positions: int, adapter: Adapter | None
) -> Model:
    shape, m = model.shape, model.matrices
    root = float(np.sqrt(shape.dim)) * ROUNDING
    norm = 2.0 ** np.floor(np.log2(TOP / np.sqrt(shape.dim)))
    heads = [_scales(model, n, root, adapter) for n in range(shape.layers)]
    largest = _largest_residual(model, calibration[:: max(1, len(calibration) // TEXT)])
    caps = [((1 << (RESIDUAL - 1)) - 1) / (largest * RESIDUAL_ROOM), FACTOR_TOP / 2 / m["embed"].scale.max()]
    for n, s in enumerate(heads):
        caps.append(FACTOR_TOP / 2 * s["v"] / m[f"layers.{n}.o"].scale.max())
        caps.append(FACTOR_TOP / 2.0**DOWN_SHIFT * s["hidden"] / m[f"layers.{n}.down"].scale.max())
    residual = 2.0 ** np.floor(np.log2(min(caps)))
    layers = tuple(_layer(model, n, s, norm, residual) for n, s in enumerate(heads))
    head = m["embed" if shape.tied else "head"]
    final, given, length = None, norm, root
    if shape.tied:
        turn = m.get("final") or _diagonal(model.final_norm)
        whole = turn.dequantised()
        given = TOP / (root * np.sqrt((whole**2).sum(1).max()))
        final = _matrix("final", turn, given / norm)
        length = root * ROUNDING * float(np.linalg.norm(whole, 2))
    beta_shift, logit_scale = _logits(length * _row_norms(head).max())
    return Model(
        name=model.name,
        shape=shape,
        embed=_matrix("embed", m["embed"], residual),
        layers=layers,
        final=final,
        head=_matrix("head", head, logit_scale / given),
        hadamard=model.hadamard,
        norm_epsilon=max(1, round(shape.norm_eps * shape.dim * residual**2)),
        beta_shift=beta_shift,
        logit_scale=logit_scale,
        tables=_tables(model, norm, min(positions, shape.context)),
        ends=model.ends,
    )


def _row_norms(matrix: QuantMatrix) -> np.ndarray:
    """float64 [outputs]: length of each output's weights."""
    squares = [np.square(c.astype(np.float32)).sum(dtype=np.float64) for c in matrix.codes]
    result: np.ndarray = np.sqrt(squares) * matrix.scale
    return result


def _added_norms(adapter: Adapter | None, name: str, matrix: QuantMatrix) -> np.ndarray | float:
    """What an adapter can add to `_row_norms` of a matrix [outputs].

    The largest element of an input's mantissas is 64 or more, so one step of an inner mantissa is at most a
    64th of the input's length, and the most it can be is 2 lengths.
    """
    if adapter is None or name not in adapter.pairs:
        return 0.0
    pair = adapter.pairs[name]
    rows = np.sqrt(np.square(pair.a.codes.astype(np.float64)).sum(1))
    inner = np.minimum(rows * pair.a.factors.real(), 2.0) + 0.5 / 64
    result: np.ndarray = np.abs(pair.b.astype(np.float64)) @ inner * matrix.scale
    return result


def _scales(model: QuantModel, n: int, root: float, adapter: Adapter | None) -> dict[str, float]:
    """Integers a unit of q, k, v, gate, up and hidden; log2 of the score's shift."""
    m = {k: model.matrices[f"layers.{n}.{k}"] for k in ("q", "k", "v", "gate", "up")}
    rows = {
        k: np.maximum(_row_norms(x) + _added_norms(adapter, f"layers.{n}.{k}", x), 1e-9) for k, x in m.items()
    }
    for k in ("q", "k"):  # a rotation of a pair can put all of it into one element
        rows[k] = np.hypot(rows[k][0::2], rows[k][1::2])
    scale = {k: TOP / (root * float(r.max())) for k, r in rows.items()}
    wanted = (1 << SCORE_FRACTION) * LOG2E / np.sqrt(model.shape.head_dim)
    shift = np.floor(np.log2(scale["q"] * scale["k"] / wanted))
    excess = np.sqrt(scale["q"] * scale["k"] / (wanted * 2.0**shift))
    unit = np.clip(np.floor(np.log2(scale["gate"])), *GATE_UNITS)
    return scale | {
        "q": scale["q"] / excess, "k": scale["k"] / excess, "score_shift": shift, "gate": 2.0**unit,
        "gate_unit": unit, "hidden": 2.0**unit * scale["up"] / 2.0**PRODUCT_SHIFT,
    }  # fmt: skip


def _layer(model: QuantModel, n: int, scale: dict[str, float], norm: float, residual: float) -> Layer:
    # Of each matrix: what comes in, what goes out, the least shift.
    how = {k: (norm, scale[k], 1) for k in ("q", "k", "v", "gate", "up")}
    how |= {"o": (scale["v"], residual, 1), "down": (scale["hidden"], residual, DOWN_SHIFT)}
    made = {}
    for kind, (given, wanted, least) in how.items():
        name = f"layers.{n}.{kind}"
        made[kind] = _matrix(name, model.matrices[name], wanted / given, least)
    return Layer(**made, score_shift=int(scale["score_shift"]), gate_unit=int(scale["gate_unit"]))


def _matrix(name: str, matrix: QuantMatrix, factor: float, least: int = 1) -> Matrix:
    try:
        return Matrix(matrix.bits, matrix.codes, Factors.of(matrix.scale * factor, LARGEST_SHIFT, least))
    except ValueError as e:
        raise ValueError(f"{name}: {e}") from e


def _diagonal(gain: np.ndarray) -> QuantMatrix:
    """The final norm's weights of a model that is not rotated, one code an output."""
    codes = np.diag(np.where(gain < 0, -1, 1)).astype(np.int8)
    return QuantMatrix(3, codes, np.maximum(np.abs(gain), 1e-9))


def _logits(largest: float) -> tuple[int, float]:
    """Shift and scale with which distance * beta >> shift is in 1/256 factors of two."""
    unit = (1 << SCORE_FRACTION) * LOG2E / BETA_ONE
    shift = int(np.floor(np.log2(((1 << (SUM - 1)) - 1) / largest / unit)))
    if shift < 1:
        raise ValueError(f"logits can reach {largest:g} nats, which leaves no fraction in {SUM} bits")
    return shift, unit * 2.0**shift


def _tables(model: QuantModel, norm: float, positions: int) -> Tables:
    shape = model.shape
    v = 1 + 3 * np.arange(INTERVALS + 1) / INTERVALS
    x = SIGMOID_SPAN * np.arange(SIGMOID_INTERVALS + 1) / SIGMOID_INTERVALS
    power = 2.0 ** (-np.arange((1 << EXP_INDEX) + 1) / (1 << EXP_INDEX))
    angles = rope_angles(shape, positions)
    top = (1 << (ROTARY - 1)) - 1

    def table(values: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.minimum(np.rint(values), TABLE_TOP).astype(np.int64)
        return result

    return Tables(
        rsqrt=table(norm * np.sqrt(shape.dim) / np.sqrt(v)),
        recip=table((TABLE_TOP + 1) / v),
        exp2=table(((1 << EXPONENTIAL) - 1) * power),
        sigmoid=table((TABLE_TOP + 1) / (1 + np.exp(-x))),
        rotary=np.clip(np.rint(np.stack([np.cos(angles), np.sin(angles)], -1) * (top + 1)), -top, top).astype(
            np.int64
        ),
    )


def _largest_residual(model: QuantModel, sequences: Sequence[Sequence[int]]) -> float:
    shape, weights = model.shape, Rounded(model)
    embed = weights["embed"]
    largest = float(np.abs(embed).max())
    x = [embed[b[:, :-1]] for b in by_length([s for s in sequences if len(s) > 1])]
    for n in range(shape.layers):
        here = {k: weights[k] for k in layer_names(n) if k in weights}
        x = [layer(shape, here, n, part) for part in x]
        largest = max([largest, *(float(np.abs(part).max()) for part in x)])
    return largest
