"""Which die, bank, word line and bit line holds each bit of each weight, and back.

A matrix is cut into **passes**: as many outputs as an engine has columns (half as many where a weight takes
two columns), every input on a row of its own, then the rows of the outputs' factors. Passes stand one after
the other on the rows of a die, matrices in the order of execution; where a pass no longer fits, or the
key/value memory of the die is full, the next die goes on. Row r of a die lies in bank
r // (word_lines * mux), and neighbouring banks belong to different engines, so that all engines of
a die share the work of a matrix.
"""

__all__ = [
    "FACTOR", "FACTOR_BITS", "SLOT_BITS", "Mapping", "Matrix", "Piece", "Site", "Weight", "map_model",
]  # fmt: skip

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metal_configs.quantise.policy import Format
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape

SLOT_BITS = 4
FACTOR_BITS = 16  # a lane of `rtl_gen.golden.isa.pack_lanes`: mantissa of 12 bits, exponent of 4
KV_BITS = 8  # of a key or value
FACTOR = -1  # in place of the input: the bit belongs to the output's factor


@dataclass(frozen=True)
class Matrix:
    """One matrix as engines see it.

    Attributes:
        bits: Width of its codes.
        columns: Of an engine.
    """

    name: str
    outputs: int
    inputs: int
    bits: int
    columns: int

    @property
    def slots(self) -> int:
        """Columns that one weight takes."""
        return 1 if self.bits <= SLOT_BITS else 2

    @property
    def outputs_a_pass(self) -> int:
        return self.columns // self.slots

    @property
    def passes(self) -> int:
        return -(-self.outputs // self.outputs_a_pass)

    @property
    def factor_rows(self) -> int:
        """Rows of factors behind the weights of a pass."""
        lanes = self.columns * SLOT_BITS // FACTOR_BITS
        return -(-self.outputs_a_pass // lanes)

    @property
    def rows_a_pass(self) -> int:
        return self.inputs + self.factor_rows

    @property
    def used_bits(self) -> int:
        """Bits of ROM that hold something: those of its slots and factors."""
        return self.outputs * (self.inputs * self.slots * SLOT_BITS + FACTOR_BITS)


@dataclass(frozen=True)
class Piece:
    """Consecutive passes of one matrix on one die, from `row` of the die on."""

    matrix: Matrix
    first: int
    passes: int
    row: int

    @property
    def end(self) -> int:
        """The row behind the last."""
        return self.row + self.passes * self.matrix.rows_a_pass

    @property
    def first_output(self) -> int:
        return self.first * self.matrix.outputs_a_pass

    @property
    def outputs(self) -> int:
        """Outputs of the matrix in this piece."""
        n = self.matrix.outputs_a_pass
        return min(self.passes * n, self.matrix.outputs - self.first * n)


class Site(NamedTuple):
    """Place of a bit: arrays of one shape, or numbers."""

    die: np.ndarray
    bank: np.ndarray
    word_line: np.ndarray
    bit_line: np.ndarray


class Weight(NamedTuple):
    """What a place holds: arrays of one shape.

    Attributes:
        matrix: Number of the matrix in `Mapping.matrices`; -1 where the place is empty.
        output: Row of the matrix.
        column: Its input; `FACTOR` for a bit of the output's factor.
        bit: Of the weight's slots, the lowest first (4 a slot; the first slot is the high digit of a weight
            that takes two), or of the factor or step.
    """

    matrix: np.ndarray
    output: np.ndarray
    column: np.ndarray
    bit: np.ndarray


@dataclass(frozen=True)
class Mapping:
    """A model on a chain of equal dies.

    Attributes:
        rom: Of one die.
        matrices: In the order of execution.
        dies: Pieces of each die, in the order of their rows.
        kv_bits: Key/value memory that each die needs.
    """

    rom: RomGeometry
    matrices: tuple[Matrix, ...]
    dies: tuple[tuple[Piece, ...], ...]
    kv_bits: tuple[int, ...]

    def site(self, matrix: int, output: np.ndarray, column: np.ndarray, bit: np.ndarray) -> Site:
        """Where bits of one matrix lie.

        Args:
            matrix: Its number.
            output, column, bit: As in `Weight`; arrays that broadcast.
        """
        m = self.matrices[matrix]
        output, column, bit = np.broadcast_arrays(*(np.asarray(a, np.int64) for a in (output, column, bit)))
        here = [(d, p) for d, pieces in enumerate(self.dies) for p in pieces if p.matrix == m]
        ends = np.array([p.first + p.passes for _, p in here])
        number, within = output // m.outputs_a_pass, output % m.outputs_a_pass
        at = np.searchsorted(ends, number, side="right")
        start = np.array([p.row - p.first * m.rows_a_pass for _, p in here])[at]
        lanes = self.rom.bits // FACTOR_BITS
        factor = column == FACTOR
        row = number * m.rows_a_pass + start + np.where(factor, m.inputs + within // lanes, column)
        where = bit + np.where(factor, within % lanes * FACTOR_BITS, within * m.slots * SLOT_BITS)
        per_bank = self.rom.word_lines * self.rom.mux
        return Site(
            np.array([d for d, _ in here])[at],
            row // per_bank,
            row // self.rom.mux % self.rom.word_lines,
            where * self.rom.mux + row % self.rom.mux,
        )

    def weight(self, die: int, bank: np.ndarray, word_line: np.ndarray, bit_line: np.ndarray) -> Weight:
        """Inverse of `site`: what places of one die hold."""
        mux = self.rom.mux
        bank, word_line, bit_line = np.broadcast_arrays(
            *(np.asarray(a, np.int64) for a in (bank, word_line, bit_line))
        )
        row = (bank * self.rom.word_lines + word_line) * mux + bit_line % mux
        where = bit_line // mux
        out = Weight(*(np.full(row.shape, -1, np.int64) for _ in range(4)))
        numbers = {m.name: n for n, m in enumerate(self.matrices)}
        lanes = self.rom.bits // FACTOR_BITS
        for p in self.dies[die]:
            m = p.matrix
            here = (row >= p.row) & (row < p.end)
            local, w = row[here] - p.row, where[here]
            column = local % m.rows_a_pass
            factor = column >= m.inputs
            of_factor = (column - m.inputs) * lanes + w // FACTOR_BITS
            within = np.where(factor, of_factor, w // (m.slots * SLOT_BITS))
            output = (p.first + local // m.rows_a_pass) * m.outputs_a_pass + within
            used = (within < m.outputs_a_pass) & (output < m.outputs)
            values = (
                np.full(output.shape, numbers[m.name]),
                output,
                np.where(factor, FACTOR, column),
                np.where(factor, w % FACTOR_BITS, w % (m.slots * SLOT_BITS)),
            )
            for field, value in zip(out, values, strict=True):
                field[here] = np.where(used, value, -1)
        return out


def map_model(
    shape: Shape,
    form_of: Callable[[str], Format],
    rom: RomGeometry,
    *,
    columns: int,
    kv_bits: int,
    context: int,
) -> Mapping:
    """Place a model on as few dies as its order allows; the same input gives the same mapping.

    Args:
        shape: The model.
        form_of: How a matrix is stored, by name.
        rom: Of one die.
        columns: Of an engine; `rom.bits` is 4 a column.
        kv_bits: Key/value memory of one die.
        context: Positions whose keys and values are kept, 8 bits a value, on the die that makes them.

    Raises:
        FlowError: One pass of a matrix, or its keys and values, do not fit on an empty die.
    """
    forms = {n: form_of(n) for n in shape.matrices()}
    matrices = tuple(Matrix(n, o, i, forms[n].bits, columns) for n, (o, i) in shape.matrices().items())
    dies: list[list[Piece]] = [[]]
    row, kv = 0, [0]
    for m in matrices:
        is_kv = m.name.rpartition(".")[2] in ("k", "v")
        kv_a_pass = m.outputs_a_pass * context * KV_BITS if is_kv else 0
        # Keys and values of a head stay together: attention then needs no sums over several dies.
        together = -(-shape.head_dim // m.outputs_a_pass) if is_kv else 1
        _check_fits(m, rom, together, kv_a_pass, kv_bits, context)
        done = 0
        while done < m.passes:
            count = min(m.passes - done, (rom.rows - row) // m.rows_a_pass)
            if is_kv:
                count = min(count, (kv_bits - kv[-1]) // kv_a_pass)
            if count < m.passes - done:
                count -= count % together
            if not count:
                dies.append([])
                kv.append(0)
                row = 0
                continue
            dies[-1].append(Piece(m, done, count, row))
            row, done, kv[-1] = dies[-1][-1].end, done + count, kv[-1] + count * kv_a_pass
    return Mapping(rom, matrices, tuple(map(tuple, dies)), tuple(kv))


def _check_fits(
    m: Matrix, rom: RomGeometry, together: int, kv_a_pass: int, kv_bits: int, context: int
) -> None:
    rows, kv = together * m.rows_a_pass, together * kv_a_pass
    if rows > rom.rows:
        raise FlowError(
            f"{together} passes of {m.name} take {rows} ROM rows, a die has {rom.rows}",
            hint="Choose a base with larger dies.",
        )
    if kv > kv_bits:
        most = kv_bits * context // kv
        raise FlowError(
            f"the {m.name} of one head and {context} positions take {kv} bits of memory, a die has {kv_bits}",
            hint=f"At most {most} positions fit: pass --context {most}, or choose a base with larger dies.",
            code=ExitCode.USAGE,
        )
