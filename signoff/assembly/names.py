"""Cells that are a die's own, told from those that it takes from elsewhere."""

__all__ = ["VIA", "Names"]

from typing import NamedTuple

VIA = "VIA_"  # KLayout's reader puts it before the names of a DEF's vias


class Names(NamedTuple):
    """The cell of a die, which holds its tiles and draws the margin; and those of its kinds of tile."""

    die: str
    tiles: tuple[str, ...]

    @property
    def own(self) -> frozenset[str]:
        """All of them."""
        return frozenset((self.die, *self.tiles))
