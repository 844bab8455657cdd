"""What the vector unit does with whole vectors, in integers: exponents, norm, softmax, SwiGLU, Hadamard."""

__all__ = [
    "exponentials", "hadamard_blocks", "interpolate", "length", "mantissas", "normalise", "probabilities",
    "rescale", "rms_norm", "rotate", "silu", "sums_and_differences",
]  # fmt: skip

import numpy as np

from rtl_gen.golden.arith import saturate, saturate_unsigned
from rtl_gen.golden.formats import (
    ACTIVATION,
    EXPONENTIAL,
    HADAMARD,
    INTERVALS,
    LARGEST_SHIFT,
    LEFT_SHIFT,
    NORM_SHIFT,
    PROBABILITY,
    ROTARY,
    SCORE_FRACTION,
    SIGMOID_INTERVALS,
    SIGMOID_SPAN,
    SQUARE,
    SQUARES,
    WORD,
)

Table = np.ndarray
EXP_INDEX = 5  # bits of a score that address the table of 2**-x; the rest of its fraction interpolates
REST = 8  # bits that interpolate a reciprocal


def length(x: np.ndarray) -> np.ndarray:
    """Bits of numbers >= 0: 0 for 0, else floor(log2) + 1; exact below 2**53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def rescale(value: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """value / 2**shift, rounded half up; a negative shift multiplies.

    Raises:
        ValueError: A shift beyond what the hardware's shifter has.
    """
    shift = np.asarray(shift, np.int64)
    if shift.size and not (shift.min() > -LEFT_SHIFT and shift.max() <= LARGEST_SHIFT):
        found = f"{shift.min()} .. {shift.max()}"
        raise ValueError(f"shifts of {found} leave {1 - LEFT_SHIFT} .. {LARGEST_SHIFT}")
    result: np.ndarray = ((np.asarray(value, np.int64) << LEFT_SHIFT >> (LEFT_SHIFT - 1 + shift)) + 1) >> 1
    return result


def mantissas(x: np.ndarray, bits: int = ACTIVATION) -> tuple[np.ndarray, np.ndarray]:
    """A vector as mantissas of `bits` bits with the least exponent >= 0 with which the largest fits.

    Args:
        x: int64 [..., n].
        bits: Of a mantissa, signed.

    Returns:
        (mantissa int64 [..., n], exponent int64 [..., 1]).
    """
    exponent = np.maximum(length(np.abs(x).max(-1, keepdims=True)) - (bits - 1), 0)
    return saturate(rescale(x, exponent), bits), exponent


def normalise(total: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shift numbers of 1 .. 2**40 - 1 left by two until the leading one is in the top two bits.

    Returns:
        (interval of the table, position in it, double shifts), as total: 0 .. 95, 0 .. 255, 0 .. 19.
    """
    count = (SQUARES - length(total)) // 2
    top = total << (2 * count)
    index = (top >> (SQUARES - 7)) - INTERVALS // 3
    return index, top >> (SQUARES - 7 - REST) & ((1 << REST) - 1), count


def interpolate(table: Table, index: np.ndarray, rest: np.ndarray, bits: int) -> np.ndarray:
    """Between entries `index` and `index + 1`, at rest / 2**bits of the way, rounded down."""
    low = table[index]
    result: np.ndarray = low + ((table[index + 1] - low) * rest >> bits)
    return result


def rms_norm(x: np.ndarray, rsqrt: Table, epsilon: int) -> np.ndarray:
    """The residual [n, dim] over its root mean square: int64 words.

    Args:
        x: int64 [n, dim].
        rsqrt: 1 / sqrt(v) over v in [1, 4).
        epsilon: Added to the sum of squares, in squares of the residual's integers.
    """
    m, exponent = mantissas(x, SQUARE)
    exponent = exponent[:, 0]
    total = (m * m).sum(-1) + np.maximum(epsilon >> (2 * exponent), 1)
    index, rest, count = normalise(total)
    root = interpolate(rsqrt, index, rest, REST)
    return saturate(rescale(x * root[:, None], (NORM_SHIFT + exponent - count)[:, None]), WORD)


def rotate(x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Rotary embedding of words [n, heads, head_dim], by cosine and sine [n, head_dim / 2, 2]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = coefficients[:, None, :, 0], coefficients[:, None, :, 1]
    turned = np.stack([even * cos - odd * sin, even * sin + odd * cos], -1)
    return saturate(rescale(turned, ROTARY - 1).reshape(x.shape), WORD)


def exponentials(distance: np.ndarray, table: Table) -> np.ndarray:
    """15-bit 2**(-distance / 256)."""
    rest = SCORE_FRACTION - EXP_INDEX
    index = distance >> rest & ((1 << EXP_INDEX) - 1)
    power = interpolate(table, index, distance & ((1 << rest) - 1), rest)
    result: np.ndarray = power >> np.minimum(distance >> SCORE_FRACTION, EXPONENTIAL)
    return result


def probabilities(power: np.ndarray, recip: Table, exponents: np.ndarray, largest: np.ndarray) -> np.ndarray:
    """Shares of a sum of exponentials, each times 2**(its value's exponent - the largest): 14 bits unsigned.

    Args:
        power: int64 [..., positions].
        recip: 1 / v over v in [1, 4).
        exponents: Of the cached values, as power.
        largest: int64 [..., 1]: the largest exponent among the positions seen.
    """
    index, rest, count = normalise(power.sum(-1, keepdims=True))
    scale = interpolate(recip, index, rest, REST)
    shift = SQUARES - 1 - 2 * count + np.maximum(largest - exponents, 0)
    return saturate_unsigned(rescale(power * scale, np.minimum(shift, LARGEST_SHIFT)), PROBABILITY)


def silu(gate: np.ndarray, table: Table, unit: int) -> np.ndarray:
    """Words gate * sigmoid(gate); `unit` is the log2 of 1.0, 3 .. 12."""
    step = unit - (SIGMOID_INTERVALS // SIGMOID_SPAN).bit_length() + 1
    size = np.minimum(np.abs(gate), (SIGMOID_SPAN << unit) - 1)
    right = interpolate(table, size >> step, size & ((1 << step) - 1), step)
    return rescale(gate * np.where(gate < 0, (1 << (WORD - 1)) - right, right), WORD - 1)


def hadamard_blocks(x: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Exact sums of Sylvester's matrix on each `order` elements of [n, hidden], from mantissas of 18 bits.

    Returns:
        (sums int64 [n, hidden], exponent [n, 1]); as they are, with exponent 0, for order 1.
    """
    if order == 1:
        return x, np.zeros((len(x), 1), np.int64)
    x, exponent = mantissas(x, HADAMARD)
    return sums_and_differences(x, order), exponent


def sums_and_differences(x: np.ndarray, order: int) -> np.ndarray:
    """Sylvester's Hadamard matrix, entries 1 and -1, on each `order` consecutive elements of x [..., n].

    Args:
        x: Floats or integers; sums are of the same type.
        order: A power of two that divides n.
    """
    shape, half = x.shape, 1
    while half < order:
        pair = x.reshape(*shape[:-1], -1, 2, half)
        x = np.stack([pair[..., 0, :] + pair[..., 1, :], pair[..., 0, :] - pair[..., 1, :]], -2)
        half *= 2
    return x.reshape(shape)
