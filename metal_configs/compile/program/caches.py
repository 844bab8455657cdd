"""Where keys and values lie in ram tiles."""

__all__ = ["Caches", "Columns", "Piece", "Room", "Shelves"]

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.vec_isa import BLOCK, LINE


@dataclass
class Room:
    """Rows of ram tiles that are still free.

    Attributes:
        tiles, words: How many tiles there are, and rows of each.
        used: Rows of each tile that are taken, from row 0 on; it may grow beyond the tiles that there are.
    """

    tiles: int
    words: int
    used: list[int] = field(default_factory=list)

    def take(self, rows: int) -> tuple[int, int]:
        """The tile and the first of so many rows."""
        if rows > self.words:
            raise FlowError(
                f"{rows} rows of {BLOCK} bytes are needed in one ram tile, which has {self.words}",
                hint="Take larger ram tiles.", code=ExitCode.USAGE,
            )  # fmt: skip
        for tile, taken in enumerate(self.used):
            if taken + rows <= self.words:
                self.used[tile] += rows
                return tile, taken
        self.used.append(rows)
        return len(self.used) - 1, 0

    def check(self, what: str) -> None:
        """Raise FlowError if more tiles are taken than there are."""
        if len(self.used) > self.tiles:
            raise FlowError(
                f"{what} need {len(self.used)} ram tiles of {self.words} rows; there are {self.tiles}",
                hint="Take more ram tiles, or fewer positions (--context).", code=ExitCode.USAGE,
            )  # fmt: skip


class Shelves:
    """Parts of rows, side by side: what is as tall as a shelf or less goes on it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._shelves: list[tuple[int, int, int, int]] = []  # height, tile, row, first free column

    def take(self, rows: int, columns: int) -> tuple[int, int, int]:
        """The tile, the first row and the first column of so many; best in the order of falling heights."""
        for n, (height, tile, row, free) in enumerate(self._shelves):
            if rows <= height and free + columns <= BLOCK:
                self._shelves[n] = height, tile, row, free + columns
                return tile, row, free
        tile, row = self._room.take(rows)
        self._shelves.append((rows, tile, row, columns))
        return tile, row, 0


@dataclass(frozen=True)
class Piece:
    """Some elements of the keys of a layer and head; exponents are a row below those of the last piece.

    Attributes:
        tile, row: Where the first chunk of positions begins; each further one `Caches.stride` rows on.
        first, count: The elements, a row each.
    """

    tile: int
    row: int
    first: int
    count: int


@dataclass(frozen=True)
class Columns:
    """Some elements of the values of a layer and head, a column each.

    Attributes:
        parts: (tile, first row) of each `Caches.span` positions.
        column: The first column.
        first, count: The elements.
    """

    parts: tuple[tuple[int, int], ...]
    column: int
    first: int
    count: int


@dataclass(frozen=True)
class Caches:
    """Keys: a column a position, a chunk of rows for 32 of them. Values: a row a position.

    All chunks of a piece of keys lie in one tile, so that a pass goes over them whatever the position is; if
    the rows are too many for that, keys are cut into more pieces, whose sums are joined. Positions of values
    that do not fit one tile are cut into parts.

    Attributes:
        stride: Rows from a chunk of a piece of keys to the next.
        span: Positions of a part of values.
        keys: By (layer, head).
        values: Likewise.
    """

    stride: int
    span: int
    keys: dict[tuple[int, int], tuple[Piece, ...]]
    values: dict[tuple[int, int], tuple[Columns, ...]]

    @classmethod
    def of(cls, layers: range, heads: int, head_dim: int, positions: int, room: Room) -> "Caches":
        """Give each layer and head its room, with keys in as few pieces as fit.

        Raises:
            FlowError: The tiles are too small, or too few.
        """
        all_heads = [(n, g) for n in layers for g in range(heads)]
        chunks = -(-positions // BLOCK)
        fewest: Room | None = None
        for stride, counts in _cuts(head_dim):
            if chunks * stride > room.words:
                continue
            trial = replace(room, used=list(room.used))
            span, values = _values(all_heads, head_dim, positions, trial)
            keys = {head: _pieces(counts, chunks * stride, trial) for head in all_heads}
            if len(trial.used) <= room.tiles:
                room.used = trial.used
                return cls(stride, span, keys, values)
            if fewest is None or len(trial.used) < len(fewest.used):
                fewest = trial
        if fewest is not None:
            fewest.check(f"keys and values of {positions} positions")
        stride, counts = min(_cuts(head_dim))
        raise FlowError(
            f"keys of one head of {head_dim} and {positions} positions, in {len(counts)} pieces, need"
            f" {chunks * stride} rows of {BLOCK} bytes for each, a ram tile has {room.words}",
            hint="Take larger ram tiles, or fewer positions (--context).", code=ExitCode.USAGE,
        )  # fmt: skip


def _cuts(head_dim: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Ways to cut a key, in ever more pieces: rows of a chunk, and elements of each piece, even but the last,
    as bytes of A are read from even ones on."""
    for pieces in range(1, max(head_dim // 2, 1) + 1):
        stride = -(-(head_dim + 1) // pieces)
        while True:
            each = stride - stride % 2
            last = head_dim - (pieces - 1) * each
            if last < stride:
                break
            stride += 1
        if last > 0:
            yield stride, (*[each] * (pieces - 1), last)


def _pieces(counts: tuple[int, ...], rows: int, room: Room) -> tuple[Piece, ...]:
    firsts = itertools.accumulate(counts, initial=0)
    return tuple(Piece(*room.take(rows), first, count) for first, count in zip(firsts, counts, strict=False))


def _values(
    all_heads: list[tuple[int, int]], head_dim: int, positions: int, room: Room
) -> tuple[int, dict[tuple[int, int], tuple[Columns, ...]]]:
    """Positions of a part, and where values lie."""
    span = positions
    if positions > room.words:  # parts begin lines of M
        parts = -(-positions // max(room.words // LINE * LINE, LINE))
        span = -(-positions // (parts * LINE)) * LINE
    beside = max(BLOCK // head_dim, 1)
    values: dict[tuple[int, int], tuple[Columns, ...]] = dict.fromkeys(all_heads, ())
    for at in range(0, len(all_heads), beside):
        for first in range(0, head_dim, BLOCK):
            where = tuple(room.take(min(span, positions - begin)) for begin in range(0, positions, span))
            for n, head in enumerate(all_heads[at : at + beside]):
                values[head] += (Columns(where, n * head_dim, first, min(BLOCK, head_dim - first)),)
    return span, values
