"""A model on as few dies of one column of tiles as hold it."""

__all__ = ["Column", "fit_dies", "fit_parts", "lay_part"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metal_configs.compile.program.die import compile_part
from metal_configs.compile.program.layers import Most
from metal_configs.compile.program.macros import die_macros
from metal_configs.compile.program.part import Part, cut
from metal_configs.compile.program.vocabulary import cut_tokens
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
) -> "list[Laid]":
    """Lay a model on a chain of dies, one or more: of each what it is, and the contents of its ROM macros.

    Arguments and errors are those of `fit_parts`.
    """
    return [laid for _, laid in fit_parts(model, die, ranks, dies)]


def fit_parts(
    model: Model, die: Column, ranks: Mapping[str, int] | None = None, dies: int = 0
) -> "list[tuple[Part, Laid]]":
    """What each die of a chain has of a model, and what becomes of it.

    Layers alone are cut where that is enough; else tokens of the embedding and of the head are, too.

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
            return _laid(cut(model, count), die, ranks)
        except FlowError as error:
            last = error
    if dies == 1:
        raise last
    return _laid(cut_tokens(model, lambda part: _lay(part, die, ranks), dies), die, ranks)


Laid = tuple[DieImage, dict[str, np.ndarray]]


def lay_part(part: Part, die: Column) -> DieImage:
    """What a die is that has a part which `fit_parts` found."""
    return _lay(part, die, None)[0]


def _laid(parts: Sequence[Part], die: Column, ranks: Mapping[str, int] | None) -> list[tuple[Part, Laid]]:
    numbers = sorted(range(len(parts)), key=lambda n: -parts[n].bits)  # the largest says first what it lacks
    found = {n: _lay(parts[n], die, ranks, n, len(parts)) for n in numbers}
    return [(part, found[n]) for n, part in enumerate(parts)]


def _lay(part: Part, die: Column, ranks: Mapping[str, int] | None, number: int = 0, dies: int = 1) -> Laid:
    most = Most(die.vec.memory, die.vec.ram_bytes)
    which = "" if dies == 1 else f"die {number} of {dies}"
    image = compile_part(part, die.empty(), die.ram_rows, die.ram.words, ranks, die.skipped, which, most)
    try:
        return image, die_macros(image, die.rom, die.vec)
    except FlowError as error:
        raise FlowError(error.what, where=which, hint=error.hint, code=error.code) from error
