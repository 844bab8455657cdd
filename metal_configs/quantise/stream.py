"""Round rows of any matrix fast enough for billions of weights: the scale's search runs on a histogram."""

__all__ = ["round_rows"]

import functools

import numpy as np

from metal_configs.quantise.rounding import COARSEST, FINEST

BINS = 512  # of a row's weights, from the most negative possible to the most positive
FACTORS = 48
CHUNK = 1 << 16  # weights rounded at a time, so that they stay in the processor's cache


def round_rows(w: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearest codes at the scale of least square error for each output channel.

    The same aim as `round_to_nearest`, whose search takes some hundred passes over the weights; here one pass
    counts them, and all scales are tried on the counts.

    Args:
        w: float32 [outputs, inputs].
        bits: Width of a code, at most 7.

    Returns:
        int8 [outputs, inputs], and float64 [outputs], positive.
    """
    codes, scale = np.empty(w.shape, np.int8), np.empty(len(w))
    rows = max(1, CHUNK // w.shape[1])
    for at in range(0, len(w), rows):
        part = slice(at, at + rows)
        codes[part], scale[part] = _round(w[part], bits)
    return codes, scale


def _round(w: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    top = np.abs(w).max(1, initial=0)
    top = np.where(top > 0, top, np.float32(1))  # a row of zeros has codes 0 at any scale
    # Bin k holds the weights around (k - BINS / 2) / (BINS / 2) of the largest.
    place = w * (np.float32(BINS // 2) / top)[:, None]
    place += np.float32(BINS // 2 + 0.5)
    index = place.astype(np.int64)
    index += (np.arange(len(w)) * (BINS + 1))[:, None]
    counts = np.bincount(index.ravel(), minlength=len(w) * (BINS + 1)).reshape(len(w), BINS + 1)
    scales, errors = _errors(bits)
    scale = top.astype(np.float64) * scales[(counts @ errors).argmin(1)]
    np.multiply(w, (1 / scale).astype(np.float32)[:, None], out=place)
    np.rint(place, out=place)
    limit = 1 << (bits - 1)
    np.clip(place, -limit, limit - 1, out=place)
    return place.astype(np.int8), scale


@functools.cache
def _errors(bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Candidate scales for a row whose largest weight is 1, and the square error of each bin at each."""
    limit = 1 << (bits - 1)
    scales = np.linspace(FINEST, COARSEST, FACTORS) / limit
    value = (np.arange(BINS + 1) - BINS // 2) / (BINS // 2)
    codes = np.clip(np.rint(value[:, None] / scales), -limit, limit - 1)
    return scales, (codes * scales - value[:, None]) ** 2
