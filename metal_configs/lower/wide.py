"""Formats and tables of the wide arithmetic: maxima of calibration text set the scales."""

__all__ = ["lower_wide"]

from collections.abc import Mapping, Sequence

import numpy as np

from metal_configs.lower.model import FACTOR_TOP, LOG2E, OCTAVE, mantissas
from metal_configs.reference import Record, by_length, head_input, head_name, layer, layer_names, rope_angles
from rtl_gen.errors import FlowError
from rtl_gen.golden.decoder import BETA_ONE
from rtl_gen.golden.params import Factors
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.wide_params import (
    LONGEST_SHIFT,
    RESIDUAL_BITS,
    SCORE_ONE,
    SIGMOID_RANGE,
    WideLayer,
    WideMatrix,
    WideModel,
    WideTables,
)  # fmt: skip

TOP16 = 32767
ROOM = 2.0  # calibration text does not hold the largest value; vectors of 16 bits have a bit to spare
RESIDUAL_ROOM = 1.5
TEXT = 6  # sequences of calibration text that set the scales
BLOCK = 32
POSITIONS = 2048
GATE_SHIFTS = (4, 12)


def lower_wide(
    model: QuantModel,
    calibration: Sequence[Sequence[int]],
    weights: Mapping[str, np.ndarray],
    positions: int = POSITIONS,
    block: int = BLOCK,
) -> WideModel:
    """Choose scales on calibration text and express the whole decoder in wide integers.

    Args:
        model: Codes and scales.
        calibration: Token sequences; held-out text must not be among them.
        weights: What the integers approximate: the model's weights as floats, read layer by layer.
        positions: For how many there are rotation coefficients; at most the model's context.
        block: Inputs that share an exponent.

    Returns:
        The integer model; the same input gives the same integers.
    """
    shape = model.shape
    top = _maxima(shape, weights, calibration[:: max(1, len(calibration) // TEXT)])
    embed = model.matrices["embed"]
    residual = 2.0 ** np.floor(
        np.log2(
            min(
                ((1 << (RESIDUAL_BITS - 1)) - 1) / (top["residual"] * RESIDUAL_ROOM),
                FACTOR_TOP / 2 / float(embed.scale.max()),  # shifts are 1 at least
            )
        )
    )
    # A normalised vector is at most sqrt(dim); its unit is the power of two that keeps it in a word.
    norm = 2.0 ** np.floor(np.log2(TOP16 / np.sqrt(shape.dim)))
    lift = np.sqrt(shape.dim) * norm
    power = int(np.ceil(np.log2(lift / FACTOR_TOP)))
    rsqrt = np.rint(lift / 2.0**power / np.sqrt(mantissas())).astype(np.int64)
    last = model.matrices[head_name(shape)]
    gain, head = None, norm
    if shape.tied:
        head = TOP16 / (top["head_in"] * ROOM)
        gain = Factors.of(model.final_norm * head / norm, LONGEST_SHIFT)
    beta_shift, logit_scale = _logits(top["logits"] * ROOM)
    return WideModel(
        name=model.name,
        shape=shape,
        block=block,
        embed=_matrix(embed, embed.scale * residual, block),
        layers=tuple(_layer(model, n, top, residual, norm, block) for n in range(shape.layers)),
        head=_matrix(last, last.scale * logit_scale / head, block),
        final_gain=gain,
        norm_shift=23 - power,
        norm_init=max(1, round(shape.norm_eps * shape.dim * residual**2)),
        beta_shift=beta_shift,
        logit_scale=logit_scale,
        tables=_tables(shape, rsqrt, min(positions, shape.context)),
        ends=model.ends,
    )


def _matrix(matrix: QuantMatrix, factors: np.ndarray, block: int) -> WideMatrix:
    if matrix.group and max(matrix.group, block) % min(matrix.group, block):
        raise ValueError(f"groups of {matrix.group} and blocks of {block} do not fit each other")
    return WideMatrix(
        matrix.bits, matrix.codes, matrix.steps, matrix.group, Factors.of(factors, LONGEST_SHIFT)
    )


def _logits(largest: float) -> tuple[int, float]:
    """Shift and scale with which distance * beta >> shift is in steps of the exponential table."""
    unit = SCORE_ONE * LOG2E / BETA_ONE
    shift = int(np.floor(np.log2(TOP16 / largest / unit)))
    if shift < 1:
        raise FlowError(f"logits of {largest:g} nats leave the range of 16 bits", where="lower")
    return shift, unit * 2.0**shift


def _layer(
    model: QuantModel, n: int, top: Mapping[str, float], residual: float, norm: float, block: int
) -> WideLayer:
    p = f"layers.{n}."
    scale = {k: TOP16 / (top[p + k] * ROOM) for k in ("q", "k", "v", "up")}
    wanted = SCORE_ONE * LOG2E / np.sqrt(model.shape.head_dim)
    score_shift = max(1, int(np.floor(np.log2(scale["q"] * scale["k"] / wanted))))
    excess = scale["q"] * scale["k"] / (wanted * 2.0**score_shift)
    scale["q"] /= np.sqrt(excess)
    scale["k"] /= np.sqrt(excess)
    gate_shift = int(np.clip(np.floor(np.log2(TOP16 / (top[p + "gate"] * ROOM))), *GATE_SHIFTS))
    scale["gate"] = 2.0**gate_shift
    inputs = dict.fromkeys(("q", "k", "v", "gate", "up"), norm)
    inputs |= {"o": scale["v"], "down": scale["gate"] * scale["up"]}
    scale |= {"o": residual, "down": residual}
    made = {
        k: _matrix(model.matrices[p + k], model.matrices[p + k].scale * scale[k] / inputs[k], block)
        for k in scale
    }
    return WideLayer(**made, score_shift=score_shift, gate_shift=gate_shift)


def _tables(shape: Shape, rsqrt: np.ndarray, positions: int) -> WideTables:
    angles = rope_angles(shape, positions)
    c, s = np.cos(angles), np.sin(angles)
    shift = int(np.floor(np.log2(FACTOR_TOP)))
    rope = np.clip(np.rint(np.stack([c, -s, s, c], -1).reshape(-1) * 2.0**shift), -FACTOR_TOP, FACTOR_TOP)
    steps = 2 * SIGMOID_RANGE * OCTAVE
    x = (np.arange(steps + 1) - steps // 2) / OCTAVE
    return WideTables(
        rsqrt=rsqrt,
        recip=np.rint((FACTOR_TOP + 1) / mantissas()).astype(np.int64),
        exp2=np.rint(65535 * 2.0 ** (-np.arange(SCORE_ONE) / SCORE_ONE)).astype(np.int64),
        sigmoid=np.rint(TOP16 / (1 + np.exp(-x))).astype(np.int64),
        rope=Factors(rope.astype(np.int64), np.zeros(rope.size, np.int64), shift),
    )


def _maxima(
    shape: Shape, weights: Mapping[str, np.ndarray], sequences: Sequence[Sequence[int]]
) -> dict[str, float]:
    """The largest magnitude past each tap that is stored in a fixed range."""
    out: dict[str, float] = {}

    def note(name: str, x: np.ndarray) -> None:
        out[name] = max(out.get(name, 1e-6), float(np.abs(x).max()))

    embed = np.asarray(weights["embed"], np.float32)
    batches = [b[:, :-1] for b in by_length([s for s in sequences if len(s) > 1])]
    x = [embed[b] for b in batches]
    note("residual", embed)
    del embed
    for n in range(shape.layers):
        here = {k: weights[k] for k in layer_names(n) if k in weights}
        for i, part in enumerate(x):
            record: Record = {}
            x[i] = layer(shape, here, n, part, record)
            for k in ("q", "k", "v", "gate", "up"):
                note(f"layers.{n}.{k}", record[f"layers.{n}.{k}"])
            note("residual", record[f"layers.{n}.residual_attn"])
            note("residual", x[i])
    head = np.asarray(weights[head_name(shape)], np.float32)
    for part in x:
        a = head_input(shape, weights, part)
        note("head_in", a)
        note("logits", a @ head.T)
    return out
