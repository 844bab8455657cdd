"""Every integer that the decoder computes with: what is programmed into the ROM, in model terms."""

__all__ = ["IntLayer", "IntMatrix", "IntModel", "Tables"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import TABLE_SIZE
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.shape import Shape


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
