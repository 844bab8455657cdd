"""Where everything in an SRAM macro lies.

Bottom to top: pins, write drivers, latches, the array in blocks of at most 24 rows (latch-up: 15 um to a tap)
with a row of taps at both sides of each. Left to right: drivers (below them the control), the array.
"""

__all__ = ["SramPlan"]

import functools
from dataclasses import dataclass

from base_chip.arrays.latch import ROW
from base_chip.arrays.sram import cell, driver
from base_chip.arrays.sram.column import BOTTOM, JUNCTION
from base_chip.arrays.sram.spec import SramSpec

_BLOCK_ROWS = 24
_EDGE = 400
_STRAP_COLUMNS = 16  # from a ground strap to the next, a supply strap in the middle
STRAP = 1600  # width of met4


@dataclass(frozen=True)
class SramPlan:
    """Coordinates in dbu; the boundary's lower left corner is the origin."""

    spec: SramSpec

    @property
    def driver_x(self) -> int:
        """Left border of the drivers."""
        return _EDGE

    @property
    def array_x(self) -> int:
        """Left border of the array."""
        return _EDGE + driver.WIDTH

    def column_x(self, bit: int) -> int:
        """Left border of a column; odd ones are mirrored."""
        return self.array_x + bit * cell.WIDTH

    def at(self, bit: int, x: int) -> int:
        """An x inside a column."""
        return self.column_x(bit) + (cell.WIDTH - x if bit % 2 else x)

    @property
    def ground_y(self) -> int:
        """Rail that latches and write drivers share."""
        return BOTTOM

    @functools.cached_property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """y of each block's lowest row, and its rows."""
        y, left, found = self.ground_y + ROW + JUNCTION + cell.TAP_HEIGHT, self.spec.words, []
        while left:
            rows = min(left, _BLOCK_ROWS)
            found.append((y, rows))
            y += rows * cell.HEIGHT + cell.TAP_HEIGHT
            left -= rows
        return tuple(found)

    @functools.cached_property
    def tap_y(self) -> tuple[int, ...]:
        """Lower border of each row of taps."""
        y, rows = self.blocks[-1]
        return (*(y - cell.TAP_HEIGHT for y, _ in self.blocks), y + rows * cell.HEIGHT)

    @functools.cached_property
    def driver_y(self) -> tuple[int, ...]:
        """Lower border of each row of drivers; odd ones are mirrored."""
        return tuple(y + n * driver.HEIGHT for y, rows in self.blocks for n in range(rows // driver.ROWS))

    @functools.cached_property
    def strap_x(self) -> dict[str, tuple[int, ...]]:
        """Centres of the met4 straps over the array, by supply."""
        bits = self.spec.bits
        ground = range(0, bits + 1, _STRAP_COLUMNS)
        power = range(min(_STRAP_COLUMNS // 2, bits), bits + 1, _STRAP_COLUMNS)
        return {
            name: tuple(self.column_x(n) for n in columns)
            for name, columns in (("VGND", ground), ("VPWR", power))
        }

    @property
    def driver_strap_x(self) -> dict[str, int]:
        """The same over the drivers' inverters."""
        return {"VPWR": self.driver_x + 18500, "VGND": self.driver_x + 22500}

    @property
    def width(self) -> int:
        return self.column_x(self.spec.bits) + STRAP // 2 + _EDGE

    @property
    def height(self) -> int:
        return self.tap_y[-1] + cell.TAP_HEIGHT + _EDGE
