"""Rows of the ROM under construction: blocks by name, each placed behind the last."""

__all__ = ["Block", "RowAllocator", "bytes_to_rows", "weights_to_rows"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.isa import ROW_BITS, pair_digits

SLOT_BITS = 4
BYTES = ROW_BITS // 8


@dataclass(frozen=True)
class Block:
    """Named rows: `start`, and the rows as uint64 [n]."""

    name: str
    kind: str  # program, weights, factors or tables
    start: int
    rows: np.ndarray


class RowAllocator:
    """Places blocks of rows one behind another; equal blocks of tables are kept once."""

    def __init__(self, start: int) -> None:
        self.next = start
        self.blocks: list[Block] = []
        self._seen: dict[bytes, int] = {}

    def place(self, name: str, kind: str, rows: np.ndarray) -> int:
        """Returns the first row of the block."""
        rows = np.ascontiguousarray(rows, np.uint64)
        key = rows.tobytes()
        if kind == "tables" and key in self._seen:
            return self._seen[key]
        start = self.next
        self.blocks.append(Block(name, kind, start, rows))
        self.next += len(rows)
        self._seen[key] = start
        return start


def weights_to_rows(codes: np.ndarray, columns: int, pair: bool) -> list[np.ndarray]:
    """Cut a matrix into passes of the engine.

    Args:
        codes: int [outputs, inputs].
        columns: 4-bit slots on a row.
        pair: A weight takes two slots (more than 4 bits).

    Returns:
        One uint64 [inputs] a pass; row i holds input i's weights to the pass's outputs, the first
        output in the low bits. Slots without an output hold zero.
    """
    digits = pair_digits(codes) if pair else codes.astype(np.int64)
    passes = []
    for first in range(0, len(digits), columns):
        part = (digits[first : first + columns] & 15).astype(np.uint64)
        shift = (np.arange(len(part), dtype=np.uint64) * np.uint64(SLOT_BITS))[:, None]
        passes.append(np.bitwise_or.reduce(part << shift, axis=0))
    return passes


def bytes_to_rows(table: np.ndarray) -> np.ndarray:
    """A table of bytes (signed or not), eight a row, entry 0 in the low bits: uint64 [n / 8]."""
    return (table.astype(np.int64) & 255).astype(np.uint8).view("<u8").astype(np.uint64)
