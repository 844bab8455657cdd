"""From a quantised model to the contents of the tiles of as many dies as it needs."""

__all__ = ["DieSize", "Matrix", "Piece", "Placement", "place_model"]

from metal_configs.compile.matrix import DieSize, Matrix
from metal_configs.compile.place import place_model
from metal_configs.compile.placement import Piece, Placement
