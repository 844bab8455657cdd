"""Models that need many dies: which die holds what, and its metal config written with bounded memory."""

__all__ = ["Mapping", "Matrix", "Piece", "map_model"]

from metal_configs.multi_die.mapping import Mapping, Matrix, Piece, map_model
