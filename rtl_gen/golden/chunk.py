"""A chunk of a matrix as a rom tile holds it: its rows, the passes that multiply it, its sums."""

__all__ = ["Chunk", "Part", "parts_of"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.matrix import PLANES, planes
from rtl_gen.golden.tile import SLOT, Pass, Plane


@dataclass(frozen=True)
class Part:
    """What one pass reads.

    Attributes:
        row, rows: Of the chunk.
        plane: The bits of these rows.
        first: The first input; the pass has `rows` times the activations of a step.
        weight: Of its sums, in quarters.
    """

    row: int
    rows: int
    plane: Plane
    first: int
    weight: int

    @property
    def shift(self) -> int:
        """Of its digits in a code; a plane whose sums count four times has them divided by four before."""
        return (self.weight * self.plane.scale).bit_length() - 3


def parts_of(inputs: int, bits: int, activations: int, align: int = 1) -> tuple[Part, ...]:
    """The passes that multiply a chunk, in their order; those of one plane of bits lie on the same rows.

    Args:
        inputs: Of the chunk.
        bits: Of a code, 3 .. 8.
        activations: Of a step.
        align: Each plane begins at a multiple of so many rows from the chunk's first, as a seek can address.
    """
    out, row, shift = [], 0, bits
    for width in PLANES[bits]:
        shift -= width
        readers = Plane.of(width, signed=row == 0)
        rows = -(-inputs // (activations * len(readers) * align)) * align
        out += [
            Part(row, rows, reader, n * rows * activations, (4 << shift) // reader.scale)
            for n, reader in enumerate(readers)
        ]
        row += rows
    return tuple(out)


@dataclass(frozen=True)
class Chunk:
    """Codes of 3 to 8 bits of some inputs and as many outputs as a tile has columns, in rows without a gap.

    A code is split into digits of 4, 2 and 1 bits (`golden.matrix.planes`). Digits of 2 bits of half the
    inputs lie in the low half of their rows, those of the others in the high half; digits of 1 bit likewise
    in four.

    Attributes:
        slots: uint8 [rows, activations a step, columns].
        parts: Passes, in their order.
    """

    slots: np.ndarray
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, codes: np.ndarray, bits: int, activations: int, align: int = 1) -> "Chunk":
        """Lay codes out.

        Args:
            codes: int [outputs, inputs], of `bits` bits; missing inputs of the last rows are 0.
            bits: 3 .. 8.
            activations: Of a step.
            align: See `parts_of`.
        """
        outputs, inputs = codes.shape
        parts = parts_of(inputs, bits, activations, align)
        slots = np.zeros((parts[-1].row + parts[-1].rows, activations, outputs), np.uint8)
        at = iter(parts)
        for _, width, digits in planes(codes, bits):
            for p in (next(at) for _ in range(SLOT // width)):
                given = digits[:, p.first : p.first + p.rows * activations].T & ((1 << width) - 1)
                padded = np.zeros((p.rows * activations, outputs), np.uint8)
                padded[: len(given)] = given
                slots[p.row : p.row + p.rows] |= padded.reshape(p.rows, activations, outputs) << p.plane.low
        return cls(slots, parts)

    def passes(self, x: np.ndarray, row: int) -> list[Pass]:
        """The passes that multiply a vector, if the chunk lies from `row` on.

        Args:
            x: int8 [inputs].
            row: Of the tile.
        """
        activations = self.slots.shape[1]
        out = []
        for p in self.parts:
            values = np.zeros(p.rows * activations, np.int8)
            given = x[p.first : p.first + len(values)]
            values[: len(given)] = given
            out.append(Pass(row + p.row, values.reshape(p.rows, activations), plane=p.plane))
        return out

    def join(self, sums: np.ndarray) -> np.ndarray:
        """The sums of the chunk, int64 [columns], from those of its passes, int64 [passes, columns]."""
        quarters = (sums * np.array([p.weight for p in self.parts])[:, None]).sum(axis=0)
        result: np.ndarray = quarters >> 2
        return result
