"""GPTQ: rounding errors are made up for in columns not yet rounded; then every code is looked at again."""

__all__ = ["gptq"]

import numpy as np

from metal_configs.quantise.rounding import best_scale, nearest
from rtl_gen.golden.quantised import QuantMatrix

BLOCK = 32  # columns between updates of the whole matrix
ROWS = 4096  # outputs at a time; bounds memory


def gptq(
    w: np.ndarray,
    bits: int,
    hessian: np.ndarray,
    damping: float = 0.01,
    block: int = BLOCK,
    sweeps: int = 0,
) -> QuantMatrix:
    """GPTQ (Frantar et al. 2022) with activation order, and descent by coordinates if asked for.

    GPTQ never looks back: a column is rounded before the errors of the later ones are known. A sweep takes
    every column once more and gives it the code that is best with all others as they are, then fits the
    outputs' scales to the codes. No step makes the error larger, so the result is never worse than GPTQ's.

    Args:
        w: [outputs, inputs].
        bits: Width of a code.
        hessian: [inputs, inputs], second moments of the activations that the matrix multiplies.
        damping: Added to the Hessian's diagonal, as a share of its mean.
        block: Columns between updates of the whole matrix.
        sweeps: Times that all codes are looked at again.
    """
    h = np.array(hessian, np.float64)
    power = h.diagonal().copy()
    h[np.diag_indices_from(h)] += max(damping * power.mean(), 1e-12)
    order = np.argsort(-power, kind="stable")
    h = h[np.ix_(order, order)]
    # Row i of `u` (inverse Hessian = u' u, u upper) is how column i's error spreads over later columns.
    u = np.linalg.cholesky(np.linalg.inv(h)).T.astype(np.float32)
    h = (h / power.mean() if power.any() else h).astype(np.float32)
    scale = best_scale(w, bits, power / power.mean() if power.any() else None)
    codes = np.empty(w.shape, np.int8)
    for at in range(0, len(w), ROWS):
        part = slice(at, at + ROWS)
        # In units of the scale, and [inputs, outputs]: a column of weights is a row of memory.
        some = np.ascontiguousarray((w[part] / scale[part, None])[:, order].T, np.float32)
        found = _round(some.copy(), bits, u, block)
        if sweeps:
            scale[part] *= _refine(some, found, bits, h, block, sweeps)
        codes[part, order] = found.T
    return QuantMatrix(bits, codes, scale)


def _round(left: np.ndarray, bits: int, u: np.ndarray, block: int) -> np.ndarray:
    """Codes [inputs, outputs] as floats; `left` holds the weights and is used up."""
    out = np.empty_like(left)
    inputs = len(left)
    for start in range(0, inputs, block):
        stop = min(start + block, inputs)
        errors = np.empty((stop - start, left.shape[1]), np.float32)
        for i in range(start, stop):
            out[i] = nearest(left[i], bits)
            errors[i - start] = (left[i] - out[i]) / u[i, i]
            left[i + 1 : stop] -= np.outer(u[i, i + 1 : stop], errors[i - start])
        left[stop:] -= u[start:stop, stop:].T @ errors
    return out


def _refine(
    w: np.ndarray, codes: np.ndarray, bits: int, h: np.ndarray, block: int, sweeps: int
) -> np.ndarray:
    """Improve `codes` [inputs, outputs] in place; gives the scales [outputs] that fit them."""
    inputs, scale = len(w), np.ones(w.shape[1], np.float32)
    wanted = h @ w
    pull = wanted - h @ codes  # half the error's slope, downhill
    for _ in range(sweeps):
        for start in range(0, inputs, block):
            stop = min(start + block, inputs)
            moved = np.empty((stop - start, w.shape[1]), np.float32)
            for i in range(start, stop):
                best = nearest(codes[i] + pull[i] / (h[i, i] * scale), bits)
                moved[i - start] = (best - codes[i]) * scale
                codes[i] = best
                pull[i:stop] -= np.outer(h[i, i:stop], moved[i - start])
            # Columns that the block's own loop has left behind are brought up to date at once.
            pull[:start] -= h[:start, start:stop] @ moved
            pull[start:stop] -= np.triu(h[start:stop, start:stop], 1) @ moved
            pull[stop:] -= h[stop:, start:stop] @ moved
        along = (wanted - pull) / scale  # h @ codes
        length = np.einsum("io,io->o", codes, along)
        fitted = np.einsum("io,io->o", codes, wanted) / np.where(length > 0, length, 1)
        scale = np.where((length > 0) & (fitted > 0), fitted, scale)
        pull = wanted - along * scale
    return scale
