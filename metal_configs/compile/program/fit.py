"""A model on as few dies of one column of tiles as hold it."""

__all__ = ["Column", "fit_dies"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from metal_configs.compile.program.die import compile_chain, compile_die
from metal_configs.compile.program.macros import die_macros
from rtl_gen.errors import FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.model import Model
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize


@dataclass(frozen=True)
class Column:
    """A die of one column of tiles.

    Attributes:
        rom, rom_rows: Its rom tiles, and how many.
        ram, ram_rows: Its ram tiles, and how many.
        vec: The vec tile below them.
    """

    rom: RomTileSize
    rom_rows: int
    ram: RamTileSize
    ram_rows: int
    vec: VecTileSize

    def empty(self) -> ArrayModel:
        """Its rom tiles without contents."""
        rom = self.rom
        return ArrayModel((self.rom_rows, 1), rom.depth, rom.columns, rom.rows, rom.sum_bits, rom.row_step)

    @property
    def skipped(self) -> int:
        """Rows of rom tiles that the vec tile was made for and that are not there."""
        return self.vec.rom_rows - self.rom_rows


def fit_dies(
    model: Model, die: Column, ranks: Mapping[str, int] | None = None, dies: int = 0
) -> list[tuple[DieImage, dict[str, np.ndarray]]]:
    """Lay a model on a chain of dies, one or more: of each what it is, and the contents of its ROM macros.

    Args:
        model: The integers.
        die: All dies.
        ranks: Of the adapters that the host loads, by the name of the matrix.
        dies: How many; 0 for as few as hold the model.

    Raises:
        FlowError: It does not fit; the message says which memory, and by how much. Of a chain that is tried
            it is what the longest one lacks.
    """
    counts = [dies] if dies else range(1, model.shape.layers + 1)
    for count in counts:
        try:
            return _laid(model, die, ranks, count)
        except FlowError as error:
            last = error
    raise last


def _laid(
    model: Model, die: Column, ranks: Mapping[str, int] | None, count: int
) -> list[tuple[DieImage, dict[str, np.ndarray]]]:
    rows, words, skipped = die.ram_rows, die.ram.words, die.skipped
    if count == 1:
        images = [compile_die(model, die.empty(), rows, words, ranks, skipped)]
    else:
        images = compile_chain(model, [die.empty() for _ in range(count)], rows, words, ranks, skipped)
    laid = []
    for n, image in enumerate(images):
        try:
            laid.append((image, die_macros(image, die.rom, die.vec)))
        except FlowError as error:
            if count == 1:
                raise
            raise FlowError(
                error.what, where=f"die {n} of {count}", hint=error.hint, code=error.code
            ) from error
    return laid
