"""Where an adapter lies in the ram tiles of a die, and the bytes that a host sends to put it there."""

__all__ = ["SHIFT", "AdapterRows", "Inner", "Outer", "Spot"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.golden.adapter import Adapter, Pair
from rtl_gen.golden.vec_isa import BLOCK

Spot = tuple[int, int, int]  # tile, row, column
SHIFT = 28  # of inner sums, less what a nibble of each says
_DIGIT = 7
_SPARE = 3  # bits that a factor of 12 bits can move up


@dataclass(frozen=True)
class Inner:
    """A of matrices that multiply the same activations: a column for each element of rank.

    Attributes:
        columns: First column of each matrix, from that of the group on; even.
        used: Columns in all, in whole lines of M.
        slices: Rows, in parts that each lie in a ram tile: where one begins, and how many it has; even but
            for the last.
        factors: Where the upper digits of their factors begin; a row below the lower ones, then their shifts.
        to: Byte of the activations of ram tiles from which on A x is; the activations are from 0 on.
    """

    columns: Mapping[str, int]
    used: int
    slices: tuple[tuple[Spot, int], ...]
    factors: Spot
    to: int


@dataclass(frozen=True)
class Outer:
    """B of a matrix, and where each block of its outputs begins."""

    rank: int
    blocks: tuple[Spot, ...]


@dataclass(frozen=True)
class AdapterRows:
    """The room for adapters of one shape.

    Attributes:
        inner: Groups of A, in the order in which the program meets them.
        outer: B by the name of the matrix.
        rows: Tile, first row and number of the rows that are loaded, in this order.
    """

    inner: tuple[Inner, ...]
    outer: Mapping[str, Outer]
    rows: tuple[tuple[int, int, int], ...]

    @property
    def size(self) -> int:
        """Bytes that a host sends."""
        return BLOCK * sum(count for _, _, count in self.rows)

    def load(self, adapter: Adapter | None) -> bytes:
        """What a host sends after a reset; None adds nothing to any sum.

        Raises:
            FlowError: It has not the shape that there is room for, or a factor that the tiles cannot have.
        """
        if adapter is None:
            return bytes(self.size)
        found = {name: len(pair.a.codes) for name, pair in adapter.pairs.items()}
        room = {name: outer.rank for name, outer in self.outer.items()}
        if found != room:
            name = min(n for n in found.keys() | room.keys() if found.get(n) != room.get(n))
            raise FlowError(
                f"{name} has rank {found.get(name, 0)}, the die was built for {room.get(name, 0)}",
                where=f"adapter {adapter.name}",
                hint="A die takes adapters of the matrices and the rank that it was built with.",
            )  # fmt: skip
        held = {tile: np.zeros((first + count, BLOCK), np.int8) for tile, first, count in self.rows}

        def put(spot: Spot, column: int, codes: np.ndarray) -> None:
            tile, row, first = spot
            (rows, columns), first = codes.shape, first + column
            held[tile][row : row + rows, first : first + columns] = codes

        for group in self.inner:
            for name, column in group.columns.items():
                pair = adapter.pairs[name]
                first = 0
                for spot, count in group.slices:
                    put(spot, column, pair.a.codes.T[first : first + count])
                    first += count
                put(group.factors, column, _factors(name, pair, adapter.name))
        for name, outer in self.outer.items():
            for n, spot in enumerate(outer.blocks):
                put(spot, 0, adapter.pairs[name].b[BLOCK * n : BLOCK * (n + 1)].T)
        return b"".join(held[tile][first:].tobytes() for tile, first, _ in self.rows)


def _factors(name: str, pair: Pair, adapter: str) -> np.ndarray:
    """Upper and lower digits of factors, and how much less than `SHIFT` they shift; [3, rank]."""
    f = pair.a.factors
    shift = f.shift + f.exponent
    up = np.clip(SHIFT - 15 - shift, 0, _SPARE)
    less = SHIFT - shift - up
    if f.mantissa.min() < 0 or less.min() < 0 or less.max() > 15:
        raise FlowError(
            f"{name}: sums of A are shifted by {shift.min()} to {shift.max()}; {SHIFT - 15 - _SPARE} to"
            f" {SHIFT} can be", where=f"adapter {adapter}", hint="Quantise it again, with this model.",
        )  # fmt: skip
    mantissa = f.mantissa << up
    return np.stack([mantissa >> _DIGIT, mantissa & ((1 << _DIGIT) - 1), less]).astype(np.int8)
