"""The float model: a NumPy forward pass of a Llama decoder, with every activation open to view.

It is the measure that quantisation and the integer golden model are compared with, and the source of the
activations that calibrate both. Weights go by canonical names, q and k in interleaved RoPE order.
"""

__all__ = ["Score", "activations", "evaluate", "logits", "rms_norm", "rope_angles", "score"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from rtl_gen.golden.shape import Shape

Weights = Mapping[str, np.ndarray]
Record = dict[str, np.ndarray]


@dataclass(frozen=True)
class Score:
    """How well a model predicts: mean nats per predicted token, share ranked first, tokens predicted."""

    nll: float
    top1: float
    tokens: int


def rms_norm(x: np.ndarray, eps: float, weight: np.ndarray | None = None) -> np.ndarray:
    """x [..., dim] divided by its root mean square, times `weight` [dim] if given."""
    y = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + x.dtype.type(eps))
    return y if weight is None else y * weight


def rope_angles(shape: Shape, positions: int) -> np.ndarray:
    """float64 [positions, head_dim / 2]: the angle in radians by which pair i turns at each position."""
    half = shape.head_dim // 2
    return np.arange(positions)[:, None] * shape.rope_theta ** (-np.arange(half) / half)


def _rope(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate the pairs (2i, 2i + 1) of x [b, t, heads, head_dim]."""
    cos, sin = (f(angles).astype(x.dtype)[:, None] for f in (np.cos, np.sin))
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * (0.5 * np.tanh(0.5 * x) + 0.5)  # the sigmoid without overflow


def logits(
    shape: Shape,
    weights: Weights,
    tokens: np.ndarray,
    record: Record | None = None,
    dtype: DTypeLike = np.float32,
) -> np.ndarray:
    """Logits of every position, each seeing itself and the positions before it.

    Args:
        shape: The decoder's shape.
        weights: Arrays by canonical name, read in order of execution and not kept. Norm weights that are
            absent count as ones, as after folding.
        tokens: int [b, t], t at most `shape.context`.
        record: Receives intermediate arrays by tap name, all with leading axes [b, t]. In layer n, with the
            prefix "layers.n.": attn_in (input of q, k, v), q, k, v, q_rope, k_rope [.., heads, head_dim],
            scores and prob [.., heads, t] (scaled; scores of later positions are 0), attn_out (input of o),
            residual_attn (after the add), mlp_in (input of gate, up), gate (before the activation), silu, up,
            h (input of down), residual_mlp (after the add). Besides: embed, head_in, logits.
        dtype: float32 or float64, of the whole computation.

    Returns:
        [b, t, vocab].
    """
    s, (b, t) = shape, tokens.shape
    seen: Record = {} if record is None else record

    def tap(name: str, x: np.ndarray) -> np.ndarray:
        seen[name] = x
        return x

    def weight(name: str) -> np.ndarray | None:
        return np.asarray(weights[name], dtype) if name in weights else None

    def matrix(name: str, x: np.ndarray) -> np.ndarray:
        return x @ np.asarray(weights[name], dtype).T

    angles, root = rope_angles(s, t), np.dtype(dtype).type(np.sqrt(s.head_dim))
    later = np.triu(np.ones((t, t), bool), 1)[:, None]  # [query, 1, key]
    x = tap("embed", np.asarray(weights["embed"], dtype)[tokens])
    for n in range(s.layers):
        p = f"layers.{n}."
        a = tap(p + "attn_in", rms_norm(x, s.norm_eps, weight(p + "norm_attn")))
        q = tap(p + "q", matrix(p + "q", a).reshape(b, t, s.heads, s.head_dim))
        k = tap(p + "k", matrix(p + "k", a).reshape(b, t, s.kv_heads, s.head_dim))
        v = tap(p + "v", matrix(p + "v", a).reshape(b, t, s.kv_heads, s.head_dim))
        q, k = tap(p + "q_rope", _rope(q, angles)), tap(p + "k_rope", _rope(k, angles))
        grouped = q.reshape(b, t, s.kv_heads, s.group, s.head_dim)
        scores = np.einsum("bikgd,bjkd->bikgj", grouped, k).reshape(b, t, s.heads, t) / root
        tap(p + "scores", np.where(later, 0, scores))
        e = np.where(later, 0, np.exp(scores - np.where(later, -np.inf, scores).max(-1, keepdims=True)))
        prob = tap(p + "prob", e / e.sum(-1, keepdims=True))
        mixed = np.einsum("bikgj,bjkd->bikgd", prob.reshape(b, t, s.kv_heads, s.group, t), v)
        x = x + matrix(p + "o", tap(p + "attn_out", mixed.reshape(b, t, s.q_dim)))
        a = tap(p + "mlp_in", rms_norm(tap(p + "residual_attn", x), s.norm_eps, weight(p + "norm_mlp")))
        gate, up = tap(p + "gate", matrix(p + "gate", a)), tap(p + "up", matrix(p + "up", a))
        h = tap(p + "h", tap(p + "silu", _silu(gate)) * up)
        x = tap(p + "residual_mlp", x + matrix(p + "down", h))
    a = tap("head_in", rms_norm(x, s.norm_eps, weight("final_norm")))
    return tap("logits", matrix("embed" if s.tied else "head", a))


def by_length(sequences: Iterable[Sequence[int]], rows: int = 1024) -> Iterator[np.ndarray]:
    """Batches int [b, t] of equal length, shortest first, so that nothing is padded; b is at most `rows`."""
    groups: dict[int, list[Sequence[int]]] = {}
    for sequence in sequences:
        groups.setdefault(len(sequence), []).append(sequence)
    for _, group in sorted(groups.items()):
        for i in range(0, len(group), rows):
            yield np.array(group[i : i + rows], np.int64)


def evaluate(model: Callable[[np.ndarray], np.ndarray], sequences: Iterable[Sequence[int]]) -> Score:
    """Score any model, float or integer, on sequences of two or more tokens.

    Args:
        model: From tokens [b, t] to logits [b, t, vocab], in nats.
        sequences: Token numbers; every token after the first is predicted from those before it.
    """
    total, first, n = 0.0, 0, 0
    for batch in by_length(sequences):
        y = np.asarray(model(batch[:, :-1]), np.float64)
        target = batch[:, 1:, None]
        peak = y.max(-1, keepdims=True)
        log_sum = peak[..., 0] + np.log(np.exp(y - peak).sum(-1))
        total += float((log_sum - np.take_along_axis(y, target, -1)[..., 0]).sum())
        first += int((y.argmax(-1) == target[..., 0]).sum())
        n += target.size
    if not n:
        raise ValueError("no sequence of two or more tokens to score")
    return Score(total / n, first / n, n)


def score(
    shape: Shape, weights: Weights, sequences: Iterable[Sequence[int]], dtype: DTypeLike = np.float32
) -> Score:
    """`evaluate` of the float model with these weights."""
    return evaluate(lambda tokens: logits(shape, weights, tokens, dtype=dtype), sequences)


def activations(
    shape: Shape,
    weights: Weights,
    sequences: Iterable[Sequence[int]],
    taps: Sequence[str] | None = None,
    dtype: DTypeLike = np.float32,
) -> Record:
    """What flows past the taps of `logits`; the last token of a sequence is never an input.

    Args:
        shape: The decoder's shape.
        weights: As for `logits`.
        sequences: Token numbers.
        taps: Names to keep; by default all but scores and prob, whose width is the sequence's length.
        dtype: Of the computation.

    Returns:
        By tap name, [tokens, features].
    """
    parts: dict[str, list[np.ndarray]] = {}
    for batch in by_length(sequences):
        record: Record = {}
        logits(shape, weights, batch[:, :-1], record, dtype)
        for name in taps if taps is not None else [k for k in record if not k.endswith((".scores", ".prob"))]:
            a = record[name]
            parts.setdefault(name, []).append(a.reshape(a.shape[0] * a.shape[1], -1))
    return {name: np.concatenate(a) for name, a in parts.items()}
