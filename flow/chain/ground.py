"""Where ROM macros and their sites are on a die: in a planned one's grid, or in tiles of a stitched one."""

__all__ = ["Ground", "ground_of"]

import re
from typing import Protocol

import numpy as np

from base_chip.dies import Floorplan
from flow.stitching.roms import die_roms, die_sites
from metal_configs.compile.placement import VEC

Place = tuple[int, int, int]  # row (`VEC` for a vec tile) and column of a tile, macro in it
_MACRO = re.compile(r"(rom|vec)_(\d+)_(\d+)\.(?:bank|rom_)(\d+)\.macro")


class Ground(Protocol):
    """The ROM macros of a die; all lengths in nm."""

    def bank(self, place: Place) -> int:
        """Number of a macro, as read-back counts."""

    def centre(self, bank: int, word_line: int, bit_line: int) -> tuple[float, float]:
        """Of a site."""

    def site(self, x: float, y: float) -> tuple[Place, int, int] | None:
        """Macro, word line and bit line of the site that is at most a via away from a point, if one is."""


def ground_of(base: Floorplan) -> Ground:
    """That of a base's dies."""
    return _Tiles(base) if base.one_column else _Grid(base)


class _Grid:
    def __init__(self, base: Floorplan) -> None:
        self.base = base

    def bank(self, place: Place) -> int:
        return int(self.base.bank(*(np.array(v) for v in place)))

    def centre(self, bank: int, word_line: int, bit_line: int) -> tuple[float, float]:
        line, column = divmod(bank, len(self.base.macro_x))
        b = self.base
        x = b.macro_x[column] + b.x_signs[column] * b.sites.x[bit_line]
        return float(x), float(b.macro_y[line] + b.y_signs[line] * b.sites.y[word_line])

    def site(self, x: float, y: float) -> tuple[Place, int, int] | None:
        base = self.base
        column, bit_line, dx = _nearest(base.macro_x, base.x_signs, base.sites.x, x)
        line, word_line, dy = _nearest(base.macro_y, base.y_signs, base.sites.y, y)
        tile = base.tile_of(line * len(base.macro_x) + column)
        return (tile, word_line, bit_line) if tile and max(dx, dy) <= base.sites.via else None


def _nearest(starts: np.ndarray, signs: np.ndarray, local: np.ndarray, at: float) -> tuple[int, int, float]:
    """Macro and line in it that are nearest to a coordinate, and how far."""
    away = np.abs(starts[:, None] + signs[:, None] * local - at)
    macro, line = np.unravel_index(int(away.argmin()), away.shape)
    return int(macro), int(line), float(away.min())


class _Tiles:
    """Macros of programs hold no weights: a point in one of them is no site of any."""

    def __init__(self, base: Floorplan) -> None:
        self.sites = die_sites(base.name)
        names = [_MACRO.fullmatch(place.name) for place in die_roms(base)]
        self.places: dict[int, Place] = {
            n: (VEC if of[1] == "vec" else int(of[2]), int(of[3]), int(of[4]))
            for n, of in enumerate(names)
            if of
        }
        self.banks = {place: bank for bank, place in self.places.items()}

    def bank(self, place: Place) -> int:
        return self.banks[place]

    def centre(self, bank: int, word_line: int, bit_line: int) -> tuple[float, float]:
        x, y = self.sites.place(np.array(bank), np.array(word_line), np.array(bit_line)).tolist()
        return x, y

    def site(self, x: float, y: float) -> tuple[Place, int, int] | None:
        for bank, place in self.places.items():
            order, xs, ys = self.sites.lines(bank)
            column, row = int(np.abs(xs - x).argmin()), int(np.abs(ys - y).argmin())
            if max(abs(xs[column] - x), abs(ys[row] - y)) <= self.sites.size:
                return place, row, int(order[column])
        return None
