"""Integer arithmetic that golden model and hardware share by contract."""

__all__ = [
    "LANE_EXPONENT_BITS",
    "LANE_MANTISSA_BITS",
    "TABLE_FIRST",
    "TABLE_SIZE",
    "normalise",
    "round_shift",
    "saturate",
    "saturate_unsigned",
    "xorshift32",
]

import numpy as np

LANE_MANTISSA_BITS = 12  # signed; a requantisation factor is mantissa * 2**-(shift + exponent)
LANE_EXPONENT_BITS = 4  # unsigned

NORMALISE_BITS = 32  # width of the register that `normalise` shifts
NORMALISE_MAX = 15  # most double shifts it makes
INDEX_BITS = 8  # leading bits of the normalised value that address a table
TABLE_FIRST = 1 << (INDEX_BITS - 2)  # smallest index: the top two bits are not both zero
TABLE_SIZE = (1 << INDEX_BITS) - TABLE_FIRST


def round_shift(value: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """Divide by 2**shift, rounding half up: floor(value / 2**shift + 1/2), for shift >= 1."""
    return ((np.asarray(value, np.int64) >> (np.asarray(shift, np.int64) - 1)) + 1) >> 1


def saturate(value: np.ndarray, bits: int) -> np.ndarray:
    """Clamp to a signed number of `bits` bits."""
    limit = 1 << (bits - 1)
    result: np.ndarray = np.clip(value, -limit, limit - 1)
    return result


def saturate_unsigned(value: np.ndarray, bits: int) -> np.ndarray:
    """Clamp to an unsigned number of `bits` bits."""
    result: np.ndarray = np.clip(value, 0, (1 << bits) - 1)
    return result


def normalise(value: int) -> tuple[int, int]:
    """Shift a positive number left by two until its leading one is in the top two of 32 bits.

    Returns:
        (index, count): the leading 8 bits less `TABLE_FIRST` (0 .. TABLE_SIZE - 1), and the number of
        double shifts (0 .. 15). value * 4**count lies in [2**30, 2**32).

    Raises:
        ValueError: The value is not in 1 .. 2**32 - 1.
    """
    if not 0 < value < 1 << NORMALISE_BITS:
        raise ValueError(f"normalise takes 1 .. 2**32 - 1, got {value}")
    count = 0
    while value < 1 << (NORMALISE_BITS - 2) and count < NORMALISE_MAX:
        value <<= 2
        count += 1
    return max((value >> (NORMALISE_BITS - INDEX_BITS)) - TABLE_FIRST, 0), count


def xorshift32(state: int) -> int:
    """One step of Marsaglia's 32-bit xorshift generator (13, 17, 5); zero maps to zero."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ ((state << 5) & 0xFFFFFFFF)
