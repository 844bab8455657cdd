"""From codes and scales to ROM rows, eight bits a byte."""

__all__ = ["factors_of", "pack_passes"]

import numpy as np

from metal_configs.multi_die.mapping import FACTOR_BITS, SLOT_BITS, Matrix
from rtl_gen.golden.isa import pack_lanes, pair_digits
from rtl_gen.golden.params import Factors


def factors_of(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales as the ROM keeps them.

    Each output's factor is mantissa * 2**-(shift + exponent) with a shift of its own pass; a planned base's
    program, which does not exist yet, would hold the shifts, so the manifest does.

    Args:
        scale: float64 [passes, outputs of a pass], positive; 0 behind the last output.

    Returns:
        uint16 [passes, outputs of a pass], lanes of `pack_lanes`, and int64 [passes], shifts.
    """
    lanes, shifts = np.zeros(scale.shape, np.uint16), np.zeros(len(scale), np.int64)
    for n, s in enumerate(scale):
        there = int(np.count_nonzero(s))
        f = Factors.of(s[:there])
        lanes[n, :there] = pack_lanes(f.mantissa, f.exponent).view(np.uint16)[:there]
        shifts[n] = f.shift
    return lanes, shifts


def pack_passes(matrix: Matrix, codes: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """The rows of whole passes.

    Args:
        matrix: What they belong to.
        codes: int8 [passes * outputs_a_pass, inputs], zero where the matrix has no output.
        lanes: uint16 [passes, outputs_a_pass].

    Returns:
        uint8 [passes, rows_a_pass, bytes of a row]: row i holds input i's weights, the first output in the
        low bits; then the factors.
    """
    m = matrix
    passes = len(codes) // m.outputs_a_pass
    digits = codes if m.slots == 1 else pair_digits(codes).astype(np.int8)
    nibbles = (digits & 15).view(np.uint8).reshape(passes, m.columns // 2, 2, m.inputs)
    width = m.columns * SLOT_BITS // 8
    out = np.zeros((passes, m.rows_a_pass, width), np.uint8)
    out[:, : m.inputs] = (nibbles[:, :, 0] | nibbles[:, :, 1] << 4).swapaxes(1, 2)
    tail = np.zeros((passes, m.factor_rows * width * 8 // FACTOR_BITS), "<u2")
    tail[:, : m.outputs_a_pass] = lanes
    out[:, m.inputs :] = tail.view(np.uint8).reshape(passes, m.factor_rows, width)
    return out
