"""Where keys and values lie in ram tiles."""

__all__ = ["Caches", "Room", "Shelves"]

from dataclasses import dataclass, field

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.vec_isa import BLOCK


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
class Caches:
    """Keys of a layer and head: a column a position, a chunk of rows for 32 of them, its last row exponents.
    Values: a row a position, heads side by side.

    Attributes:
        keys: (tile, first row) by (layer, head).
        values: (tile, first row, first column) likewise.
    """

    keys: dict[tuple[int, int], tuple[int, int]]
    values: dict[tuple[int, int], tuple[int, int, int]]

    @classmethod
    def of(cls, layers: range, heads: int, head_dim: int, positions: int, room: Room) -> "Caches":
        """Give each layer and head its room.

        Raises:
            FlowError: The tiles are too small, or too few.
        """
        beside = BLOCK // head_dim
        of_keys = -(-positions // BLOCK) * (head_dim + 1)
        largest = max(of_keys, positions)
        if not beside or largest > room.words:
            raise FlowError(
                f"keys or values of one head of {head_dim} and {positions} positions need {largest} rows of"
                f" {max(BLOCK, head_dim)} bytes, a ram tile has {room.words} of {BLOCK}",
                hint="Take larger ram tiles, or fewer positions (--context).", code=ExitCode.USAGE,
            )  # fmt: skip
        all_heads = [(n, g) for n in layers for g in range(heads)]
        groups = [all_heads[at : at + beside] for at in range(0, len(all_heads), beside)]
        values: dict[tuple[int, int], tuple[int, int, int]] = {}
        for group in groups:
            at = room.take(positions)
            values |= {head: (*at, n * head_dim) for n, head in enumerate(group)}
        keys = {head: room.take(of_keys) for head in all_heads}
        room.check(f"keys and values of {positions} positions")
        return cls(keys, values)
