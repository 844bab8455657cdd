import tracemalloc

import numpy as np
import pytest

from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.checkpoint.huggingface import interleave
from metal_configs.reference import SCORES, activations, by_length, evaluate, logits, score, stream
from rtl_gen.golden.shape import Shape

TIED = Shape(
    dim=12, layers=2, heads=6, kv_heads=2, head_dim=4, hidden=20, vocab=11, context=16, rope_theta=50.0
)
UNTIED = Shape(
    dim=8,
    layers=1,
    heads=2,
    kv_heads=2,
    head_dim=6,
    hidden=12,
    vocab=9,
    context=16,
    tied=False,
    norm_eps=1e-3,
)


def random_weights(shape: Shape, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {n: rng.standard_normal(s) * 0.5 + ("norm" in n) for n, s in tensor_shapes(shape).items()}


def by_the_book(s: Shape, hf: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """One sequence, one position, one head at a time, with half-split RoPE as Hugging Face does it."""

    def norm(x, w):
        return x / np.sqrt((x**2).mean() + s.norm_eps) * w

    def turn(x, position):
        half = s.head_dim // 2
        y = np.zeros_like(x)
        for i in range(half):
            a = position / s.rope_theta ** (2 * i / s.head_dim)
            y[i] = x[i] * np.cos(a) - x[i + half] * np.sin(a)
            y[i + half] = x[i + half] * np.cos(a) + x[i] * np.sin(a)
        return y

    d, out = s.head_dim, []
    keys: dict = {}
    for position, token in enumerate(tokens):
        x = hf["embed"][token].copy()
        for n in range(s.layers):
            w = {k: hf[f"layers.{n}.{k}"] for k in ("q", "k", "v", "o", "gate", "up", "down")}
            a = norm(x, hf[f"layers.{n}.norm_attn"])
            q, k, v = w["q"] @ a, w["k"] @ a, w["v"] @ a
            mixed = []
            for h in range(s.heads):
                g = h // s.group
                past = keys.setdefault((n, h), [])
                past.append((turn(k[g * d : g * d + d], position), v[g * d : g * d + d]))
                mine = turn(q[h * d : h * d + d], position)
                e = np.exp([mine @ kk / np.sqrt(d) for kk, _ in past])
                mixed.append(sum(p * vv for p, (_, vv) in zip(e / e.sum(), past, strict=True)))
            x = x + w["o"] @ np.concatenate(mixed)
            a = norm(x, hf[f"layers.{n}.norm_mlp"])
            gate = w["gate"] @ a
            x = x + w["down"] @ (gate / (1 + np.exp(-gate)) * (w["up"] @ a))
        out.append(hf["embed" if s.tied else "head"] @ norm(x, hf["final_norm"]))
    return np.array(out)


@pytest.mark.parametrize("shape", [TIED, UNTIED])
def test_agrees_with_the_book(shape):
    hf = random_weights(shape)
    ours = {n: interleave(a, shape.head_dim) if n.endswith((".q", ".k")) else a for n, a in hf.items()}
    tokens = np.random.default_rng(1).integers(0, shape.vocab, (3, 9))
    want = [by_the_book(shape, hf, list(row)) for row in tokens]
    np.testing.assert_allclose(logits(shape, ours, tokens, dtype=np.float64), want, rtol=1e-9, atol=1e-9)
    y = logits(shape, ours, tokens)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, want, rtol=1e-3, atol=1e-3)


def test_later_tokens_change_nothing_before_them():
    w = random_weights(TIED)
    a = np.array([[1, 2, 3, 4]])
    b = np.array([[1, 2, 9, 9]])
    np.testing.assert_array_equal(logits(TIED, w, a)[:, :2], logits(TIED, w, b)[:, :2])


def test_record_has_every_tap():
    record: dict = {}
    tokens = np.array([[0, 1, 2], [3, 4, 5]])
    y = logits(TIED, random_weights(TIED), tokens, record)
    layer = {"attn_in": (12,), "q": (6, 4), "k": (2, 4), "v": (2, 4), "q_rope": (6, 4), "k_rope": (2, 4),
             "scores": (6, 3), "prob": (6, 3), "attn_out": (24,), "residual_attn": (12,), "mlp_in": (12,),
             "gate": (20,), "silu": (20,), "up": (20,), "h": (20,), "residual_mlp": (12,)}  # fmt: skip
    want = {f"layers.{n}.{k}": s for n in (0, 1) for k, s in layer.items()}
    want |= {"embed": (12,), "head_in": (12,), "logits": (11,)}
    assert {k: a.shape for k, a in record.items()} == {k: (2, 3, *s) for k, s in want.items()}
    assert all(a.dtype == np.float32 and np.isfinite(a).all() for a in record.values())
    assert record["logits"] is y
    np.testing.assert_allclose(record["layers.1.prob"].sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(record["layers.0.h"], record["layers.0.silu"] * record["layers.0.up"])


def test_absent_norms_are_ones():
    w = random_weights(TIED)
    ones = {n: np.ones_like(a) if "norm" in n else a for n, a in w.items()}
    none = {n: a for n, a in w.items() if "norm" not in n}
    tokens = np.array([[1, 2, 3]])
    np.testing.assert_array_equal(logits(TIED, ones, tokens), logits(TIED, none, tokens))


def test_score_counts_what_is_predicted():
    def uniform(tokens):
        return np.zeros((*tokens.shape, 7))

    s = evaluate(uniform, [[0, 1], [0, 2, 0, 3]])
    assert s.nll == pytest.approx(np.log(7))
    assert (s.tokens, s.top1) == (4, 0.25)
    with pytest.raises(ValueError, match="no sequence"):
        evaluate(uniform, [[1]])


def test_score_does_not_depend_on_batching():
    w = random_weights(TIED)
    words = [[0, 3, 4, 1], [0, 2, 1], [0, 5, 6, 1]]
    one = [score(TIED, w, [x], np.float64) for x in words]
    together = score(TIED, w, words, np.float64)
    assert together.nll == pytest.approx(sum(s.nll * s.tokens for s in one) / together.tokens)


def test_activations_are_flat_over_tokens():
    a = activations(TIED, random_weights(TIED), [[0, 3, 4, 1], [0, 2, 1]])
    assert a["layers.1.q_rope"].shape == (5, 24)
    assert not any(k.endswith(("scores", "prob")) for k in a)
    only = activations(TIED, random_weights(TIED), [[0, 2, 1]], ["layers.0.h"])
    assert [(k, x.shape) for k, x in only.items()] == [("layers.0.h", (2, 20))]


def test_batches_are_of_one_length_and_bounded_in_scores():
    texts = [[n] * t for t in (0, 1, 16, 16, 511, 512, 512, 2000) for n in range(3)] + [[7] * 16] * 2000
    batches = list(by_length(texts))
    assert sorted(map(tuple, texts)) == sorted(tuple(map(int, row)) for b in batches for row in b)
    assert [b.shape[1] for b in batches] == sorted(b.shape[1] for b in batches)
    assert all(len(b) <= 1024 for b in batches)
    assert all(len(b) == 1 or len(b) * b.shape[1] ** 2 <= SCORES for b in batches)
    assert max(len(b) for b in batches) == 1024


def test_memory_does_not_grow_with_the_number_of_long_texts():
    """Of the shape of `words` but for its context: 40 texts of 512 tokens have 320 MB of scores."""
    shape = Shape(dim=32, layers=1, heads=8, kv_heads=2, head_dim=4, hidden=80, vocab=28, context=512)
    weights = {k: v.astype(np.float32) for k, v in random_weights(shape).items()}
    texts = np.random.default_rng(1).integers(2, 28, (40, 512)).tolist()
    tracemalloc.start()
    try:
        batches = [b[:, :-1] for b in by_length(texts)]
        tokens = sum(y.shape[0] * y.shape[1] for y in stream(shape, weights, batches))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert tokens == 40 * 511
    assert peak < 100e6
