"""The golden model: a decoder of any size in integers, as arrays of tiles and a vector unit compute it."""

__all__ = ["Network"]

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.arith import round_shift, saturate, saturate_unsigned
from rtl_gen.golden.formats import (
    DISTANCE,
    EXPONENTIAL,
    HIDDEN,
    PROBABILITY,
    PRODUCT_SHIFT,
    RESIDUAL,
    SUM,
    WORD,
)
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer, Model
from rtl_gen.golden.sampling import DRAW_BITS, select_token
from rtl_gen.golden.vector import (
    exponentials,
    hadamard_blocks,
    mantissas,
    probabilities,
    rescale,
    rms_norm,
    rotate,
    silu,
)

Tap = Callable[[str, np.ndarray], None]
Vector = tuple[np.ndarray, np.ndarray]  # mantissas [n, inputs] and exponents [n, 1]


class Network:
    """Runs one sequence; positions are fed one after another, or many at a time, with the same result.

    Args:
        model: The integers.
        adapter: Loaded beside it, in ram tiles.
        tap: Called with a name and an array for what enters and leaves every matrix: "layers.0.q.in"
            (mantissas [n, inputs]), "layers.0.q.exponent" [n, 1], "layers.0.q.sum" [n, outputs]; of an
            adapter's "layers.0.q.a.sum" [n, rank], "layers.0.q.b.in" and "layers.0.q.b.sum", which
            "layers.0.q.sum" does not hold.

    Raises:
        FlowError: The adapter is not for the model.
    """

    def __init__(self, model: Model, tap: Tap | None = None, adapter: Adapter | None = None) -> None:
        self.model = model
        self._pairs = {} if adapter is None else adapter.pairs
        if adapter is not None:
            adapter.check(model)
        self._tap = tap
        self.position = 0
        self._keys: list[Vector] = []
        self._values: list[Vector] = []
        self.reset()

    def reset(self) -> None:
        """Start a new sequence."""
        s = self.model.shape
        self.position = 0
        nothing = np.zeros((s.kv_heads, 0, s.head_dim), np.float32), np.zeros((s.kv_heads, 0), np.int64)
        self._keys = [nothing] * s.layers
        self._values = [nothing] * s.layers

    def feed(self, tokens: int | Sequence[int] | np.ndarray) -> np.ndarray:
        """Advance by one token or by several.

        Returns:
            int64 [tokens, dim]: the residual after the last layer.

        Raises:
            ValueError: A token is outside the vocabulary, or there are more than rotary coefficients.
        """
        m, s = self.model, self.model.shape
        ids = np.atleast_1d(np.asarray(tokens, np.int64))
        if ids.size == 0 or ids.min() < 0 or ids.max() >= s.vocab:
            raise ValueError(f"tokens {ids[:8]} are none, or outside the vocabulary of {s.vocab}")
        if self.position + len(ids) > m.positions:
            raise ValueError(f"the context of {m.positions} tokens is full")
        f = m.embed.factors
        rows = m.embed.codes[ids].astype(np.int64) * f.mantissa[ids][:, None]
        x = saturate(rescale(rows, (f.shift + f.exponent[ids])[:, None]), RESIDUAL)
        for n, layer in enumerate(m.layers):
            p = f"layers.{n}."
            mixed = mantissas(self._attention(n, layer, self._norm(x)))
            x = saturate(x + self._times(p + "o", layer.o, mixed, RESIDUAL), RESIDUAL)
            hidden = self._swiglu(p, layer, self._norm(x))
            x = saturate(x + self._times(p + "down", layer.down, hidden, RESIDUAL), RESIDUAL)
        self.position += len(ids)
        return x

    def logits(self, x: np.ndarray) -> np.ndarray:
        """int64 [n, vocab]: logits from residuals [n, dim] after the last layer."""
        m = self.model
        a = self._norm(x)
        if m.final is not None:
            a = mantissas(self._times("final", m.final, a, WORD))
        return self._times("head", m.head, a, SUM)

    def choose(self, logits: np.ndarray, beta: int, state: int) -> tuple[int, int]:
        """Choose a token: the first of the largest for beta 0, else a draw; also the new generator state."""
        if beta == 0:
            return int(np.argmax(logits)), state
        distance = round_shift((logits.max() - logits) * beta, self.model.beta_shift)
        power = exponentials(saturate_unsigned(distance, DISTANCE), self.model.tables.exp2)
        return select_token(power >> (EXPONENTIAL - DRAW_BITS), state)

    def generate(self, prompt: Sequence[int], *, beta: int = 0, seed: int = 1) -> Iterator[int]:
        """Tokens that follow the prompt, up to and including one that ends a text, or to a full context."""
        self.reset()
        x = self.feed(prompt)[-1:]
        state = seed
        while True:
            token, state = self.choose(self.logits(x)[0], beta, state)
            yield token
            if token in self.model.ends or self.position == self.model.positions:
                return
            x = self.feed(token)

    def _times(self, name: str, matrix: Matrix, given: Vector, bits: int) -> np.ndarray:
        """Words or wider [n, outputs]: sums times factors."""
        mantissa, exponent = given
        sums = matrix.sums(mantissa)
        if self._tap is not None:
            self._tap(f"{name}.in", mantissa)
            self._tap(f"{name}.exponent", exponent)
            self._tap(f"{name}.sum", sums)
        if name in self._pairs:
            sums = sums + self._adapted(name, mantissa)
        f = matrix.factors
        return saturate(rescale(sums * f.mantissa, f.shift + f.exponent - exponent), bits)

    def _adapted(self, name: str, mantissa: np.ndarray) -> np.ndarray:
        """What an adapter adds to the sums [n, outputs] of a matrix."""
        pair = self._pairs[name]
        first = pair.a.sums(mantissa)
        inner = pair.inner(first)
        sums = pair.sums(inner)
        if self._tap is not None:
            self._tap(f"{name}.a.sum", first)
            self._tap(f"{name}.b.in", inner)
            self._tap(f"{name}.b.sum", sums)
        return sums

    def _norm(self, x: np.ndarray) -> Vector:
        m = self.model
        return mantissas(rms_norm(x, m.tables.rsqrt, m.norm_epsilon))

    def _attention(self, n: int, layer: Layer, given: Vector) -> np.ndarray:
        """Words [n, q_dim]: what o multiplies."""
        m, s, p = self.model, self.model.shape, f"layers.{n}."
        t = len(given[0])
        turn = m.tables.rotary[self.position : self.position + t]

        def heads(kind: str, matrix: Matrix) -> np.ndarray:
            return self._times(p + kind, matrix, given, WORD).reshape(t, -1, s.head_dim)

        q, q_exponent = mantissas(rotate(heads("q", layer.q), turn))
        keys, k_exponent = self._keys[n] = _append(self._keys[n], rotate(heads("k", layer.k), turn))
        values, v_exponent = self._values[n] = _append(self._values[n], heads("v", layer.v))
        seen = np.arange(keys.shape[1]) <= self.position + np.arange(t)[:, None]
        # Query heads of one key head stand together: [kv_heads, t * group, head_dim].
        asked = q.reshape(t, s.kv_heads, s.group, s.head_dim).transpose(1, 0, 2, 3).astype(np.float32)
        sums = asked.reshape(s.kv_heads, -1, s.head_dim) @ keys.transpose(0, 2, 1)
        raw = sums.astype(np.int64).reshape(s.kv_heads, t, s.group, -1)
        q_exponent = q_exponent.reshape(t, s.kv_heads, s.group, 1).transpose(1, 0, 2, 3)
        shift = layer.score_shift - q_exponent - k_exponent[:, None, None]
        score = saturate(rescale(raw, shift), SUM)
        visible = seen[:, None]
        peak = np.where(visible, score, -(1 << SUM)).max(-1, keepdims=True)
        distance = np.clip(peak - score, 0, (1 << DISTANCE) - 1)
        power = np.where(visible, exponentials(distance, m.tables.exp2), 0)
        v_exponent = v_exponent[:, None, None]
        largest = np.where(visible, v_exponent, 0).max(-1, keepdims=True)
        share = probabilities(power, m.tables.recip, v_exponent, largest)
        # Two passes of 7-bit digits in hardware; their sum is below 2**24, so it is exact here at once.
        sums = share.reshape(s.kv_heads, t * s.group, -1).astype(np.float32) @ values
        mixed = sums.astype(np.int64).reshape(s.kv_heads, t, s.group, s.head_dim)
        out = saturate(rescale(mixed, PROBABILITY - largest), WORD)
        return out.transpose(1, 0, 2, 3).reshape(t, s.q_dim)

    def _swiglu(self, p: str, layer: Layer, given: Vector) -> Vector:
        """What down multiplies."""
        m = self.model
        gate = self._times(p + "gate", layer.gate, given, WORD)
        up = self._times(p + "up", layer.up, given, WORD)
        product = silu(gate, m.tables.sigmoid, layer.gate_unit) * up
        mixed, first = hadamard_blocks(saturate(rescale(product, PRODUCT_SHIFT), HIDDEN), m.hadamard)
        mantissa, exponent = mantissas(mixed)
        return mantissa, first + exponent


def _append(cache: Vector, words: np.ndarray) -> Vector:
    """The cache [kv_heads, positions, head_dim], its exponents, and new words [t, kv_heads, head_dim]."""
    mantissa, exponent = mantissas(words)
    return (
        np.concatenate([cache[0], mantissa.transpose(1, 0, 2).astype(np.float32)], 1),
        np.concatenate([cache[1], exponent[..., 0].T], 1),
    )
