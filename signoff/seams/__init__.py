"""Checks of a die of tiles at its seams: what no check of a tile by itself can see."""

__all__ = ["Die", "Stand"]

from signoff.seams.die import Die, Stand
