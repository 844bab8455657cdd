"""Integer arithmetic that golden model and hardware share by contract."""

__all__ = [
    "LANE_EXPONENT_BITS",
    "LANE_MANTISSA_BITS",
    "round_shift",
    "saturate",
    "saturate_unsigned",
    "xorshift32",
]

import numpy as np

LANE_MANTISSA_BITS = 12  # signed; a requantisation factor is mantissa * 2**-(shift + exponent)
LANE_EXPONENT_BITS = 4  # unsigned


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


def xorshift32(state: int) -> int:
    """One step of Marsaglia's 32-bit xorshift generator (13, 17, 5); zero maps to zero."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ ((state << 5) & 0xFFFFFFFF)
