"""Every integer that a decoder computes with, for a model of any size."""

__all__ = ["Layer", "Model", "Tables"]

from dataclasses import dataclass, replace

import numpy as np

from rtl_gen.golden.formats import (
    ACTIVATION,
    DOWN_EXPONENT,
    GATE_UNITS,
    INTERVALS,
    LARGEST_HADAMARD,
    LARGEST_SHIFT,
    LEFT_SHIFT,
    ROTARY,
    SIGMOID_INTERVALS,
    SQUARE,
    SQUARES,
    SUM,
    TABLE,
    WORD_EXPONENT,
)
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vector import EXP_INDEX


@dataclass(frozen=True)
class Layer:
    """One decoder layer.

    Attributes:
        score_shift: Brings q . k to steps of 1/256 of a factor of two, less the exponents of q and k.
        gate_unit: log2 of 1.0 in the gate's words, 3 .. 12.

    Raises:
        ValueError: Some input would ask for a shift that the hardware has not.
    """

    q: Matrix
    k: Matrix
    v: Matrix
    o: Matrix
    gate: Matrix
    up: Matrix
    down: Matrix
    score_shift: int
    gate_unit: int

    def __post_init__(self) -> None:
        if not 2 * WORD_EXPONENT - LEFT_SHIFT < self.score_shift <= LARGEST_SHIFT:
            raise ValueError(f"scores are shifted by {self.score_shift}")
        if not GATE_UNITS[0] <= self.gate_unit <= GATE_UNITS[1]:
            raise ValueError(f"1.0 of a gate is 2**{self.gate_unit}")
        for kind in ("q", "k", "v", "o", "gate", "up", "down"):
            f = getattr(self, kind).factors
            largest = DOWN_EXPONENT if kind == "down" else WORD_EXPONENT
            if (f.shift + f.exponent).min() - largest <= -LEFT_SHIFT:
                raise ValueError(f"factors of {kind} are too large for a shift of {f.shift}")


@dataclass(frozen=True)
class Tables:
    """Function tables of `TABLE` bits, interpolated, none negative; and rotary coefficients.

    Attributes:
        rsqrt: int64 [97]: constant / sqrt(v) at v = 1 .. 4.
        recip: int64 [97]: 32768 / v at the same v.
        exp2: int64 [33]: 32767 * 2**-x at x = 0 .. 1.
        sigmoid: int64 [65]: 32768 / (1 + exp(-x)) at x = 0 .. 8.
        rotary: int64 [positions, head_dim / 2, 2]: cosine and sine, 2047 for 1.
    """

    rsqrt: np.ndarray
    recip: np.ndarray
    exp2: np.ndarray
    sigmoid: np.ndarray
    rotary: np.ndarray

    def __post_init__(self) -> None:
        sizes = {"rsqrt": INTERVALS, "recip": INTERVALS, "exp2": 1 << EXP_INDEX, "sigmoid": SIGMOID_INTERVALS}
        for name, intervals in sizes.items():
            table = getattr(self, name)
            if table.shape != (intervals + 1,) or table.min() < 0 or table.max() >= 1 << (TABLE - 1):
                raise ValueError(f"{name} has not {intervals + 1} entries of {TABLE} bits, none negative")
        if self.rotary.ndim != 3 or np.abs(self.rotary).max(initial=0) >= 1 << (ROTARY - 1):
            raise ValueError(f"rotary coefficients leave {ROTARY} bits")


@dataclass(frozen=True)
class Model:
    """A decoder in integers.

    Attributes:
        embed: Its factors are one a token, and give the residual.
        head: For a tied model its codes are the embedding's.
        final: Between the final norm and the head of a tied model; None where the norm's weights are folded.
        hadamard: Order of the blocks at the input of down; 1 for none.
        norm_epsilon: What a sum of squares gets on top, in squares of the residual's integers.
        beta_shift: With it a difference of logits times the inverse temperature is in 1/256 factors of two.
        logit_scale: Integer logits a nat.
        ends: Tokens that end a text, whichever comes.

    Raises:
        ValueError: The shape does not fit the arithmetic, or parts do not fit each other.
    """

    name: str
    shape: Shape
    embed: Matrix
    layers: tuple[Layer, ...]
    final: Matrix | None
    head: Matrix
    hadamard: int
    norm_epsilon: int
    beta_shift: int
    logit_scale: float
    tables: Tables
    ends: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        s = self.shape
        if s.head_dim << (2 * ACTIVATION - 2) >= 1 << (SUM - 1):
            raise ValueError(f"scores of heads of {s.head_dim} do not fit {SUM} bits")
        if s.dim << (2 * SQUARE - 2) > 1 << (SQUARES - 1) or self.norm_epsilon >= 1 << (SQUARES - 1):
            raise ValueError(f"squares of {s.dim} elements do not fit {SQUARES} bits")
        if self.hadamard & (self.hadamard - 1) or s.hidden % self.hadamard:
            raise ValueError(f"Hadamard blocks of {self.hadamard} do not fit {s.hidden}")
        if not 1 <= self.hadamard <= LARGEST_HADAMARD:
            raise ValueError(f"Hadamard blocks of {self.hadamard}, expected at most {LARGEST_HADAMARD}")
        if self.tables.rotary.shape[1:] != (s.head_dim // 2, 2):
            raise ValueError("rotary coefficients do not fit the heads")
        for name, (outputs, inputs) in s.matrices().items():
            _, n, kind = ("", "", name) if "." not in name else name.split(".")
            found = getattr(self.layers[int(n)] if n else self, kind).codes.shape
            if found != (outputs, inputs):
                raise ValueError(f"{name} is {found}, expected {(outputs, inputs)}")

    def shortened(self, positions: int) -> "Model":
        """With rotary coefficients for no more positions."""
        return replace(self, tables=replace(self.tables, rotary=self.tables.rotary[:positions]))

    @property
    def positions(self) -> int:
        """How many there are rotary coefficients for."""
        return len(self.tables.rotary)
