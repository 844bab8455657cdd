"""What the router left of each tile of a die for timing."""

__all__ = ["delays_of"]

from collections.abc import Mapping

from flow.stitching.tiles import HardTile
from signoff.seams.timing import TileTiming


def delays_of(tiles: Mapping[str, HardTile], corner: str) -> dict[str, TileTiming]:
    """Netlist, delays and timing model of each tile in a corner, by the tile's cell.

    Args:
        tiles: By kind.
        corner: Such as typical.
    """
    return {
        tile.view.cell: TileTiming(
            tile.folder / "netlist.v",
            tile.folder / f"delays.{corner}.sdf",
            tile.folder / f"timing.{corner}.lib",
        )
        for tile in tiles.values()
    }
