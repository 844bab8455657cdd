"""Clock periods of a die of tiles."""

__all__ = ["PERIODS", "die_period", "tiles_period"]

from collections.abc import Iterable

from base_chip.dies import Floorplan
from base_chip.tiles import load_tile

# Of the period that a tile is made for, in which the slow corner must be in time: 25 and 60 MHz
PERIODS = {"typical": 25 / 60}


def die_period(die: Floorplan) -> float:
    """The clock period that all tiles of a die are made for, ns."""
    return tiles_period(die.kinds)


def tiles_period(kinds: Iterable[str]) -> float:
    """The clock period that tiles of all these kinds are made for, ns."""
    return max(load_tile(kind).target_ns for kind in kinds)
