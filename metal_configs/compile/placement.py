"""Which die, tile, macro, word line and bit line holds each bit of each weight, and back."""

__all__ = ["FACTOR", "VEC", "Piece", "Placement", "Site", "Weight"]

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metal_configs.compile.matrix import FACTOR_BITS, LANES, DieSize, Matrix
from rtl_gen.golden.tile import SLOT

FACTOR = -1  # in place of the input: the bit belongs to the output's factor
VEC = -1  # in place of the row of tiles: a vec tile


@dataclass(frozen=True)
class Piece:
    """Consecutive blocks of one matrix on one die.

    Attributes:
        first, blocks: Which.
        row: Of every rom tile, where they begin.
        factor_row: Of every vec tile's ROM, where their factors begin.
    """

    matrix: Matrix
    first: int
    blocks: int
    row: int
    factor_row: int

    @property
    def end(self) -> int:
        """The row behind the last."""
        return self.row + self.blocks * self.matrix.rows_a_block

    @property
    def factor_end(self) -> int:
        """The row of factors behind the last."""
        return self.factor_row + self.blocks * self.matrix.factor_rows_a_block

    @property
    def first_output(self) -> int:
        return self.first * self.matrix.outputs_a_block

    @property
    def outputs(self) -> int:
        """Outputs of the matrix in this piece."""
        n = self.matrix.outputs_a_block
        return min(self.blocks * n, self.matrix.outputs - self.first * n)


class Site(NamedTuple):
    """Place of a bit: arrays of one shape.

    Attributes:
        row, column: Of the rom tile, counted from the north and from the west; row `VEC` for a vec tile.
        macro: In the tile.
        word_line, bit_line: In the macro.
    """

    die: np.ndarray
    row: np.ndarray
    column: np.ndarray
    macro: np.ndarray
    word_line: np.ndarray
    bit_line: np.ndarray


class Weight(NamedTuple):
    """What a place holds: arrays of one shape.

    Attributes:
        matrix: Number of the matrix in `Placement.matrices`; -1 where the place is empty.
        output: Row of the matrix.
        column: Its input; `FACTOR` for a bit of the output's factor.
        bit: Of the code in two's complement, or of the factor; the lowest is 0.
    """

    matrix: np.ndarray
    output: np.ndarray
    column: np.ndarray
    bit: np.ndarray


@dataclass(frozen=True)
class Placement:
    """A model on a chain of equal dies.

    Attributes:
        matrices: In the order of execution.
        dies: Pieces of each die, in the order of their rows.
        ram_rows: Rows of ram tiles that keys and values need on each die.
    """

    die: DieSize
    matrices: tuple[Matrix, ...]
    dies: tuple[tuple[Piece, ...], ...]
    ram_rows: tuple[int, ...]

    def number(self, name: str) -> int:
        """Of a matrix, by its name.

        Raises:
            KeyError: There is none.
        """
        return {m.name: n for n, m in enumerate(self.matrices)}[name]

    def site(self, matrix: int, output: np.ndarray, column: np.ndarray, bit: np.ndarray) -> Site:
        """Where bits of one matrix lie.

        Args:
            matrix: Its number.
            output, column, bit: As in `Weight`; arrays that broadcast.
        """
        m, size = self.matrices[matrix], self.die
        output, column, bit = np.broadcast_arrays(*(np.asarray(a, np.int64) for a in (output, column, bit)))
        here = [(d, p) for d, pieces in enumerate(self.dies) for p in pieces if p.matrix == m]
        block, within = np.divmod(output, m.outputs_a_block)
        at = np.searchsorted([p.first + p.blocks for _, p in here], block, side="right")
        tile, lane = np.divmod(within, size.outputs)
        local = block - np.array([p.first for _, p in here])[at]
        # Weights.
        part, reader = _plane_of_bit(m, bit)
        chunk, inner = np.divmod(column, m.each)
        span, row = np.divmod(chunk, size.rows)
        number, place = np.divmod(inner, part.rows * size.activations)
        step, activation = np.divmod(place, size.activations)
        first = np.array([p.row for _, p in here])[at] + local * m.rows_a_block + span * m.rows_a_span
        address = first + part.row + step
        each, ways = size.outputs // size.ways, size.ways
        macro = activation * (size.depth // size.words) + lane // each * size.together
        macro += address // (size.words * ways)
        line = (lane % each * SLOT + number * part.width + reader) * ways + address % ways
        # Factors.
        factor = column == FACTOR
        vec, above = np.divmod(tile, size.vec_columns)
        entry = above * size.outputs + lane
        of_factor = np.array([p.factor_row for _, p in here])[at] + local * m.factor_rows_a_block
        of_factor += entry // LANES
        return Site(
            np.array([d for d, _ in here])[at],
            np.where(factor, VEC, row),
            np.where(factor, vec, tile),
            np.where(factor, of_factor // size.words, macro),
            np.where(factor, of_factor, address // ways) % size.words,
            np.where(factor, entry % LANES * FACTOR_BITS + bit, line),
        )

    def weight(
        self,
        die: int,
        row: np.ndarray,
        column: np.ndarray,
        macro: np.ndarray,
        word_line: np.ndarray,
        bit_line: np.ndarray,
    ) -> Weight:
        """Inverse of `site`: what places of one die hold."""
        given = (np.asarray(a, np.int64) for a in (row, column, macro, word_line, bit_line))
        row, column, macro, word_line, bit_line = np.broadcast_arrays(*given)
        out = Weight(*(np.full(row.shape, -1, np.int64) for _ in range(4)))
        numbers = {m.name: n for n, m in enumerate(self.matrices)}
        size, vec = self.die, row == VEC
        activation, within = np.divmod(macro, size.depth // size.words)
        set_, part = np.divmod(within, size.together)
        digit, way = np.divmod(bit_line, size.ways)
        of_row = (part * size.words + word_line) * size.ways + way
        address = np.where(vec, macro * size.words + word_line, of_row)
        share = size.outputs // size.ways * SLOT
        of_set = np.where(digit < share, set_ * share + digit, size.outputs * SLOT)
        slot = np.where(vec, bit_line, of_set)
        for p in self.dies[die]:
            here = ~vec & (address >= p.row) & (address < p.end)
            found = self._code(p, address[here] - p.row, *(a[here] for a in (row, column, activation, slot)))
            _fill(out, here, numbers[p.matrix.name], found)
            here = vec & (address >= p.factor_row) & (address < p.factor_end)
            found = self._factor(p, address[here] - p.factor_row, column[here], bit_line[here])
            _fill(out, here, numbers[p.matrix.name], found)
        return out

    def _code(
        self,
        p: Piece,
        address: np.ndarray,
        row: np.ndarray,
        column: np.ndarray,
        activation: np.ndarray,
        slot: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """Whether places hold a bit, and of which output, input and bit."""
        m, size = p.matrix, self.die
        block, local = np.divmod(address, m.rows_a_block)
        span, local = np.divmod(local, m.rows_a_span)
        lane, bit = np.divmod(slot, SLOT)
        output = (p.first + block) * m.outputs_a_block + column * size.outputs + lane
        inner, shifted = np.zeros_like(local), np.zeros_like(local)
        for plane in _planes(m):
            at = (local >= plane.row) & (local < plane.row + plane.rows)
            number, reader = np.divmod(bit[at], plane.width)
            step = number * plane.rows + local[at] - plane.row
            inner[at] = step * size.activations + activation[at]
            shifted[at] = plane.shift + reader
        source = (span * size.rows + row) * m.each + inner
        used = (lane < size.outputs) & (output < m.outputs) & (inner < m.each) & (source < m.inputs)
        return used, output, source, shifted

    def _factor(
        self, p: Piece, address: np.ndarray, vec: np.ndarray, bit_line: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        m, size = p.matrix, self.die
        block, local = np.divmod(address, m.factor_rows_a_block)
        lane, bit = np.divmod(bit_line, FACTOR_BITS)
        above, of_tile = np.divmod(local * LANES + lane, size.outputs)
        column = vec * size.vec_columns + above
        output = (p.first + block) * m.outputs_a_block + column * size.outputs + of_tile
        used = (above < size.vec_columns) & (column < size.columns) & (output < m.outputs)
        return used, output, np.full(output.shape, FACTOR), bit


class _Plane(NamedTuple):
    """Rows of a span that hold the same bits of codes: `width` from `shift` on, for 4 / width inputs."""

    row: int
    rows: int
    width: int
    shift: int


def _planes(m: Matrix) -> list[_Plane]:
    out, shift = [], m.bits
    for p in m.parts:
        if p.plane.low == 0:
            shift -= p.plane.width
            out.append(_Plane(p.row, p.rows, p.plane.width, shift))
    return out


class _Rows(NamedTuple):
    row: np.ndarray
    rows: np.ndarray
    width: np.ndarray


def _plane_of_bit(m: Matrix, bit: np.ndarray) -> tuple[_Rows, np.ndarray]:
    """The plane that each bit of a code lies in, and which of a digit's bits it is there."""
    planes = _planes(m)
    # A factor has more bits than a code; what is found for those has no meaning.
    at = np.array([next((n for n, p in enumerate(planes) if p.shift <= b), 0) for b in range(m.bits)])
    chosen = at[np.minimum(bit, m.bits - 1)]
    row, rows, width, shift = (np.array(v)[chosen] for v in zip(*planes, strict=True))
    return _Rows(row, rows, width), bit - shift


def _fill(out: Weight, here: np.ndarray, number: int, found: tuple[np.ndarray, ...]) -> None:
    used, *values = found
    for field, value in zip(out, (np.full(used.shape, number), *values), strict=True):
        field[here] = np.where(used, value, -1)
