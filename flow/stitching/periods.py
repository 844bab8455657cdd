"""Clock periods of a die of tiles."""

__all__ = ["PERIODS", "die_period", "tiles_period"]

from collections.abc import Iterable

from base_chip.dies import Floorplan
from base_chip.tiles import load_tile

# Of the period that a tile is made for, in which the slow corner must be in time: 25 and 60 MHz
PERIODS = {"typical": 25 / 60}


def die_period(die: Floorplan) -> float:
    """The clock period that all tiles of a die are made for, ns."""
    return tiles_period(die.tiles.values())


def tiles_period(names: Iterable[str]) -> float:
    """The clock period that all these tiles are made for, ns."""
    return max(load_tile(name).target_ns for name in names)
