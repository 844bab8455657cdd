"""Factors that bring exact sums to the format of an output, and how they lie in a ROM row."""

__all__ = ["Factors", "pack_lanes"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import LANE_EXPONENT_BITS, LANE_MANTISSA_BITS

LANES = 64 // (LANE_MANTISSA_BITS + LANE_EXPONENT_BITS)  # of a row


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

    def real(self) -> np.ndarray:
        """float64 [n]: the factors as they act."""
        return self.mantissa * np.exp2(-(self.shift + self.exponent).astype(np.float64))


def pack_lanes(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Factors to ROM rows, four lanes a row, lane 0 in the low bits.

    Args:
        mantissa: int [n], signed 12 bits; exponent: int [n], 4 bits.

    Returns:
        uint64 [ceil(n / 4)].
    """
    lanes = (mantissa.astype(np.int64) & ((1 << LANE_MANTISSA_BITS) - 1)) | (
        exponent.astype(np.int64) << LANE_MANTISSA_BITS
    )
    padded = np.zeros(-(-len(lanes) // LANES) * LANES, np.uint16)
    padded[: len(lanes)] = lanes
    return padded.view("<u8").astype(np.uint64)
