"""From codes and scales to the words of ROM macros, eight bits a byte, bit 0 first."""

__all__ = ["factors_of", "pack_block", "pack_factors"]

import numpy as np

from metal_configs.compile.matrix import BYTES_A_ROW, LANES, Matrix
from rtl_gen.golden.factors import Factors, pack_lanes
from rtl_gen.golden.tile import SLOT


def factors_of(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales as the ROM keeps them.

    Each output's factor is mantissa * 2**-(shift + exponent) with a shift of its own column of tiles; the
    program, which does not exist yet, is to hold the shifts, so the manifest does.

    Args:
        scale: float64 [columns of tiles, outputs of one], positive; 0 behind the last output.

    Returns:
        uint16 [columns, outputs], lanes of `pack_lanes`, and int64 [columns], shifts.
    """
    lanes, shifts = np.zeros(scale.shape, np.uint16), np.zeros(len(scale), np.int64)
    for n, s in enumerate(scale):
        if there := int(np.count_nonzero(s)):
            f = Factors.of(s[:there])
            lanes[n, :there] = pack_lanes(f.mantissa, f.exponent).view(np.uint16)[:there]
            shifts[n] = f.shift
    return lanes, shifts


def pack_block(m: Matrix, codes: np.ndarray) -> np.ndarray:
    """What a block's rows hold in some columns of tiles.

    Args:
        m: The matrix.
        codes: int8 [columns of tiles * outputs of one, inputs], 0 where the matrix has no output.

    Returns:
        uint8 [rows of tiles, activations, rows of a block, columns of tiles, bytes of a word].
    """
    d = m.die
    columns, half = len(codes) // d.outputs, d.outputs // 2
    whole = np.zeros((columns, half, 2, m.spans * d.rows * m.each), np.uint8)
    whole[..., : m.inputs] = codes.view(np.uint8).reshape(columns, half, 2, m.inputs)
    out = np.zeros((d.rows, d.activations, m.spans, m.rows_a_span, columns, half), np.uint8)
    shift = m.bits
    for p in (p for p in m.parts if p.plane.low == 0):
        width = p.plane.width
        shift -= width
        digits = whole >> shift & ((1 << width) - 1)
        pairs = (digits[:, :, 0] | digits[:, :, 1] << SLOT).reshape(columns, half, m.spans, d.rows, m.each)
        length = p.rows * d.activations
        folded = np.zeros((*pairs.shape[:-1], length), np.uint8)
        for number in range(SLOT // width):
            part = pairs[..., number * length : (number + 1) * length]
            folded[..., : part.shape[-1]] |= part << width * number
        steps = folded.reshape(*pairs.shape[:-1], p.rows, d.activations)
        out[:, :, :, p.row : p.row + p.rows] = steps.transpose(3, 5, 2, 4, 0, 1)
    return out.reshape(d.rows, d.activations, m.rows_a_block, columns, half)


def pack_factors(m: Matrix, lanes: np.ndarray) -> np.ndarray:
    """A block's factors as rows of the vec tiles' ROM.

    Args:
        m: The matrix.
        lanes: uint16 [columns of tiles of a die, outputs of one].

    Returns:
        uint8 [vec tiles, rows, bytes of a word].
    """
    d = m.die
    of_vec = np.zeros((d.vecs * d.vec_columns, d.outputs), "<u2")
    of_vec[: d.columns] = lanes
    out = np.zeros((d.vecs, m.factor_rows_a_block * LANES), "<u2")
    out[:, : d.vec_columns * d.outputs] = of_vec.reshape(d.vecs, -1)
    return out.view(np.uint8).reshape(d.vecs, m.factor_rows_a_block, BYTES_A_ROW)
