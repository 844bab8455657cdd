"""What the tiles of a die take, by kind."""

__all__ = ["MAPPED", "NO_CELLS", "ROUTED", "TileArea", "tile_area"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base_chip.harden.block import Block
from flow.report.figures import cell_counts

ROUTED = "placed and routed"
MAPPED = "mapped to cells, not placed: without buffers, clock tree, fill"
NO_CELLS = "neither routed nor mapped: memories alone"


@dataclass(frozen=True)
class TileArea:
    """Tiles of one kind.

    Attributes:
        number: On the die.
        um2, total_um2: Of a tile, and of all of them.
        cells, cells_um2, memories, memories_um2: In a tile.
        state: How far the tile is.
    """

    kind: str
    number: int
    um2: float
    total_um2: float
    cells: int
    cells_um2: float
    memories: int
    memories_um2: float
    state: str


def tile_area(
    kind: str, number: int, block: Block, netlist: Path | None, state: str, areas: Mapping[str, float]
) -> tuple[TileArea, Counter[str]]:
    """What a kind of tile takes, and instances by cell in one tile.

    Args:
        kind: Of the tile.
        number: On the die.
        block: What place and route is told of it.
        netlist: Its cells; None if it has none, which leaves its memories.
        state: How far it is.
        areas: um2 by cell, memories included.
    """
    memories = Counter(macro.name for macro in block.macros.values())
    found = cell_counts(netlist, areas) if netlist else memories
    cells = found - memories
    width, height = block.die
    of_cells, of_memories = (sum(n * areas[c] for c, n in part.items()) for part in (cells, memories))
    return TileArea(
        kind, number, width * height, number * width * height, cells.total(), round(of_cells, 1),
        memories.total(), round(of_memories, 1), state,
    ), found  # fmt: skip
