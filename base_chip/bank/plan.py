"""Where everything in a bank lies: coordinates only, no shapes.

Bottom to top: a strip of bit-line pins, blocks of rows between rows of substrate taps, the precharge
transistors in their n-well, the supply rail. Left to right: word-line pins and their poly contacts, then
groups of bit-line columns, with a strap column (ground in the array, supply above it) at both sides of
every group.
"""

__all__ = ["BankPlan"]

import functools
from dataclasses import dataclass

import numpy as np

from base_chip.bank.dims import BankDims
from base_chip.bank.spec import BankSpec


@dataclass(frozen=True)
class BankPlan:
    """Coordinates of a bank in dbu; the boundary's lower left corner is the origin.

    In a column of a block, node 0 is a source; then gate, drain, dummy gate, drain, gate and the next
    source follow, over and over. Columns of the precharge have supply and bit-line nodes in turn.
    """

    spec: BankSpec

    @functools.cached_property
    def dims(self) -> BankDims:
        return self.spec.dims

    # -- left to right -----------------------------------------------------------------

    @functools.cached_property
    def word_pad_x(self) -> tuple[int, int]:
        """Poly contacts of even and odd word lines; two columns, as the rows are too close for one."""
        d = self.dims
        even = self.strap_x0 - d.column_pitch // 2 - d.met1_space - d.met1_pad[0] // 2
        return even, even - d.poly_pad[0] - d.poly_space

    @property
    def strap_x0(self) -> int:
        """Centre of the leftmost strap column."""
        d = self.dims
        pads = 2 * d.poly_pad[0] + d.poly_space + d.edge // 2
        return _up(pads + d.met1_space + d.column_pitch // 2, self.spec.process.grid)

    @functools.cached_property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """First and past-the-end bit line of every group between two straps."""
        step, n = self.spec.columns_per_strap, self.spec.bit_lines
        return tuple((first, min(first + step, n)) for first in range(0, n, step))

    @functools.cached_property
    def bit_x(self) -> np.ndarray:
        """Centre of each bit line, int64 [bit_lines]."""
        bit = np.arange(self.spec.bit_lines)
        return self.strap_x0 + self.dims.column_pitch * (bit + bit // self.spec.columns_per_strap + 1)

    @functools.cached_property
    def strap_x(self) -> tuple[int, ...]:
        """Centre of each strap column, one more than there are groups."""
        pitch = self.dims.column_pitch
        return (self.strap_x0, *(int(self.bit_x[last - 1]) + pitch for _, last in self.groups))

    @functools.cached_property
    def supply_x(self) -> tuple[int, ...]:
        """Centre of each met4 supply strap: the middle of each group."""
        grid = self.spec.process.grid
        middles = ((a + b) // 2 for a, b in zip(self.strap_x, self.strap_x[1:], strict=False))
        return tuple(m // grid * grid for m in middles)

    @property
    def array_x(self) -> tuple[int, int]:
        """Left and right end of rails and taps: the outer edges of the outer strap columns."""
        half = self.dims.column_pitch // 2
        return self.strap_x[0] - half, self.strap_x[-1] + half

    @property
    def width(self) -> int:
        d = self.dims
        return self.strap_x[-1] + max(d.strap, d.column_pitch) // 2 + d.edge

    # -- bottom to top -----------------------------------------------------------------

    @property
    def block_rows(self) -> int:
        """Word lines between two tap rows."""
        return min(self.spec.rows_per_tap, self.spec.word_lines)

    @functools.cached_property
    def tap_y(self) -> tuple[int, ...]:
        """Centre of each substrate tap row: below, between and above the blocks."""
        d = self.dims
        first = d.pin_strip + d.met3_space + d.bit_line // 2 + d.edge // 4
        first = _up(first, self.spec.process.grid)
        blocks = self.spec.word_lines // self.block_rows
        return tuple(first + n * d.block_height(self.block_rows) for n in range(blocks + 1))

    @functools.cached_property
    def block_y(self) -> tuple[int, ...]:
        """Node 0, a source, of each block."""
        return tuple(y + self.dims.tap_to_node for y in self.tap_y[:-1])

    @property
    def block_pairs(self) -> int:
        """Pairs of rows in a block."""
        return self.block_rows // 2

    @property
    def block_span(self) -> int:
        """From the first to the last source of a block."""
        return self.block_pairs * self.dims.pair_pitch

    def _pairs_y(self) -> np.ndarray:
        """Lower source of every pair of rows, int64 [word_lines / 2]."""
        pair = np.arange(self.block_pairs) * self.dims.pair_pitch
        return (np.array(self.block_y)[:, None] + pair).reshape(-1)

    @functools.cached_property
    def source_y(self) -> np.ndarray:
        """Every source contact row; neighbouring pairs share one."""
        pair = np.arange(self.block_pairs + 1) * self.dims.pair_pitch
        return (np.array(self.block_y)[:, None] + pair).reshape(-1)

    @functools.cached_property
    def word_y(self) -> np.ndarray:
        """Gate of each word line, int64 [word_lines]."""
        half = self.dims.node_pitch // 2
        return self._two_a_pair(half, 5 * half)

    @functools.cached_property
    def drain_y(self) -> np.ndarray:
        """Drain of each word line's transistors, where the program via goes, int64 [word_lines]."""
        return self._two_a_pair(self.dims.node_pitch, 2 * self.dims.node_pitch)

    @functools.cached_property
    def dummy_y(self) -> np.ndarray:
        """Gate that parts the two drains of a pair, int64 [word_lines / 2]."""
        return self._pairs_y() + 3 * (self.dims.node_pitch // 2)

    def _two_a_pair(self, lower: int, upper: int) -> np.ndarray:
        result: np.ndarray = (self._pairs_y()[:, None] + np.array([lower, upper])).reshape(-1)
        return result

    @property
    def bit_pin_via_y(self) -> int:
        """Via2 that joins the met2 and met3 of a bit-line pin."""
        return self.dims.pin_strip - 2 * self.dims.via2

    # -- precharge ---------------------------------------------------------------------

    @functools.cached_property
    def pre_node_y(self) -> tuple[int, ...]:
        """Contacts of a precharge column: supply at even indices, bit line at odd ones."""
        d = self.dims
        first = self.nwell_y[0] + d.nwell + d.diff_end
        return tuple(first + n * d.node_pitch for n in range(self.spec.precharge_fingers + 1))

    @property
    def pre_gate_y(self) -> tuple[int, ...]:
        half = self.dims.node_pitch // 2
        return tuple(y + half for y in self.pre_node_y[:-1])

    @property
    def ntap_y(self) -> int:
        """Centre of the n-well's tap row."""
        return self.pre_node_y[-1] + self.dims.tap_to_node

    @property
    def nwell_y(self) -> tuple[int, int]:
        """Bottom and top of the n-well."""
        d = self.dims
        bottom = self.tap_y[-1] + d.tap_height // 2 + d.nwell_tap
        span = d.nwell + d.diff_end + self.spec.precharge_fingers * d.node_pitch
        return bottom, bottom + span + d.tap_to_node + d.tap_height // 2 + d.nwell

    @property
    def bit_line_bottom(self) -> int:
        """Lower end of the met3 bit lines: their pins."""
        return 0

    @property
    def bit_line_top(self) -> int:
        """Upper end of the met3 bit lines: their last precharge contact."""
        return self.pre_node_y[-2] + self.dims.bit_line // 2

    @property
    def rail_y(self) -> tuple[int, int]:
        """Bottom and top of the met3 supply rail above the bit lines."""
        bottom = self.bit_line_top + self.dims.met3_space
        return bottom, bottom + self.dims.strap

    @property
    def height(self) -> int:
        return max(self.rail_y[1], self.nwell_y[1]) + self.dims.edge


def _up(value: int, grid: int) -> int:
    return -(-value // grid) * grid
