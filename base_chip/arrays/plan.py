"""Where everything in a ROM macro lies: the bank's coordinates, moved, and those of its periphery.

Bottom to top: pins, four rows of output latches, the array, the precharge. Left to right: word-line drivers
(below them the control), the array.
"""

__all__ = ["RomPlan"]

import functools
from dataclasses import dataclass

from base_chip.arrays import driver
from base_chip.arrays.latch import LEVELS, ROW
from base_chip.bank.plan import BankPlan

_BOTTOM = 620  # lowest rail
_TOP_RAIL = 660  # from the uppermost rail to the lowest row of taps
_LEFT = 400 + driver.LEFT_OF_DRIVER


@dataclass(frozen=True)
class RomPlan(BankPlan):
    """Coordinates of a ROM macro in dbu; the boundary's lower left corner is the origin."""

    @property
    def driver_x(self) -> int:
        """Origin of the drivers' cells."""
        return _LEFT

    @property
    def strap_x0(self) -> int:
        return _LEFT + driver.STRAP

    @functools.cached_property
    def word_pad_x(self) -> tuple[int, int]:
        return (_LEFT + driver.WORD,) * 2

    @functools.cached_property
    def tap_y(self) -> tuple[int, ...]:
        first = self.rail(0) + _TOP_RAIL
        blocks = self.spec.word_lines // self.block_rows
        return tuple(first + n * self.dims.block_height(self.block_rows) for n in range(blocks + 1))

    @property
    def bit_line_bottom(self) -> int:
        """The array's part of the bit lines; each goes on to its latch."""
        return self.tap_y[0]

    def rail(self, n: int) -> int:
        """Rails of the rows of latches, top to bottom: supply, ground, supply, ground, supply."""
        return _BOTTOM + (LEVELS - n) * ROW

    @property
    def rails(self) -> tuple[int, ...]:
        """All rails, top to bottom."""
        return tuple(self.rail(n) for n in range(LEVELS + 1))

    def ground(self, level: int) -> int:
        """Ground rail of a row of latches: that of rows 1 and 3 lies above them."""
        return self.rail(level + 1 - level % 2)

    def in_row(self, level: int, y: int) -> int:
        """y of what lies at `y` above the ground rail of a row; odd rows are mirrored."""
        return self.ground(level) + (-y if level % 2 else y)

    @functools.cached_property
    def group_y(self) -> tuple[int, ...]:
        """Lowest source of every eight rows."""
        step = driver.GROUP_ROWS // 2
        return tuple(int(y) for y in self._pairs_y()[::step])
