"""What a tile computes: the partial sums of its chunk of a matrix, exactly."""

__all__ = ["TOGETHER", "Pass", "Plane", "RamTileModel", "RomTileModel", "interleave"]

import enum
from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.arith import saturate

SLOT = 4  # bits of a row for each column
TOGETHER = 4  # macros that serve the same columns


class Plane(enum.Enum):
    """Which bits of the four that a row has for a column a pass reads, as one digit of a weight.

    A matrix of digits of 2 bits shares its rows: a pass reads the low half of them for some of its inputs,
    another the high half for the rest. Digits of 1 bit share them likewise in four passes.

    Attributes:
        low, width: The digit's lowest bit, and how many it has.
        signed: Whether it is two's complement.
    """

    SIGNED4 = (0, 4, True)
    UNSIGNED4 = (0, 4, False)
    SIGNED2_LOW = (0, 2, True)
    SIGNED2_HIGH = (2, 2, True)
    UNSIGNED2_LOW = (0, 2, False)
    UNSIGNED2_HIGH = (2, 2, False)
    BIT0 = (0, 1, False)
    BIT1 = (1, 1, False)
    BIT2 = (2, 1, False)
    BIT3 = (3, 1, False)

    def __init__(self, low: int, width: int, signed: bool) -> None:
        self.low, self.width, self.signed = low, width, signed

    @property
    def number(self) -> int:
        """What a seek says."""
        return list(Plane).index(self)

    @property
    def scale(self) -> int:
        """What sums of such a pass are multiplied by: the high half of the bits counts four times."""
        return 4 if self.low >= 2 else 1

    @classmethod
    def of(cls, width: int, signed: bool) -> "list[Plane]":
        """The planes that read all bits of a row, for digits of a width.

        Raises:
            ValueError: There are no such digits.
        """
        found = [p for p in cls if (p.width, p.signed) == (width, signed)]
        if not found:
            raise ValueError(f"no plane of {'signed' if signed else 'unsigned'} digits of {width} bits")
        return found


@dataclass(frozen=True)
class Pass:
    """A vector by a chunk of a matrix.

    Attributes:
        row: The first row of the chunk.
        x: Activations, int8 [rows, activations a step].
        column: Sums leave from this column on, in the order of columns.
        one: Only that one leaves.
        plane: Which bits of the rows are read.
    """

    row: int
    x: np.ndarray
    column: int = 0
    one: bool = False
    plane: Plane = Plane.SIGNED4


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
        """The weights of a pass, int64 [rows, activations a step, columns].

        Raises:
            ValueError: The pass is longer than the ROM.
        """
        steps, plane = len(p.x), p.plane
        if not 0 < steps <= len(self.slots) - p.row:
            raise ValueError(f"a pass of {steps} rows from row {p.row} on; the tile has {len(self.slots)}")
        found = self.slots[p.row : p.row + steps].astype(np.int64) >> plane.low & ((1 << plane.width) - 1)
        if plane.signed:
            found -= (found >> (plane.width - 1)) << plane.width
        return found

    def sums(self, p: Pass) -> np.ndarray:
        """The partial sums that leave after a pass, times the plane's scale, int64 [sums].

        Raises:
            ValueError: The pass is longer than the ROM, or a sum on the way is wider than a column.
        """
        products = p.x.astype(np.int64)[:, :, None] * self.digits(p) * p.plane.scale
        so_far = products.sum(axis=1).cumsum(axis=0)
        if (saturate(so_far, self.sum_bits) != so_far).any():
            raise ValueError(f"a sum of a pass of {len(p.x)} rows needs more than {self.sum_bits} bits")
        result: np.ndarray = so_far[-1, p.column : p.column + 1 if p.one else None]
        return result


def interleave(rows: np.ndarray, macros: int) -> np.ndarray:
    """What the macros of rom tiles hold.

    A set of four macros serves some columns, and its words have as many rows side by side as there are sets:
    with 16 macros for an activation, bit b of column c at address a of activation k is in macro
    16 k + 4 (c / 8) + a / 1024, on word line a / 4 modulo 256 and bit line 16 (c modulo 8) + 4 b + a
    modulo 4.

    Args:
        rows: uint8 [activations, addresses, tiles, bytes of a row], two columns a byte.
        macros: Of a tile.

    Returns:
        uint8 [macros, words, tiles, bytes of a word].
    """
    activations, depth, tiles, size = rows.shape
    together = min(TOGETHER, macros // activations)
    ways = macros // activations // together
    words = depth // together // ways
    # A byte with its bits `ways` apart: those of the other rows come between them.
    apart = sum((np.arange(256, dtype=f"<u{ways}") >> b & 1) << b * ways for b in range(8))
    split = rows.reshape(activations, together, words, ways, tiles, ways, size // ways)
    mixed = np.zeros((activations, together, words, tiles, ways, size // ways), f"<u{ways}")
    for n in range(ways):
        mixed |= apart[split[:, :, :, n]] << n
    out = np.ascontiguousarray(mixed.transpose(0, 4, 1, 2, 3, 5)).view(np.uint8)
    return out.reshape(macros, words, tiles, size)


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
