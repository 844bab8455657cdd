"""Where each bit of a model lies on the dies of one column of tiles that it was compiled for."""

__all__ = ["column_placement"]

from collections.abc import Sequence

from metal_configs.compile.matrix import LANES, DieSize, Matrix
from metal_configs.compile.placement import Piece, Placement
from metal_configs.compile.program.fit import Column
from metal_configs.compile.program.part import model_matrix
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.model import Model
from rtl_gen.tiles.macro import WORDS


def column_placement(model: Model, die: Column, images: Sequence[DieImage]) -> Placement:
    """The placement of a compiled chain.

    Factors lie in macros `rom_<n>` of the vec tile. A tied embedding is the matrix `head` of the last die;
    if that is not the first, this one has a copy of it, `embed`. A matrix whose outputs are cut over dies has
    a piece on each.

    Args:
        model: What was compiled.
        die: All dies.
        images: What became of it.
    """
    rom = die.rom
    size = DieSize(
        rows=die.rom_rows, columns=1, depth=rom.depth, outputs=rom.columns, activations=rom.rows,
        align=rom.row_step, most_inputs=rom.most_inputs, ram_rows=die.ram_rows * die.ram.words, vec_columns=1,
        factor_rows=die.vec.rom_banks * WORDS, words=WORDS,
    )  # fmt: skip
    dies = []
    for image in images:
        pieces = []
        for name in image.array.names:
            outputs, inputs = model_matrix(model, name).codes.shape
            matrix = Matrix(name, outputs, inputs, image.array.bits(name), size)
            blocks = image.array.blocks(name)
            first = image.begins.get(name, 0) // rom.columns
            pieces.append(Piece(matrix, first, len(blocks), blocks[0].row, image.at[name] // LANES))
        dies.append(tuple(pieces))
    matrices = tuple(dict.fromkeys(piece.matrix for pieces in dies for piece in pieces))
    return Placement(size, matrices, tuple(dies), tuple(image.ram_used for image in images))
