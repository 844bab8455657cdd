"""A matrix cut for the rom tiles of a die."""

__all__ = ["BYTES_A_ROW", "FACTOR_BITS", "LANES", "DieSize", "Matrix"]

from dataclasses import dataclass
from functools import cached_property

from rtl_gen.golden.chunk import Part, parts_of
from rtl_gen.golden.tile import TOGETHER

FACTOR_BITS = 16  # a lane of `rtl_gen.golden.isa.pack_lanes`: mantissa of 12 bits, exponent of 4
BYTES_A_ROW = 16  # of a ROM macro
LANES = BYTES_A_ROW * 8 // FACTOR_BITS  # factors in a row of a vec tile's ROM


@dataclass(frozen=True)
class DieSize:
    """What the compiler has to know of a die of tiles.

    Attributes:
        rows, columns: Of rom tiles.
        depth: Rows of a tile, each of `activations` words of ROM side by side.
        outputs: Columns of multiply-accumulate in a tile, 4 bits of a word each.
        activations: Of a step.
        align: Rows between two that a seek can address.
        most_inputs: Of a pass in a tile, for which sums are exact whatever their values.
        ram_rows: Rows of all ram tiles together, `outputs` bytes each.
        vec_columns: Columns of tiles above a vec tile.
        factor_rows: ROM rows of a vec tile.
        words: Rows of a ROM macro. What is where: `rtl_gen.golden.tile.interleave`.
    """

    rows: int
    columns: int
    depth: int
    outputs: int
    activations: int
    align: int
    most_inputs: int
    ram_rows: int
    vec_columns: int
    factor_rows: int
    words: int = 256

    @property
    def macros(self) -> int:
        """Of a rom tile."""
        return self.depth // self.words * self.activations

    @property
    def together(self) -> int:
        """Macros that serve the same outputs."""
        return min(TOGETHER, self.depth // self.words)

    @property
    def ways(self) -> int:
        """Rows side by side in a word, and sets of macros for as many outputs less each."""
        return self.depth // self.words // self.together

    @property
    def vecs(self) -> int:
        """vec tiles."""
        return -(-self.columns // self.vec_columns)


@dataclass(frozen=True)
class Matrix:
    """One matrix on the tiles of a die.

    Outputs are cut into **blocks** of as many as all columns of tiles have: output o is column o % `outputs`
    of tile column o // outputs % columns. Inputs are cut into **chunks** of `each`, for one row of tiles and
    one span after the other: chunk g lies in row g % rows of tiles, in span g // rows of the block. A span is
    what one set of passes multiplies; there is more than one where a tile's sums would overflow.

    Attributes:
        bits: Of a code.
    """

    name: str
    outputs: int
    inputs: int
    bits: int
    die: DieSize

    @property
    def spans(self) -> int:
        """Of a block."""
        whole = self.die.most_inputs // self.die.activations * self.die.activations
        return -(-self.inputs // (self.die.rows * whole))

    @property
    def each(self) -> int:
        """Inputs of a chunk: whole steps, so that no two rows of tiles share one."""
        steps = self.die.rows * self.spans * self.die.activations
        return -(-self.inputs // steps) * self.die.activations

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The passes of a span, with rows from its first one."""
        return parts_of(self.each, self.bits, self.die.activations, self.die.align)

    @property
    def rows_a_span(self) -> int:
        return self.parts[-1].row + self.parts[-1].rows

    @property
    def rows_a_block(self) -> int:
        """Rows of every tile."""
        return self.spans * self.rows_a_span

    @property
    def outputs_a_block(self) -> int:
        return self.die.columns * self.die.outputs

    @property
    def blocks(self) -> int:
        return -(-self.outputs // self.outputs_a_block)

    @property
    def factor_rows_a_block(self) -> int:
        """Rows of each vec tile's ROM."""
        return -(-self.die.vec_columns * self.die.outputs // LANES)

    @property
    def used_bits(self) -> int:
        """Bits of ROM that hold something: codes and factors."""
        return self.outputs * (self.inputs * self.bits + FACTOR_BITS)
