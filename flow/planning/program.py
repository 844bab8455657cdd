"""Cycles of a model on a die of one column of tiles, counted from the program that is compiled for it."""

__all__ = ["STEP", "program_cycles"]

import numpy as np

from metal_configs.compile.program.contents import STEP
from metal_configs.compile.program.die import compile_die
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.formats import INTERVALS, LARGEST_SHIFT, SIGMOID_INTERVALS
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer, Model, Tables
from rtl_gen.golden.params import Factors
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec import VecModel
from rtl_gen.golden.vector import EXP_INDEX
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize

WIDE, NARROW = 6, 4  # bits of codes, as `flow.planning.tiles.phases` has them


def program_cycles(
    shape: Shape, context: int, rom: RomTileSize, rows: int, ram: RamTileSize, ram_rows: int
) -> dict[str, int]:
    """Cycles per token at the last position, by what they are spent on.

    The program of a model of that shape, all codes 0, runs in the golden model, whose cycles are those of the
    RTL. A token with other integers takes some cycles more or less where epsilon is brought to the residual.

    Args:
        shape, context: The model, and how many positions are kept; at least two.
        rom, rows: Rom tiles with two rows per cycle and 32 columns, and how many.
        ram, ram_rows: Ram tiles, and how many.

    Raises:
        FlowError: It does not fit.
    """
    array = ArrayModel((rows, 1), rom.depth, rom.columns, rom.rows, rom.sum_bits, rom.row_step)
    image = compile_die(_hollow(shape, context), array, ram_rows, ram.words)
    vec = VecModel(image)
    request = image.request([0], 0, 1)
    head = len(request) - image.token_bytes
    vec.send(request[:head])
    vec.skip_to(context - 1)
    vec.spent[:] = 0
    vec.send(request[head:])
    spent: dict[str, int] = {}
    for phase, cycles in zip(image.phases, vec.spent, strict=True):
        spent[phase] = spent.get(phase, 0) + int(cycles)
    return spent


def _hollow(shape: Shape, context: int) -> Model:
    """A model whose codes are all 0."""
    s = shape

    def make(outputs: int, inputs: int, bits: int = NARROW) -> Matrix:
        factors = Factors.of(np.full(outputs, 1e-3), LARGEST_SHIFT)
        return Matrix(bits, np.zeros((outputs, inputs), np.int8), factors)

    layer = Layer(
        make(s.q_dim, s.dim), make(s.kv_dim, s.dim, WIDE), make(s.kv_dim, s.dim, WIDE), make(s.dim, s.q_dim),
        make(s.hidden, s.dim), make(s.hidden, s.dim), make(s.dim, s.hidden), score_shift=14, gate_unit=12,
    )  # fmt: skip

    def entries(intervals: int) -> np.ndarray:
        return np.zeros(intervals + 1, np.int64)

    tables = Tables(
        entries(INTERVALS), entries(INTERVALS), entries(1 << EXP_INDEX), entries(SIGMOID_INTERVALS),
        np.zeros((context, s.head_dim // 2, 2), np.int64),
    )  # fmt: skip
    return Model(
        "hollow", s, make(s.vocab, s.dim, WIDE), (layer,) * s.layers, make(s.dim, s.dim) if s.tied else None,
        make(s.vocab, s.dim, WIDE), 1, 1, 0, 1.0, tables,
    )  # fmt: skip
