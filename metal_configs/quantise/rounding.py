"""Round one matrix to integer codes: to nearest, or with GPTQ, which makes up for errors in later columns."""

__all__ = ["best_scale", "gptq", "round_to_nearest"]

import numpy as np

from rtl_gen.golden.quantised import QuantMatrix

CHUNK = 1 << 20  # weights searched at a time; bounds memory
FINEST, COARSEST = (
    0.4,
    1.35,
)  # bounds of the search, in units of the scale that just covers the largest weight


def _factors(bits: int) -> np.ndarray:
    """Candidate scales in those units: an even grid, and those with which the largest weight is a whole code.

    The latter give weights that lie on a grid already, as after quantisation-aware training, back exactly.
    """
    top = 1 << (bits - 1)
    whole = top / np.arange(int(np.ceil(top / COARSEST)), top + 1)
    return np.union1d(np.linspace(FINEST, COARSEST, 96), whole)


def _codes(w: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    top = 1 << (bits - 1)
    return np.clip(np.rint(w / scale), -top, top - 1)


def best_scale(w: np.ndarray, bits: int, importance: np.ndarray | None = None) -> np.ndarray:
    """Each row's scale for least square error after rounding; clipping a few weights often serves the rest.

    Args:
        w: [outputs, inputs].
        bits: Width of a code.
        importance: [inputs], weight of each column's error; equal by default.

    Returns:
        float64 [outputs], positive.
    """
    top = np.abs(w).max(1, initial=0) / (1 << (bits - 1))
    top = np.where(top > 0, top, 1.0)  # a row of zeros has codes 0 at any scale
    best, least = top, np.full(len(w), np.inf)
    for factor in _factors(bits):
        scale = top * factor
        error = (_codes(w, scale[:, None], bits) * scale[:, None] - w) ** 2
        total = error.sum(1) if importance is None else error @ importance
        best, least = np.where(total < least, scale, best), np.minimum(total, least)
    return best


def round_to_nearest(w: np.ndarray, bits: int) -> QuantMatrix:
    """Nearest codes at the best scale of each output channel."""
    scale, codes = np.empty(len(w)), np.empty(w.shape, np.int8)
    rows = max(1, CHUNK // w.shape[1])
    for at in range(0, len(w), rows):
        part = np.asarray(w[at : at + rows], np.float64)
        scale[at : at + rows] = best_scale(part, bits)
        codes[at : at + rows] = _codes(part, scale[at : at + rows, None], bits)
    return QuantMatrix(bits, codes, scale)


def gptq(
    w: np.ndarray, bits: int, inputs: np.ndarray, damping: float = 0.01, block: int = 128
) -> QuantMatrix:
    """GPTQ (Frantar et al. 2022) with activation order and a scale per output channel.

    Args:
        w: [outputs, inputs].
        bits: Width of a code.
        inputs: [tokens, inputs], calibration activations that the matrix multiplies.
        damping: Added to the Hessian's diagonal, as a share of its mean.
        block: Columns between updates of the whole matrix.
    """
    x = np.asarray(inputs, np.float64)
    hessian = x.T @ x
    power = hessian.diagonal().copy()
    order = np.argsort(-power, kind="stable")
    hessian = hessian[np.ix_(order, order)]
    hessian[np.diag_indices_from(hessian)] += max(damping * power.mean(), 1e-12)
    # Row i of `u` (inverse Hessian = u' u, u upper) is how column i's error spreads over later columns.
    u = np.linalg.cholesky(np.linalg.inv(hessian)).T
    w = np.asarray(w, np.float64)
    scale = best_scale(w, bits, power / power.mean() if power.any() else None)
    left = w[:, order].copy()
    codes = np.zeros(w.shape)
    for start in range(0, w.shape[1], block):
        stop = min(start + block, w.shape[1])
        errors = np.zeros((len(w), stop - start))
        for i in range(start, stop):
            codes[:, i] = _codes(left[:, i], scale, bits)
            errors[:, i - start] = (left[:, i] - codes[:, i] * scale) / u[i, i]
            left[:, i + 1 : stop] -= np.outer(errors[:, i - start], u[i, i + 1 : stop])
        left[:, stop:] -= errors @ u[start:stop, stop:]
    out = np.zeros(w.shape, np.int8)
    out[:, order] = codes
    return QuantMatrix(bits, out, scale)
