"""Sizes of one decoder core."""

__all__ = ["CoreConfig"]

from dataclasses import dataclass

from rtl_gen.golden.rom import RomGeometry


def _bits(depth: int) -> int:
    return max(1, (depth - 1).bit_length())


@dataclass(frozen=True)
class CoreConfig:
    """What is fixed in a base: memory depths and widths, all derived from the largest model it takes.

    Attributes:
        name: Name of the base.
        columns: Weights of 4 bits on a ROM row, each with its multiplier and accumulator.
        activations: Bytes of the activation memory A.
        residual: Words of X; the larger of model dimension and vocabulary.
        cache: Bytes of the KV memory.
        context: Positions.
        vocab: Tokens.
        inputs: Longest matrix row; it sets the accumulators' width.
        rom: Banks of the weight ROM.
    """

    name: str
    columns: int
    activations: int
    residual: int
    cache: int
    context: int
    vocab: int
    inputs: int
    rom: RomGeometry

    @property
    def scratch(self) -> int:
        """Bytes of T: one a column or a position."""
        return max(self.columns, self.context)

    @property
    def column_bits(self) -> int:
        """Width of an exact sum of `inputs` products of int8 and int4: |product| <= 2**10."""
        return 11 + (self.inputs - 1).bit_length()

    @property
    def operand_bits(self) -> int:
        """Width of the multiplier's first operand: a column pair, 6-bit weights."""
        return 13 + (self.inputs - 1).bit_length()

    @property
    def row_bits(self) -> int:
        return _bits(self.rom.rows)

    @property
    def activation_bits(self) -> int:
        return _bits(self.activations)

    @property
    def scratch_bits(self) -> int:
        return _bits(self.scratch)

    @property
    def residual_bits(self) -> int:
        return _bits(self.residual)

    @property
    def cache_bits(self) -> int:
        return _bits(self.cache)

    @property
    def position_bits(self) -> int:
        return _bits(self.context)

    @property
    def token_bits(self) -> int:
        return _bits(self.vocab)

    @property
    def draw_bits(self) -> int:
        """A draw is below 255 * vocab."""
        return 8 + _bits(self.vocab)
