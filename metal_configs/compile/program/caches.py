"""Where keys and values lie in ram tiles."""

__all__ = ["Caches"]

from dataclasses import dataclass

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.vec_isa import BLOCK


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
    def of(cls, layers: int, heads: int, head_dim: int, positions: int, tiles: int, words: int) -> "Caches":
        """Give each layer and head its room.

        Raises:
            FlowError: The tiles are too small, or too few.
        """
        beside = BLOCK // head_dim
        of_keys = -(-positions // BLOCK) * (head_dim + 1)
        largest = max(of_keys, positions)
        if not beside or largest > words:
            raise FlowError(
                f"keys or values of one head of {head_dim} and {positions} positions need {largest} rows of"
                f" {max(BLOCK, head_dim)} bytes, a ram tile has {words} of {BLOCK}",
                hint="Take larger ram tiles, or fewer positions (--context).", code=ExitCode.USAGE,
            )  # fmt: skip
        all_heads = [(n, g) for n in range(layers) for g in range(heads)]
        groups = [all_heads[at : at + beside] for at in range(0, len(all_heads), beside)]
        used: list[int] = []

        def room(rows: int) -> tuple[int, int]:
            for tile, taken in enumerate(used):
                if taken + rows <= words:
                    used[tile] += rows
                    return tile, taken
            used.append(rows)
            return len(used) - 1, 0

        values: dict[tuple[int, int], tuple[int, int, int]] = {}
        for group in groups:
            at = room(positions)
            values |= {head: (*at, n * head_dim) for n, head in enumerate(group)}
        keys = {head: room(of_keys) for head in all_heads}
        if len(used) > tiles:
            raise FlowError(
                f"keys and values of {positions} positions need {len(used)} ram tiles of {words} rows; there"
                f" are {tiles}",
                hint="Take more ram tiles, or fewer positions (--context).", code=ExitCode.USAGE,
            )  # fmt: skip
        return cls(keys, values)
