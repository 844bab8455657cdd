"""The golden model of the wide arithmetic, over any number of positions at once.

Every result is an integer, and does not depend on how many positions are fed together.
"""

__all__ = ["WideDecoder", "block_float"]

from collections.abc import Iterator, Sequence

import numpy as np

from rtl_gen.golden.arith import INDEX_BITS, TABLE_FIRST, round_shift, saturate, saturate_unsigned
from rtl_gen.golden.decoder import select_token
from rtl_gen.golden.params import Factors
from rtl_gen.golden.wide_params import RESIDUAL_BITS, SIGMOID_RANGE, WideLayer, WideMatrix, WideModel

MANTISSA_BITS = 8
WORD = 16  # bits of vectors between the residual and the blocks
SUM_BITS = 48  # of a sum that is normalised
EXP_BITS = 16
MATVEC = tuple[np.ndarray, np.ndarray]  # mantissas and exponents


def _length(x: np.ndarray) -> np.ndarray:
    """Bits of a number >= 0: 0 for 0, else floor(log2) + 1; exact below 2**53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def _scaled(x: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x / 2**shift, rounded half up; a negative shift multiplies."""
    return np.where(shift > 0, round_shift(x, np.maximum(shift, 1)), x << np.maximum(-shift, 0))


def block_float(x: np.ndarray, block: int) -> MATVEC:
    """8-bit mantissas and an exponent a block, the least with which the largest of the block fits.

    Args:
        x: int64 [..., n].
        block: Elements of an exponent; the last block may be shorter.

    Returns:
        (mantissa int64 [..., n], exponent int64 [..., blocks]).
    """
    n = x.shape[-1]
    pad = -n % block
    y = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, pad)]) if pad else x
    y = y.reshape(*x.shape[:-1], -1, block)
    exponent = np.maximum(_length(np.abs(y).max(-1)) - (MANTISSA_BITS - 1), 0)
    mantissa = saturate(_scaled(y, exponent[..., None]), MANTISSA_BITS)
    return mantissa.reshape(*x.shape[:-1], -1)[..., :n], exponent


def normalise_sum(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `arith.normalise`, for arrays and sums of up to 48 bits: (table index, double shifts)."""
    count = (SUM_BITS - _length(total)) // 2
    return (total << (2 * count) >> (SUM_BITS - INDEX_BITS)) - TABLE_FIRST, count


class WideDecoder:
    """Runs one sequence; positions are fed one after another, or many at a time."""

    def __init__(self, model: WideModel) -> None:
        self.model = model
        s = model.shape
        rope = model.tables.rope
        if np.ptp(rope.exponent):
            raise ValueError("rotation coefficients must share one exponent: their products are summed")
        self._rope_shift = rope.shift + int(rope.exponent[0])
        self._rope = rope.mantissa.reshape(-1, s.head_dim // 2, 2, 2)
        self._keys: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self.reset()

    def reset(self) -> None:
        """Start a new sequence."""
        s = self.model.shape
        self.position = 0
        self._keys = [np.zeros((s.kv_heads, 0, s.head_dim)) for _ in range(s.layers)]
        self._values = [np.zeros((s.kv_heads, 0, s.head_dim)) for _ in range(s.layers)]

    def feed(self, tokens: int | Sequence[int] | np.ndarray) -> np.ndarray:
        """Advance by one token or by several.

        Returns:
            int64 [tokens, dim]: the residual after the last layer.

        Raises:
            ValueError: A token is outside the vocabulary, or the context is full.
        """
        m, s = self.model, self.model.shape
        ids = np.atleast_1d(np.asarray(tokens, np.int64))
        if ids.size == 0 or ids.min() < 0 or ids.max() >= s.vocab:
            raise ValueError(f"tokens {ids[:8]} are none, or outside the vocabulary of {s.vocab}")
        if self.position + len(ids) > len(self._rope):
            raise ValueError(f"the context of {len(self._rope)} tokens is full")
        x = saturate(m.embedded(ids), RESIDUAL_BITS)
        for n, layer in enumerate(m.layers):
            x = saturate(x + layer.o(*self._attention(n, layer, self._norm(x)), m.block), RESIDUAL_BITS)
            x = saturate(x + layer.down(*self._swiglu(layer, self._norm(x)), m.block), RESIDUAL_BITS)
        self.position += len(ids)
        return x

    def logits(self, x: np.ndarray) -> np.ndarray:
        """int64 [n, vocab]: 16-bit logits from residuals [n, dim] after the last layer."""
        m = self.model
        return saturate(m.head(*self._norm(x, m.final_gain), m.block), WORD)

    def choose(self, logits: np.ndarray, beta: int, state: int) -> tuple[int, int]:
        """Choose a token: the first of the largest for beta 0, else a draw; also the new generator state."""
        if beta == 0:
            return int(np.argmax(logits)), state
        distance = round_shift((logits.max() - logits) * beta, self.model.beta_shift)
        return select_token(self._exp2(distance) >> (EXP_BITS - 8), state)

    def generate(self, prompt: Sequence[int], *, beta: int = 0, seed: int = 1) -> Iterator[int]:
        """Tokens that follow the prompt, up to and including one that ends a text, or to a full context."""
        self.reset()
        x = self.feed(prompt)[-1:]
        state = seed
        while True:
            token, state = self.choose(self.logits(x)[0], beta, state)
            yield token
            if token in self.model.ends or self.position == len(self._rope):
                return
            x = self.feed(token)

    def _norm(self, x: np.ndarray, gain: Factors | None = None) -> MATVEC:
        m = self.model
        # The residual of one position, shifted to fill a word: the norm does not change with its scale.
        exponent = _length(np.abs(x).max(-1, keepdims=True)) - (WORD - 1)
        y = saturate(_scaled(x, exponent), WORD)
        init = _scaled(np.full(len(x), m.norm_init), 2 * exponent[:, 0])
        index, count = normalise_sum(np.clip(init, 1, 1 << (SUM_BITS - 2)) + (y * y).sum(-1))
        root = m.tables.rsqrt[index][:, None]
        z = saturate(round_shift(y * root, np.maximum(m.norm_shift - count, 1)[:, None]), WORD)
        return block_float(z if gain is None else saturate(gain.apply(z), WORD), m.block)

    def _exp2(self, distance: np.ndarray) -> np.ndarray:
        """16-bit 2**(-distance / 256)."""
        return self.model.tables.exp2[distance & 255] >> np.minimum(distance >> 8, EXP_BITS)

    def _rotate(self, x: np.ndarray) -> np.ndarray:
        """Rotary embedding of int [n, heads, head_dim], the first at the present position."""
        pairs = x.reshape(*x.shape[:2], -1, 1, 2)
        c = self._rope[self.position : self.position + len(x), None]
        return saturate(round_shift((pairs * c).sum(-1), self._rope_shift).reshape(x.shape), WORD)

    def _attention(self, n: int, layer: WideLayer, xn: MATVEC) -> MATVEC:
        m, s = self.model, self.model.shape
        t = len(xn[0])

        def heads(matrix: WideMatrix, count: int) -> np.ndarray:
            return saturate(matrix(*xn, m.block), WORD).reshape(t, count, s.head_dim)

        def spread(x: np.ndarray) -> np.ndarray:
            """Each head of each position as one block: float64 holding exact integers."""
            mantissa, exponent = block_float(x, s.head_dim)
            return (mantissa << exponent).astype(np.float64)

        q = spread(self._rotate(heads(layer.q, s.heads)))
        new_k = spread(self._rotate(heads(layer.k, s.kv_heads))).transpose(1, 0, 2)
        new_v = spread(heads(layer.v, s.kv_heads)).transpose(1, 0, 2)
        keys = self._keys[n] = np.concatenate([self._keys[n], new_k], 1)
        values = self._values[n] = np.concatenate([self._values[n], new_v], 1)
        seen = np.arange(keys.shape[1]) <= self.position + np.arange(t)[:, None]
        out = np.empty((t, s.heads, s.head_dim), np.int64)
        for h in range(s.heads):
            # Sums of products of 16-bit numbers are exact: head_dim of them, or as many as positions.
            raw = (q[:, h] @ keys[h // s.group].T).astype(np.int64)
            score = round_shift(raw, layer.score_shift)
            peak = np.where(seen, score, np.iinfo(np.int64).min).max(1, keepdims=True)
            power = np.where(seen, self._exp2(np.maximum(peak - score, 0)), 0)
            index, count = normalise_sum(power.sum(1))
            mixed = (power.astype(np.float64) @ values[h // s.group]).astype(np.int64)
            # 1 / sum = recip / 2**11 * 2**(2 * count - 46)
            out[:, h] = round_shift(
                mixed * m.tables.recip[index][:, None], SUM_BITS - 2 + 11 - 2 * count[:, None]
            )
        return block_float(saturate(out, WORD).reshape(t, -1), m.block)

    def _swiglu(self, layer: WideLayer, xn: MATVEC) -> MATVEC:
        m = self.model
        gate = saturate(layer.gate(*xn, m.block), WORD)
        up = saturate(layer.up(*xn, m.block), WORD)
        step = layer.gate_shift - 4  # the table has 16 entries a unit
        at = saturate_unsigned(gate + (SIGMOID_RANGE << layer.gate_shift), layer.gate_shift + 4)
        index, rest = at >> step, at & ((1 << step) - 1)
        low, high = m.tables.sigmoid[index], m.tables.sigmoid[index + 1]
        sigmoid = low + ((high - low) * rest >> step)
        return block_float(round_shift(gate * sigmoid, 15) * up, m.block)
