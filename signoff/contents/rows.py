"""Numbers in ROM rows: 4-bit weights, factors of 16 bits, bytes; and what each bit was read as."""

__all__ = ["KINDS", "Rows", "Table"]

from dataclasses import dataclass

import numpy as np

KINDS = ("program", "weights", "factors", "tables")
SLOT, LANE, MANTISSA, BYTE = 4, 16, 12, 8  # bits
ROW = 64


@dataclass(frozen=True)
class Table:
    """Where a table lies: entry `e` is the `width` bits from `e % (64 // width) * width` on, in row
    `row + e // (64 // width)`."""

    name: str
    row: int
    width: int
    entries: int


class Rows:
    """Reads numbers from rows, and notes which bits it has read and as what.

    Args:
        bits: bool [rows, 64], the lowest bit first.

    Attributes:
        kind: int8 [rows, 64]: index into `KINDS` of what each bit was read as, -1 if it was not.
        idle: bool [rows, 64]: bits that were read and that the chip ignores.
        tables: Those read so far, by name.
    """

    def __init__(self, bits: np.ndarray) -> None:
        self.bits = bits
        self.kind = np.full(bits.shape, -1, np.int8)
        self.idle = np.zeros(bits.shape, bool)
        self.tables: dict[str, Table] = {}

    def __len__(self) -> int:
        return len(self.bits)

    def word(self, row: int) -> int:
        """A row of the program as a number."""
        self.kind[row] = KINDS.index("program")
        return int.from_bytes(np.packbits(self.bits[row], bitorder="little").tobytes(), "little")

    def note_idle(self, row: int, used: int) -> None:
        """Note bits of an instruction that it does not depend on: all but those of a mask."""
        self.idle[row] = [not used >> b & 1 for b in range(ROW)]

    def stray(self) -> np.ndarray:
        """int [n, 2]: row and number of each bit that is 1 and was read as nothing."""
        return np.argwhere(self.bits & (self.kind < 0))

    def codes(self, row: int, inputs: int, outputs: int, *, pair: bool, first: int = 0) -> np.ndarray:
        """int [outputs, inputs]: weights of one pass; a pair of slots holds 8 * first + second."""
        slots = 2 if pair else 1
        flat = self._numbers(row, inputs, SLOT, first * slots, outputs * slots, "weights")
        digits = (flat + 8 & 15) - 8  # signed
        return (digits[:, 0::2] * 8 + digits[:, 1::2] if pair else digits).T

    def factors(self, row: int, count: int, kind: str = "factors") -> tuple[np.ndarray, np.ndarray]:
        """int [count] twice: signed mantissas, and exponents."""
        rows = -(-count * LANE // ROW)
        lanes = self._numbers(row, rows, LANE, 0, ROW // LANE, kind, count).reshape(-1)[:count]
        half = 1 << (MANTISSA - 1)
        return ((lanes & 2 * half - 1) + half & 2 * half - 1) - half, lanes >> MANTISSA

    def factor_table(
        self, name: str, row: int, count: int, exponents: slice = slice(0)
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same of a table, of whose exponents the chip uses those of some of a row's entries."""
        self.tables[name] = Table(name, row, LANE, count)
        found = self.factors(row, count, "tables")
        unused = np.tile(np.arange(LANE) >= MANTISSA, (ROW // LANE, 1))
        unused[exponents] = False
        self.idle[row : row - (-count * LANE // ROW)] = unused.reshape(-1)
        return found

    def byte_table(self, name: str, row: int, count: int) -> np.ndarray:
        """int [count], unsigned."""
        self.tables[name] = Table(name, row, BYTE, count)
        return self._numbers(row, -(-count * BYTE // ROW), BYTE, 0, ROW // BYTE, "tables", count).reshape(-1)

    def _numbers(
        self, row: int, rows: int, width: int, first: int, count: int, kind: str, most: int | None = None
    ) -> np.ndarray:
        """int64 [rows, count]: numbers `first` on of each row; of all these `most` are noted.

        Raises:
            IndexError: There are no such rows, or not as many numbers on one.
        """
        end = (first + count) * width
        if row < 0 or row + rows > len(self.bits) or end > ROW:
            raise IndexError(f"rows {row} to {row + rows - 1}, bits {first * width} to {end - 1}")
        place = slice(row, row + rows), slice(first * width, end)
        noted = self.kind[place].reshape(rows * count, width)
        noted[:most] = KINDS.index(kind)
        self.kind[place] = noted.reshape(rows, -1)
        result: np.ndarray = self.bits[place].reshape(rows, count, width) @ (1 << np.arange(width))
        return result
