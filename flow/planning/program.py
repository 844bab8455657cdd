"""Models by their shape alone, for a die of one column of tiles; and the cycles of their programs."""

__all__ = ["STEP", "hollow_model", "program_cycles"]

from collections.abc import Mapping

import numpy as np

from metal_configs.compile.program.contents import STEP
from metal_configs.compile.program.die import compile_die
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.formats import INTERVALS, LARGEST_SHIFT, SIGMOID_INTERVALS
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Layer, Model, Tables
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
    image = compile_die(hollow_model(shape, context), array, ram_rows, ram.words)
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


def hollow_model(shape: Shape, context: int, bits: Mapping[str, int] | None = None) -> Model:
    """A model whose codes are all 0.

    Args:
        shape, context: The model, and how many positions are kept.
        bits: Of the codes of each matrix, by name; None for 6 in k, v, embedding and head, 4 elsewhere.
    """
    s = shape

    def make(name: str, outputs: int, inputs: int, given: int = NARROW) -> Matrix:
        factors = Factors.of(np.full(outputs, 1e-3), LARGEST_SHIFT)
        held = given if bits is None else bits[name]
        return Matrix(held, np.zeros((outputs, inputs), np.int8), factors)

    def layer(n: int) -> Layer:
        at = f"layers.{n}."
        return Layer(
            make(f"{at}q", s.q_dim, s.dim), make(f"{at}k", s.kv_dim, s.dim, WIDE),
            make(f"{at}v", s.kv_dim, s.dim, WIDE), make(f"{at}o", s.dim, s.q_dim),
            make(f"{at}gate", s.hidden, s.dim), make(f"{at}up", s.hidden, s.dim),
            make(f"{at}down", s.dim, s.hidden), score_shift=14, gate_unit=12,
        )  # fmt: skip

    def entries(intervals: int) -> np.ndarray:
        return np.zeros(intervals + 1, np.int64)

    # Programs find their place by some reciprocal that is not 0 (`metal_configs.compile.program.parts`).
    tables = Tables(
        entries(INTERVALS), entries(INTERVALS) + 1, entries(1 << EXP_INDEX), entries(SIGMOID_INTERVALS),
        np.zeros((context, s.head_dim // 2, 2), np.int64),
    )  # fmt: skip
    return Model(
        "hollow", s, make("embed", s.vocab, s.dim, WIDE), tuple(map(layer, range(s.layers))),
        make("final", s.dim, s.dim) if s.tied else None,
        make("embed" if s.tied else "head", s.vocab, s.dim, WIDE), 1, 1, 0, 1.0, tables,
    )  # fmt: skip
