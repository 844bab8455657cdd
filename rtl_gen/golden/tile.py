"""What a tile computes: the partial sums of its chunk of a matrix, exactly."""

__all__ = ["Pass", "RamTileModel", "RomTileModel"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import saturate

SLOT = 4  # bits of a row for each column


@dataclass(frozen=True)
class Pass:
    """A vector by a chunk of a matrix.

    Attributes:
        row: The first row of the chunk.
        x: Activations, int8 [steps, activations a step].
        column: Sums leave from this column on, in the order of columns.
        one: Only that one leaves.
        width: Bits of a weight's digit in this plane of codes: 4, 2 or 1, so a row has one, two or four
            inputs.
        signed: Whether digits are; those of 1 bit are not.
    """

    row: int
    x: np.ndarray
    column: int = 0
    one: bool = False
    width: int = SLOT
    signed: bool = True

    @property
    def rows(self) -> int:
        """Rows that it reads."""
        return -(-len(self.x) * self.width // SLOT)


@dataclass(frozen=True)
class RomTileModel:
    """A rom tile's contents.

    Attributes:
        slots: uint8 [rows, activations a step, columns], 4 bits each.
        sum_bits: Width of a sum.
    """

    slots: np.ndarray
    sum_bits: int

    def digits(self, p: Pass) -> np.ndarray:
        """The weights of a pass, int64 [inputs, columns].

        Raises:
            ValueError: The pass is longer than the ROM.
        """
        if not 0 < p.rows <= len(self.slots) - p.row:
            raise ValueError(f"a pass of {p.rows} rows from row {p.row} on; the tile has {len(self.slots)}")
        slots = self.slots[p.row : p.row + p.rows, :, None].astype(np.int64)
        shifts = np.arange(0, SLOT, p.width)[:, None]
        found = (slots >> shifts & ((1 << p.width) - 1)).reshape(-1, slots.shape[-1])
        if p.signed:
            found -= (found >> (p.width - 1)) << p.width
        return found[: p.x.size]

    def sums(self, p: Pass) -> np.ndarray:
        """The partial sums that leave after a pass, int64 [sums].

        Raises:
            ValueError: The pass is longer than the ROM, or a sum on the way is wider than a column.
        """
        products = p.x.astype(np.int64).reshape(-1, 1) * self.digits(p)
        so_far = products.reshape(len(p.x), -1, products.shape[-1]).sum(axis=1).cumsum(axis=0)
        if (saturate(so_far, self.sum_bits) != so_far).any():
            raise ValueError(f"a sum of a pass of {len(p.x)} steps needs more than {self.sum_bits} bits")
        return so_far[-1, p.column : p.column + 1 if p.one else None]




class RamTileModel:
    """A ram tile's contents, and what its steps do to them.

    Attributes:
        words: int8 [rows, columns]; what was never written is undefined on silicon, and 0 here.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.words = np.zeros((rows, columns), np.int8)

    def write(self, row: int, column: int, values: np.ndarray, *, down: bool) -> None:
        """Write bytes one after the other, down the rows of a column or along the columns of a row.

        Raises:
            ValueError: They do not fit from there on.
        """
        place = self.words[row:, column] if down else self.words[row, column:]
        if len(values) > len(place):
            raise ValueError(f"{len(values)} bytes from row {row}, column {column} on; {len(place)} fit")
        place[: len(values)] = values

    def sums(self, p: Pass) -> np.ndarray:
        """The partial sums that leave after a pass, int64 [sums]; its x is int8 [steps, 1].

        Raises:
            ValueError: The pass is longer than the memory.
        """
        steps = len(p.x)
        if not 0 < steps <= len(self.words) - p.row:
            raise ValueError(f"a pass of {steps} rows from row {p.row} on; the tile has {len(self.words)}")
        total = p.x[:, 0].astype(np.int64) @ self.words[p.row : p.row + steps]
        return total[p.column : p.column + 1 if p.one else None]
