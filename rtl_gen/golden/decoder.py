"""The golden model of the hardened `nano`, with static 8-bit ranges: its hardware agrees bit for bit.

Every other model goes through `rtl_gen.golden.network`.
"""

__all__ = ["GoldenDecoder"]

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rtl_gen.golden.arith import normalise, round_shift, saturate, saturate_unsigned
from rtl_gen.golden.params import IntLayer, IntModel
from rtl_gen.golden.sampling import select_token

SQUARE_SHIFT = 4  # x * (x >> 4) is summed: the second factor must fit the multiplier's 12 bits
RECIP_SHIFT = 33  # 2**30 of the normalised sum times the 2**3 of the table's 2040 = 8 * 255

Tap = Callable[[str, np.ndarray], None]


class GoldenDecoder:
    """Runs one sequence; positions are fed one after another.

    Args:
        model: The integer model.
        tap: Called with a name and an array for every intermediate vector, for debugging hardware.
    """

    def __init__(self, model: IntModel, tap: Tap | None = None) -> None:
        self.model = model
        self._tap: Tap = tap or (lambda name, value: None)
        s = model.shape
        self._keys = np.zeros((s.layers, s.context, s.kv_heads, s.head_dim), np.int64)
        self._values = np.zeros_like(self._keys)
        rope = model.tables.rope
        self._rope_shift = rope.shift + rope.exponent.reshape(s.context, s.head_dim, 2)
        self._rope = rope.mantissa.reshape(s.context, s.head_dim, 2)
        if np.ptp(self._rope_shift):
            raise ValueError("rotation coefficients must share one exponent: their products are summed")
        self.position = 0

    def reset(self) -> None:
        """Start a new sequence."""
        self.position = 0

    def feed(self, token: int) -> np.ndarray:
        """Advance by one token.

        Returns:
            int64 [dim]: the residual after the last layer.

        Raises:
            ValueError: The token is outside the vocabulary, or the context is full.
        """
        m, s = self.model, self.model.shape
        if not 0 <= token < s.vocab:
            raise ValueError(f"token {token} is outside the vocabulary of {s.vocab}")
        if self.position >= s.context:
            raise ValueError(f"the context of {s.context} tokens is full")
        x = saturate(m.embed.factors.apply(m.embed.codes[token], token), 16)
        self._tap("embed", x)
        for n, layer in enumerate(m.layers):
            x = saturate(x + saturate(layer.o(self._attention(n, layer, self._norm(x))), 16), 16)
            self._tap(f"layers.{n}.attention", x)
            x = saturate(x + saturate(layer.down(self._swiglu(layer, self._norm(x))), 16), 16)
            self._tap(f"layers.{n}.mlp", x)
        self.position += 1
        return x

    def logits(self, x: np.ndarray) -> np.ndarray:
        """int64 [vocab]: 16-bit logits from the residual after the last layer."""
        m = self.model
        if m.final_gain is None:
            xn = self._norm(x)
        else:
            xn = saturate(m.final_gain.apply(saturate(self._normalised(x, m.final_shift), 16)), 8)
        self._tap("head_in", xn)
        return saturate(m.head(xn), 16)

    def choose(self, logits: np.ndarray, beta: int, state: int) -> tuple[int, int]:
        """Choose a token: the first of the largest for beta 0, else a draw.

        Returns:
            (token, new generator state).
        """
        if beta == 0:
            return int(np.argmax(logits)), state
        distance = saturate_unsigned(round_shift((logits.max() - logits) * beta, self.model.beta_shift), 8)
        return select_token(self.model.tables.exp2[distance].astype(np.int64), state)

    def generate(self, prompt: Sequence[int], *, beta: int = 0, seed: int = 1) -> Iterator[int]:
        """Tokens that follow the prompt, up to and including one that ends a text, or to a full context."""
        self.reset()
        x = np.zeros(0, np.int64)
        for token in prompt:
            x = self.feed(token)
        state = seed
        while True:
            token, state = self.choose(self.logits(x), beta, state)
            yield token
            if token in self.model.ends or self.position == self.model.shape.context:
                return
            x = self.feed(token)

    def _normalised(self, x: np.ndarray, shift: int) -> np.ndarray:
        total = self.model.norm_init + int(np.sum(x * (x >> SQUARE_SHIFT)))
        index, count = normalise(total)
        return round_shift(x * int(self.model.tables.rsqrt[index]), shift - count)

    def _norm(self, x: np.ndarray) -> np.ndarray:
        return saturate(self._normalised(x, self.model.norm_shift), 8)

    def _rotate(self, x: np.ndarray) -> np.ndarray:
        """Rotary embedding of int [heads, head_dim] at the present position."""
        pairs = x.reshape(x.shape[0], -1, 1, 2)
        c = self._rope[self.position].reshape(-1, 2, 2)
        return saturate(round_shift((pairs * c).sum(-1), self._rope_shift.flat[0]).reshape(x.shape), 8)

    def _attention(self, n: int, layer: IntLayer, xn: np.ndarray) -> np.ndarray:
        s, t = self.model.shape, self.position
        self._tap(f"layers.{n}.attn_in", xn)
        q = self._rotate(saturate(layer.q(xn), 8).reshape(s.heads, s.head_dim))
        self._keys[n, t] = self._rotate(saturate(layer.k(xn), 8).reshape(s.kv_heads, s.head_dim))
        self._values[n, t] = saturate(layer.v(xn), 8).reshape(s.kv_heads, s.head_dim)
        self._tap(f"layers.{n}.q", q)
        self._tap(f"layers.{n}.k", self._keys[n, t])
        out = np.zeros_like(q)
        for h in range(s.heads):
            keys, values = self._keys[n, : t + 1, h // s.group], self._values[n, : t + 1, h // s.group]
            score = saturate(round_shift(keys @ q[h], layer.score_shift), 8)
            power = self.model.tables.exp2[score.max() - score].astype(np.int64)
            index, count = normalise(int(power.sum()))
            p = round_shift(power * int(self.model.tables.recip[index]), RECIP_SHIFT - 2 * count)
            p = saturate_unsigned(p, 8)
            out[h] = saturate(round_shift(p @ values, layer.value_shift), 8)
        self._tap(f"layers.{n}.mix", out)
        return out.reshape(-1)

    def _swiglu(self, layer: IntLayer, xn: np.ndarray) -> np.ndarray:
        gate = saturate(layer.gate(xn), 8)
        up = saturate(layer.up(xn), 8)
        return saturate(round_shift(layer.silu[gate & 255].astype(np.int64) * up, layer.product_shift), 8)
