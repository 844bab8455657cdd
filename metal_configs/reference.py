"""The float model: a NumPy forward pass of a Llama decoder, with every activation open to view.

It is the measure that quantisation and the integer golden model are compared with, and the source of the
activations that calibrate both. Weights go by canonical names, q and k in interleaved RoPE order.
"""

__all__ = [
    "Score", "Tally", "activations", "by_length", "evaluate", "head_input", "head_name", "hidden", "layer",
    "layer_names", "logits", "mixed", "rms_norm", "rope_angles", "score", "stream",
]  # fmt: skip

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike

from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vector import sums_and_differences

Weights = Mapping[str, np.ndarray]
Record = dict[str, np.ndarray]
SCORES = 1 << 18  # scores of one head that a batch of texts has
ROWS = 256  # positions whose logits are looked at together; bounds memory


@dataclass(frozen=True)
class Score:
    """How well a model predicts: mean nats per predicted token, share ranked first, tokens predicted."""

    nll: float
    top1: float
    tokens: int


def rms_norm(x: np.ndarray, eps: float, weight: np.ndarray | None = None) -> np.ndarray:
    """x [..., dim] divided by its root mean square, times `weight` [dim] if given."""
    y = x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + x.dtype.type(eps))
    result: np.ndarray = y if weight is None else y * weight
    return result


def rope_angles(shape: Shape, positions: int) -> np.ndarray:
    """float64 [positions, head_dim / 2]: the angle in radians by which pair i turns at each position."""
    half = shape.head_dim // 2
    frequencies = shape.rope_theta ** (-np.arange(half) / half)
    if shape.rope_factors:
        frequencies = frequencies / np.array(shape.rope_factors)
    return np.arange(positions)[:, None] * frequencies


def _rope(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate the pairs (2i, 2i + 1) of x [b, t, heads, head_dim]."""
    cos, sin = (f(angles).astype(x.dtype)[:, None] for f in (np.cos, np.sin))
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], -1).reshape(x.shape)


def _silu(x: np.ndarray) -> np.ndarray:
    return x * (0.5 * np.tanh(0.5 * x) + 0.5)  # the sigmoid without overflow


def layer(shape: Shape, weights: Weights, n: int, x: np.ndarray, record: Record | None = None) -> np.ndarray:
    """One decoder layer; see `logits` for what it records.

    Args:
        shape: The decoder's shape.
        weights: Arrays by canonical name.
        n: Which layer.
        x: [b, t, dim], the residual before it; its type is that of the computation.

    Returns:
        [b, t, dim], the residual after it.
    """
    seen: Record = {} if record is None else record
    p = f"layers.{n}."
    a = seen[p + "attn_in"] = rms_norm(x, shape.norm_eps, _gain(weights, p + "norm_attn", x.dtype))
    x = seen[p + "residual_attn"] = x + _matrix(weights, p + "o", mixed(shape, weights, n, a, record))
    a = seen[p + "mlp_in"] = rms_norm(x, shape.norm_eps, _gain(weights, p + "norm_mlp", x.dtype))
    x = seen[p + "residual_mlp"] = x + _matrix(weights, p + "down", hidden(weights, n, a, record))
    return x


def mixed(shape: Shape, weights: Weights, n: int, a: np.ndarray, record: Record | None = None) -> np.ndarray:
    """[b, t, q_dim]: what o multiplies, from the input [b, t, dim] of q, k and v."""
    s, (b, t, _), dtype = shape, a.shape, a.dtype
    seen: Record = {} if record is None else record
    p = f"layers.{n}."

    def tap(name: str, x: np.ndarray) -> np.ndarray:
        seen[p + name] = x
        return x

    def matrix(name: str, x: np.ndarray) -> np.ndarray:
        return _matrix(weights, p + name, x)

    angles, root = rope_angles(s, t), dtype.type(np.sqrt(s.head_dim))
    later = np.triu(np.ones((t, t), bool), 1)[:, None]  # [query, 1, key]
    q = tap("q", matrix("q", a).reshape(b, t, s.heads, s.head_dim))
    k = tap("k", matrix("k", a).reshape(b, t, s.kv_heads, s.head_dim))
    v = tap("v", matrix("v", a).reshape(b, t, s.kv_heads, s.head_dim))
    q, k = tap("q_rope", _rope(q, angles)), tap("k_rope", _rope(k, angles))
    # [b, kv_heads, t * group, head_dim] by [b, kv_heads, head_dim, t]: products of matrices, which are fast.
    grouped = q.reshape(b, t, s.kv_heads, s.group, s.head_dim).transpose(0, 2, 1, 3, 4)
    grouped = grouped.reshape(b, s.kv_heads, t * s.group, s.head_dim)
    raw = (grouped @ k.transpose(0, 2, 3, 1)).reshape(b, s.kv_heads, t, s.group, t)
    scores = raw.transpose(0, 2, 1, 3, 4).reshape(b, t, s.heads, t) / root
    if record is not None:
        tap("scores", np.where(later, 0, scores))
    seen_only = np.where(later, -np.inf, scores)
    e = np.exp(seen_only - seen_only.max(-1, keepdims=True))
    prob = tap("prob", e / e.sum(-1, keepdims=True))
    share = prob.reshape(b, t, s.kv_heads, s.group, t).transpose(0, 2, 1, 3, 4)
    out = share.reshape(b, s.kv_heads, t * s.group, t) @ v.transpose(0, 2, 1, 3)
    out = out.reshape(b, s.kv_heads, t, s.group, s.head_dim).transpose(0, 2, 1, 3, 4)
    return tap("attn_out", out.reshape(b, t, s.q_dim))


def hidden(weights: Weights, n: int, a: np.ndarray, record: Record | None = None) -> np.ndarray:
    """[b, t, hidden]: what down multiplies, from the input [b, t, dim] of gate and up."""
    seen: Record = {} if record is None else record
    p = f"layers.{n}."
    gate = seen[p + "gate"] = _matrix(weights, p + "gate", a)
    up = seen[p + "up"] = _matrix(weights, p + "up", a)
    silu = seen[p + "silu"] = _silu(gate)
    h = seen[p + "h"] = sums_and_differences(silu * up, int(weights.get("hadamard", 1)))
    return h


def _matrix(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    result: np.ndarray = x @ np.asarray(weights[name], x.dtype).T
    return result


def _gain(weights: Weights, name: str, dtype: DTypeLike) -> np.ndarray | None:
    return np.asarray(weights[name], dtype) if name in weights else None


def head_input(shape: Shape, weights: Weights, x: np.ndarray) -> np.ndarray:
    """[b, t, dim]: what the LM head multiplies, from the residual after the last layer."""
    y = rms_norm(x, shape.norm_eps, _gain(weights, "final_norm", x.dtype))
    return y @ np.asarray(weights["final"], x.dtype).T if "final" in weights else y


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
            absent count as ones, as after folding. A rotated model has "hadamard", the order of the blocks at
            the input of down, and if it is tied "final" [dim, dim], between the final norm and the head.
        tokens: int [b, t], t at most `shape.context`.
        record: Receives intermediate arrays by tap name, all with leading axes [b, t]. In layer n, with the
            prefix "layers.n.": attn_in (input of q, k, v), q, k, v, q_rope, k_rope [.., heads, head_dim],
            scores and prob [.., heads, t] (scaled; scores of later positions are 0), attn_out (input of o),
            residual_attn (after the add), mlp_in (input of gate, up), gate (before the activation), silu, up,
            h (input of down, after the Hadamard blocks), residual_mlp (after the add). Besides: embed,
            head_in, logits.
        dtype: float32 or float64, of the whole computation.

    Returns:
        [b, t, vocab].
    """
    seen: Record = {} if record is None else record
    seen["embed"] = x = np.asarray(weights["embed"], dtype)[tokens]
    for n in range(shape.layers):
        x = layer(shape, weights, n, x, record)
    seen["head_in"] = a = head_input(shape, weights, x)
    out: np.ndarray = a @ np.asarray(weights[head_name(shape)], dtype).T
    seen["logits"] = out
    return out


def head_name(shape: Shape) -> str:
    """The matrix that gives the logits: the embedding, when it is tied."""
    return "embed" if shape.tied else "head"


def stream(
    shape: Shape, weights: Weights, batches: Sequence[np.ndarray], dtype: DTypeLike = np.float32
) -> Iterator[np.ndarray]:
    """`logits` of many batches, each layer's weights read once, for models that do not fit in memory."""
    embed = np.asarray(weights["embed"], dtype)
    x = [embed[tokens] for tokens in batches]
    del embed
    for n in range(shape.layers):
        here = {k: weights[k] for k in layer_names(n) if k in weights}
        x = [layer(shape, here, n, part) for part in x]
    head = np.asarray(weights[head_name(shape)], dtype)
    for part in x:
        yield head_input(shape, weights, part) @ head.T


def layer_names(n: int) -> list[str]:
    """Names of the tensors of layer n, the norms and what all layers share among them."""
    kinds = ("norm_attn", "q", "k", "v", "o", "norm_mlp", "gate", "up", "down")
    return [*(f"layers.{n}.{k}" for k in kinds), "hadamard"]


def by_length(sequences: Iterable[Sequence[int]], rows: int = 1024) -> Iterator[np.ndarray]:
    """Batches int [b, t] of equal length, shortest first, so that nothing is padded.

    A head has t * t scores in each of b sequences: b is at most `rows`, and fewer where that would be more
    than `SCORES`, so that memory does not grow with the number of texts.
    """
    groups: dict[int, list[Sequence[int]]] = {}
    for sequence in sequences:
        groups.setdefault(len(sequence), []).append(sequence)
    for _, group in sorted(groups.items()):
        step = min(rows, max(1, SCORES // max(1, len(group[0]) ** 2)))
        for i in range(0, len(group), step):
            yield np.array(group[i : i + step], np.int64)


@dataclass
class Tally:
    """Adds up how well a model predicts, batch by batch, and keeps what it ranks first."""

    total: float = 0.0
    first: int = 0
    tokens: int = 0
    choices: list[np.ndarray] = field(default_factory=list)

    def add(self, y: np.ndarray, target: np.ndarray) -> None:
        """Logits [b, t, vocab], and the tokens [b, t] that followed."""
        flat, target = y.reshape(-1, y.shape[-1]), target.ravel()
        for at in range(0, len(flat), ROWS):
            part, wanted = np.asarray(flat[at : at + ROWS], np.float64), target[at : at + ROWS]
            peak = part.max(-1)
            log_sum = peak + np.log(np.exp(part - peak[:, None]).sum(-1))
            choice = part.argmax(-1)
            self.total += float((log_sum - part[np.arange(len(part)), wanted]).sum())
            self.first += int((choice == wanted).sum())
            self.tokens += len(part)
            self.choices.append(choice)

    def score(self) -> Score:
        if not self.tokens:
            raise ValueError("no sequence of two or more tokens to score")
        return Score(self.total / self.tokens, self.first / self.tokens, self.tokens)


def evaluate(model: Callable[[np.ndarray], np.ndarray], sequences: Iterable[Sequence[int]]) -> Score:
    """Score any model, float or integer, on sequences of two or more tokens.

    Args:
        model: From tokens [b, t] to logits [b, t, vocab], in nats.
        sequences: Token numbers; every token after the first is predicted from those before it.
    """
    tally = Tally()
    for batch in by_length(sequences):
        tally.add(model(batch[:, :-1]), batch[:, 1:])
    return tally.score()


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
