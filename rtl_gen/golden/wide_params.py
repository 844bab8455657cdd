"""The integers of a wide model: the arithmetic of bases larger than `nano`, which no RTL implements yet.

It differs from `rtl_gen.golden.params` in what a deep model needs. Inputs of matrices are 8-bit mantissas
with an exponent for every `block` of them, found from the vector itself; a matrix may have a step (a 6-bit
unsigned multiplier) for every group of inputs; the residual has 24 bits, other vectors 16.
"""

__all__ = [
    "LONGEST_SHIFT", "RESIDUAL_BITS", "SCORE_ONE", "SIGMOID_RANGE", "WideLayer", "WideMatrix", "WideModel",
    "WideTables",
]  # fmt: skip

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import TABLE_SIZE, round_shift
from rtl_gen.golden.params import Factors
from rtl_gen.golden.shape import Shape

RESIDUAL_BITS = 24
LONGEST_SHIFT = 47
SCORE_ONE = 256  # steps of a score a factor of two of its exponential
SIGMOID_RANGE = 8  # the sigmoid's table spans -8 .. 8
EXACT32 = 1 << 24  # below it sums of whole numbers are exact in float32; in float64 below 2**53
LARGEST_SUM = 1 << 51  # times a factor of 12 bits it must fit 64


@dataclass(frozen=True)
class WideMatrix:
    """Codes, steps by group, and a factor an output.

    Attributes:
        bits: Width of a code.
        codes: int8 [outputs, inputs].
        steps: uint8 [outputs, groups], 1 .. 63, or None for ones.
        group: Inputs of a step; a multiple of the activations' block, or it of this. 0 without steps.
        factors: One an output.
    """

    bits: int
    codes: np.ndarray
    steps: np.ndarray | None
    group: int
    factors: Factors

    def dot(self, mantissa: np.ndarray, exponent: np.ndarray, block: int) -> np.ndarray:
        """Exact sums of code * step * mantissa * 2**exponent.

        Args:
            mantissa: int [n, inputs].
            exponent: int [n, blocks].
            block: Inputs of an exponent.

        Returns:
            int64 [n, outputs].
        """
        lowest = exponent.min(1, keepdims=True)
        scale = np.repeat(exponent - lowest, block, 1)[:, : mantissa.shape[1]]
        x = mantissa.astype(np.float64) * np.exp2(scale)
        # Products of matrices are fast in floating point, and exact while every sum stays below its mantissa.
        # The limit is each position's own: the exponents of two positions are never in one sum.
        largest = float((np.abs(x) * np.exp2(np.maximum(lowest, 0))).max(initial=0.0))
        rows = self._bound()
        if rows * largest >= LARGEST_SUM:
            raise OverflowError(f"sums of {rows} times {largest:g} leave {LARGEST_SUM:g}")
        dtype = np.float32 if rows * largest < EXACT32 else np.float64
        w = self.codes.astype(dtype)
        if self.steps is not None:
            w = w * np.repeat(self.steps, self.group, 1)[:, : self.codes.shape[1]].astype(dtype)
        return (x.astype(dtype) @ w.T).astype(np.int64) << lowest

    def _bound(self) -> int:
        """No sum of |code * step| of an output is larger."""
        codes = np.abs(self.codes.astype(np.int16))
        if self.steps is None:
            return int(codes.sum(1, dtype=np.int64).max(initial=0))
        groups = np.add.reduceat(codes, np.arange(0, codes.shape[1], self.group), 1, dtype=np.int64)
        return int((groups * self.steps).sum(1).max(initial=0))

    def __call__(self, mantissa: np.ndarray, exponent: np.ndarray, block: int) -> np.ndarray:
        """int64 [n, outputs]: requantised, before saturation."""
        return self.factors.apply(self.dot(mantissa, exponent, block))

    def row(self, n: int | np.ndarray) -> np.ndarray:
        """int64 [inputs]: codes times steps of one output, or of several."""
        out = self.codes[n].astype(np.int64)
        if self.steps is not None:
            out = out * np.repeat(self.steps[n].astype(np.int64), self.group, -1)[..., : out.shape[-1]]
        return out


@dataclass(frozen=True)
class WideLayer:
    """One decoder layer.

    Attributes:
        score_shift: Brings q . k to steps of `SCORE_ONE` a factor of two.
        gate_shift: log2 of integer gate inputs a unit, 4 .. 12.
    """

    q: WideMatrix
    k: WideMatrix
    v: WideMatrix
    o: WideMatrix
    gate: WideMatrix
    up: WideMatrix
    down: WideMatrix
    score_shift: int
    gate_shift: int


@dataclass(frozen=True)
class WideTables:
    """Function tables.

    Attributes:
        rsqrt: int [192]: constant / sqrt(v) over v in [1, 4), for RMSNorm.
        recip: int [192]: 2048 / v over the same v, for softmax.
        exp2: int [256]: 65535 * 2**(-u / 256).
        sigmoid: int [257]: 32767 / (1 + exp(-x)) at x = -8 .. 8, 1/16 apart.
        rope: Factors [context * head_dim * 2], as for `rtl_gen.golden.params.Tables`.
    """

    rsqrt: np.ndarray
    recip: np.ndarray
    exp2: np.ndarray
    sigmoid: np.ndarray
    rope: Factors

    def __post_init__(self) -> None:
        sizes = [(self.rsqrt, TABLE_SIZE), (self.recip, TABLE_SIZE), (self.exp2, 256), (self.sigmoid, 257)]
        if any(table.shape != (size,) for table, size in sizes):
            raise ValueError("a table has the wrong size")


@dataclass(frozen=True)
class WideModel:
    """A decoder in wide integers.

    Attributes:
        block: Inputs of an exponent.
        embed: Its factors are one a token, and give the residual.
        head: The LM head; for a tied model its codes are the embedding's.
        final_gain: Weights of the final norm, where they could not be folded (tied), else None.
        norm_shift: Of every norm, less the double shifts of its sum.
        norm_init: What the sum of squares starts from, in squares of the residual's integers.
        logit_scale: Integer logits a nat; from it and `beta_shift` follows the temperature.
        ends: Tokens that end a text, whichever comes.
    """

    name: str
    shape: Shape
    block: int
    embed: WideMatrix
    layers: tuple[WideLayer, ...]
    head: WideMatrix
    final_gain: Factors | None
    norm_shift: int
    norm_init: int
    beta_shift: int
    logit_scale: float
    tables: WideTables
    ends: tuple[int, ...] = ()

    def embedded(self, tokens: np.ndarray) -> np.ndarray:
        """int64 [n, dim]: rows of the embedding, before saturation."""
        f = self.embed.factors
        shift = (f.shift + f.exponent[tokens])[:, None]
        return round_shift(self.embed.row(tokens) * f.mantissa[tokens][:, None], shift)
