"""A matrix as an array of tiles holds it: codes, exact sums, and planes of bits."""

__all__ = ["Matrix", "planes"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtl_gen.golden.factors import Factors
from rtl_gen.golden.formats import ACTIVATION, CODE_BITS, SUM

PLANES = {3: (2, 1), 4: (4,), 5: (4, 1), 6: (4, 2), 7: (4, 2, 1), 8: (4, 4)}


def planes(codes: np.ndarray, bits: int) -> list[tuple[int, int, np.ndarray]]:
    """Codes split into planes that an array of 4-bit columns stores without a gap.

    A ROM row gives a column four bits: one code of 4 bits, two of 2 (for two inputs) or four of 1 (for four).

    Args:
        codes: int, of `bits` bits.
        bits: 3 .. 8.

    Returns:
        (shift, width, digits) of each plane, the highest first; codes = sum of digits << shift. Digits of the
        first plane are signed, of others unsigned.
    """
    out: list[tuple[int, int, np.ndarray]] = []
    left = bits
    for width in PLANES[bits]:
        left -= width
        digits = np.asarray(codes, np.int64) >> left
        out.append((left, width, digits if not out else digits & ((1 << width) - 1)))
    return out


@dataclass(frozen=True, eq=False)
class Matrix:
    """Weights, and the factors that bring exact sums to the output's format.

    Attributes:
        bits: Width of a code.
        codes: int8 [outputs, inputs].
        factors: One an output.

    Raises:
        ValueError: Codes leave their width, or some input would overflow a sum.
    """

    bits: int
    codes: np.ndarray
    factors: Factors

    def __post_init__(self) -> None:
        if self.bits not in CODE_BITS:
            raise ValueError(f"codes of {self.bits} bits, expected one of {CODE_BITS}")
        half = 1 << (self.bits - 1)
        if self.codes.size and not (-half <= self.codes.min() and self.codes.max() < half):
            raise ValueError(f"codes leave {self.bits} bits")
        if self.factors.mantissa.shape != self.codes.shape[:1]:
            raise ValueError(f"{self.factors.mantissa.size} factors for {len(self.codes)} outputs")
        if (worst := self.largest_sum) >= 1 << (SUM - 1):
            raise ValueError(f"a sum can reach {worst}, which does not fit {SUM} bits")

    @cached_property
    def largest_sum(self) -> int:
        """What no sum of any output exceeds in magnitude, whatever the input, and of whichever inputs."""
        rows = max(1, (1 << 22) // max(1, self.codes.shape[1]))
        parts = (self.codes[at : at + rows] for at in range(0, len(self.codes), rows))
        sums = (np.abs(p.astype(np.int16)).sum(1, dtype=np.int64).max(initial=0) for p in parts)
        return int(max(sums, default=0)) << (ACTIVATION - 1)

    @cached_property
    def _floats(self) -> np.ndarray:
        # Products of matrices are fast in floating point, and exact: every sum stays below 2**24.
        return np.ascontiguousarray(self.codes.T, np.float32)

    def sums(self, mantissa: np.ndarray, inputs: slice = slice(None)) -> np.ndarray:
        """Exact sums of code * mantissa over all inputs, or over a chunk of them as one row of tiles does.

        Args:
            mantissa: int [..., inputs], of 8 bits; of all inputs, whatever the chunk.
            inputs: Of the chunk. Sums of chunks that cover the inputs add up to the whole.

        Returns:
            int64 [..., outputs].
        """
        sums: np.ndarray = mantissa[..., inputs].astype(np.float32) @ self._floats[inputs]
        return sums.astype(np.int64)
