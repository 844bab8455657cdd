"""Every integer that the decoder computes with: what is programmed into the ROM, in model terms."""

__all__ = ["Factors", "IntLayer", "IntMatrix", "IntModel", "Tables"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import (
    LANE_EXPONENT_BITS,
    LANE_MANTISSA_BITS,
    TABLE_SIZE,
    round_shift,
)
from rtl_gen.golden.shape import Shape


@dataclass(frozen=True)
class Factors:
    """Fixed-point factors mantissa * 2**-(shift + exponent), one a channel, with a common shift.

    Attributes:
        mantissa: int [n], signed 12 bits.
        exponent: int [n], 0 .. 15.
        shift: Common part of the shift; shift + exponent lies in 1 .. 31 (by default, see `of`).
    """

    mantissa: np.ndarray
    exponent: np.ndarray
    shift: int

    @classmethod
    def of(cls, factors: np.ndarray, longest: int = 31, least: int = 1) -> "Factors":
        """The nearest representable factors: 11 significant bits, 2**15 from largest to smallest.

        Args:
            factors: float [n].
            longest: The longest shift there is.
            least: The shortest.
        """
        f = np.asarray(factors, np.float64)
        top = (1 << (LANE_MANTISSA_BITS - 1)) - 1
        if not np.all(np.isfinite(f)) or not np.any(f):
            raise ValueError("factors must be finite and not all zero")
        # Exponent at which the mantissa uses all its bits; rounding up to 2**11 is avoided by `top`.
        power = np.floor(np.log2(top / np.maximum(np.abs(f), np.finfo(float).tiny))).astype(np.int64)
        shift = int(np.clip(power.min(), least, longest))
        span = (1 << LANE_EXPONENT_BITS) - 1
        exponent = np.clip(power - shift, 0, min(span, longest - shift))
        mantissa = np.rint(f * np.exp2(shift + exponent)).astype(np.int64)
        if np.abs(mantissa).max() > top:
            raise ValueError(
                f"factor {np.abs(f).max():g} is too large for a {LANE_MANTISSA_BITS}-bit mantissa"
            )
        return cls(mantissa, exponent, shift)

    def part(self, first: int, count: int) -> "Factors":
        """The factors of `count` channels from `first` on, with the same shift."""
        at = slice(first, first + count)
        return Factors(self.mantissa[at], self.exponent[at], self.shift)

    def apply(self, value: np.ndarray, at: slice | int = slice(None)) -> np.ndarray:
        """round(value * factor) a channel; `at` selects channels."""
        return round_shift(np.asarray(value, np.int64) * self.mantissa[at], self.shift + self.exponent[at])

    def real(self) -> np.ndarray:
        """float64 [n]: the factors as they act."""
        return self.mantissa * np.exp2(-(self.shift + self.exponent).astype(np.float64))


@dataclass(frozen=True)
class IntMatrix:
    """A weight matrix and the factors that bring its exact sums to the output format.

    Attributes:
        bits: Bits a weight (3, 4 or 6).
        codes: int8 [outputs, inputs].
        factors: One a output.
    """

    bits: int
    codes: np.ndarray
    factors: Factors

    def dot(self, x: np.ndarray) -> np.ndarray:
        """int64 [outputs]: exact sums of products with x, int [inputs]."""
        return self.codes.astype(np.int64) @ np.asarray(x, np.int64)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """int64 [outputs]: requantised, before saturation."""
        return self.factors.apply(self.dot(x))


@dataclass(frozen=True)
class IntLayer:
    """One decoder layer; the shifts are constants of its instructions."""

    q: IntMatrix
    k: IntMatrix
    v: IntMatrix
    o: IntMatrix
    gate: IntMatrix
    up: IntMatrix
    down: IntMatrix
    score_shift: int
    value_shift: int
    product_shift: int
    silu: np.ndarray  # int8 [256], indexed by the byte of the gate's pre-activation


@dataclass(frozen=True)
class Tables:
    """Function tables, indexed by every bit of their operand.

    Attributes:
        rsqrt: int [192]: constant / sqrt(v) over v in [1, 4), for RMSNorm.
        recip: int [192]: 2040 / v over the same v, for softmax.
        exp2: uint8 [256]: 255 * 2**(-u / 16).
        rope: Factors [context * head_dim * 2]: for every position and output element of a head the
            two coefficients of its pair.
    """

    rsqrt: np.ndarray
    recip: np.ndarray
    exp2: np.ndarray
    rope: Factors

    def __post_init__(self) -> None:
        if (
            self.rsqrt.shape != (TABLE_SIZE,)
            or self.recip.shape != (TABLE_SIZE,)
            or self.exp2.shape != (256,)
        ):
            raise ValueError("a table has the wrong size")


@dataclass(frozen=True)
class IntModel:
    """A decoder in integers.

    Attributes:
        embed: codes int8 [vocab, dim]; its factors are one a token, and give the int16 residual.
        head: The LM head; for a tied model its codes are the embedding's.
        final_gain: Weights of the final norm, where they could not be folded (tied), else None.
        norm_shift: Shift of every norm to 8 bits.
        final_shift: Shift of the final norm to 16 bits, when `final_gain` follows.
        norm_init: What the sum of squares starts from: the epsilon, at least 1.
        logit_scale: Integer logits a nat; from it and `beta_shift` follows the temperature.
        ends: Tokens that end a text, whichever comes.
    """

    name: str
    shape: Shape
    embed: IntMatrix
    layers: tuple[IntLayer, ...]
    head: IntMatrix
    final_gain: Factors | None
    norm_shift: int
    final_shift: int
    norm_init: int
    beta_shift: int
    logit_scale: float
    tables: Tables
    ends: tuple[int, ...] = ()
