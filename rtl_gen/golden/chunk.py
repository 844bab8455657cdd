"""A chunk of a matrix as a rom tile holds it: its rows, the passes that multiply it, its sums."""

__all__ = ["Chunk"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.matrix import planes
from rtl_gen.golden.tile import Pass, Plane


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
    def of(cls, codes: np.ndarray, bits: int, activations: int) -> "Chunk":
        """Lay codes out.

        Args:
            codes: int [outputs, inputs], of `bits` bits; missing inputs of the last rows are 0.
            bits: 3 .. 8.
            activations: Of a step.
        """
        outputs, inputs = codes.shape
        blocks, parts, row = [], [], 0
        for number, (shift, width, digits) in enumerate(planes(codes, bits)):
            readers = Plane.of(width, signed=number == 0)
            rows = -(-inputs // (activations * len(readers)))
            padded = np.zeros((rows * activations * len(readers), outputs), np.int64)
            padded[:inputs] = digits.T & ((1 << width) - 1)
            block = np.zeros((rows, activations, outputs), np.uint8)
            for n, values in enumerate(padded.reshape(len(readers), rows, activations, outputs)):
                block |= (values << readers[n].low).astype(np.uint8)
                first = n * rows * activations
                parts.append(Part(row, rows, readers[n], first, (4 << shift) // readers[n].scale))
            blocks.append(block)
            row += rows
        return cls(np.concatenate(blocks), tuple(parts))

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
