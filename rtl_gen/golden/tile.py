"""What a tile computes: the partial sums of its chunk of a matrix, exactly."""

__all__ = ["Pass", "RomTileModel"]

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pass:
    """A vector by a chunk of a matrix.

    Attributes:
        row: The first row of the chunk.
        x: Activations, int8 [steps, rows a step].
        column: Sums leave from this column on, in the order of columns.
        one: Only that one leaves.
    """

    row: int
    x: np.ndarray
    column: int = 0
    one: bool = False


@dataclass(frozen=True)
class RomTileModel:
    """A rom tile's contents.

    Attributes:
        codes: int8 [rows, rows a step, columns], 4-bit codes.
        sum_bits: Width of a sum.
    """

    codes: np.ndarray
    sum_bits: int

    def sums(self, p: Pass) -> np.ndarray:
        """The partial sums that leave after a pass, int64 [sums].

        Raises:
            ValueError: The pass is longer than the ROM, or a sum on the way is wider than a column.
        """
        steps = len(p.x)
        if not 0 < steps <= len(self.codes) - p.row:
            raise ValueError(f"a pass of {steps} rows from row {p.row} on; the tile has {len(self.codes)}")
        products = p.x.astype(np.int64)[:, :, None] * self.codes[p.row : p.row + steps]
        so_far = products.sum(axis=1).cumsum(axis=0)
        limit = 1 << (self.sum_bits - 1)
        if so_far.min() < -limit or so_far.max() >= limit:
            raise ValueError(f"a sum of a pass of {steps} rows needs more than {self.sum_bits} bits")
        return so_far[-1, p.column : p.column + 1 if p.one else None]
