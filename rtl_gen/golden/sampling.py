"""How a token is drawn: the host's inverse temperature, and a draw in proportion to integer weights."""

__all__ = ["BETA_ONE", "DRAW_BITS", "beta_of", "select_token"]

import numpy as np

from rtl_gen.golden.arith import xorshift32

BETA_ONE = 32  # inverse temperature of 1
DRAW_BITS = 8  # an exponential has 8 bits; a draw has that many more than the vocabulary's index


def beta_of(temperature: float) -> int:
    """The inverse-temperature byte that the host sends: 0 for argmax, else 32 / temperature.

    Raises:
        ValueError: The temperature is neither 0 nor in 0.126 .. 32.
    """
    if temperature == 0:
        return 0
    beta = round(BETA_ONE / temperature) if temperature > 0 else 0
    if not 1 <= beta <= 255:
        raise ValueError(f"temperature {temperature} is outside 0.126 .. 32 (0 chooses the likeliest token)")
    return beta


def select_token(weights: np.ndarray, state: int) -> tuple[int, int]:
    """Draw an index in proportion to integer weights, exactly, by rejection.

    Args:
        weights: int [n], 0 .. 255, not all zero.
        state: Generator state.

    Returns:
        (index, new state).
    """
    cumulative = np.cumsum(weights)
    mask = (1 << (DRAW_BITS + (len(weights) - 1).bit_length())) - 1
    while True:
        state = xorshift32(state)
        draw = state & mask
        if draw < cumulative[-1]:
            return int(np.argmax(cumulative > draw)), state
