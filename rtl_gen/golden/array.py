"""Matrices on an array of rom tiles: what tiles hold, which passes multiply, and how sums are joined."""

__all__ = ["ArrayModel", "Block"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.chunk import Chunk
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.tile import Pass, RomTileModel


@dataclass(frozen=True)
class Block:
    """As many outputs of a matrix as the array has columns, or what is left of them.

    Attributes:
        row: Of every tile, where its chunk begins.
        inputs: First input of each row of tiles, and the end.
        chunks: Of each row of tiles, one for every column of tiles.
    """

    row: int
    inputs: tuple[int, ...]
    chunks: tuple[tuple[Chunk, ...], ...]


class ArrayModel:
    """Rows and columns of rom tiles. Inputs are cut over the rows, outputs over the columns and over blocks.

    Args:
        grid: Rows and columns of tiles.
        depth: Rows of a tile.
        columns: Of a tile.
        activations: Of a step.
        sum_bits: Of a tile's sums.
        align: Chunks and their planes begin at multiples of it.

    Attributes:
        slots: uint8 [rows of tiles, columns of tiles, depth, activations, columns]: contents of all tiles.
        used: Rows that are taken in every tile.
    """

    def __init__(
        self, grid: tuple[int, int], depth: int, columns: int, activations: int, sum_bits: int, align: int = 1
    ) -> None:
        self.grid, self.sum_bits, self.align = grid, sum_bits, align
        self.slots = np.zeros((*grid, depth, activations, columns), np.uint8)
        self.used = 0
        self._blocks: dict[str, list[Block]] = {}
        self._outputs: dict[str, int] = {}
        self._bits: dict[str, int] = {}

    def add(self, name: str, matrix: Matrix) -> None:
        """Lay a matrix on all tiles, behind those before.

        Raises:
            ValueError: It does not fit; nothing of it is laid out then.
        """
        rows, columns = self.grid
        depth, activations, outputs = self.slots.shape[2:]
        total, inputs = matrix.codes.shape
        each = -(-inputs // (rows * activations)) * activations  # whole steps: no two rows share one
        cuts = tuple(min(r * each, inputs) for r in range(rows + 1))
        blocks, row = [], self.used
        for first in range(0, total, columns * outputs):
            codes = np.zeros((columns * outputs, rows * each), np.int64)
            part = matrix.codes[first : first + columns * outputs]
            codes[: len(part), :inputs] = part
            tiles = codes.reshape(columns, outputs, rows, each)
            chunks = tuple(
                tuple(Chunk.of(tiles[c, :, r], matrix.bits, activations, self.align) for c in range(columns))
                for r in range(rows)
            )
            blocks.append(Block(row, cuts, chunks))
            row += len(chunks[0][0].slots)
        if row > depth:
            raise ValueError(f"{name} ends at row {row} of every tile, a tile has {depth}")
        for block in blocks:
            for r, line in enumerate(block.chunks):
                for c, chunk in enumerate(line):
                    self.slots[r, c, block.row : block.row + len(chunk.slots)] = chunk.slots
        self._blocks[name], self._outputs[name], self.used = blocks, total, row
        self._bits[name] = matrix.bits

    @property
    def names(self) -> tuple[str, ...]:
        """Matrices in the order of their rows."""
        return tuple(self._blocks)

    def blocks(self, name: str) -> tuple[Block, ...]:
        """Where the outputs of a matrix lie."""
        return tuple(self._blocks[name])

    def bits(self, name: str) -> int:
        """Of a code of a matrix, as it is laid."""
        return self._bits[name]

    def tile(self, row: int, column: int) -> RomTileModel:
        """What one tile holds."""
        return RomTileModel(self.slots[row, column], self.sum_bits)

    def passes(self, name: str, mantissas: np.ndarray) -> list[list[Pass]]:
        """What each row of tiles does to multiply a vector by a matrix.

        Args:
            name: Of the matrix.
            mantissas: int [inputs], of 8 bits.
        """
        x = np.asarray(mantissas).astype(np.int8)
        return [
            [
                p
                for block in self._blocks[name]
                for p in block.chunks[r][0].passes(x[block.inputs[r] : block.inputs[r + 1]], block.row)
            ]
            for r in range(self.grid[0])
        ]

    def join(self, name: str, sums: np.ndarray) -> np.ndarray:
        """The sums of a matrix, int64 [outputs].

        Args:
            name: Of the matrix.
            sums: int64 [columns of tiles, passes, columns]: what left the south edge.
        """
        out, at = [], 0
        for block in self._blocks[name]:
            chunk = block.chunks[0][0]
            count = len(chunk.parts)
            out += [chunk.join(line[at : at + count]) for line in sums]
            at += count
        return np.concatenate(out)[: self._outputs[name]]
