"""GPTQ: rounding errors are made up for in columns not yet rounded; then every code is looked at again."""

__all__ = ["gptq"]

from dataclasses import replace

import numpy as np

from metal_configs.quantise.rounding import Grid, best_grid
from rtl_gen.golden.quantised import QuantMatrix

BLOCK = 64  # columns between updates of the whole matrix
ROWS = 4096  # outputs at a time; bounds memory


def gptq(
    w: np.ndarray,
    bits: int,
    hessian: np.ndarray,
    group: int = 0,
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
        group: Inputs that share a step; 0 for one scale an output. Groups are those of the inputs' own order,
            whatever the order of rounding.
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
    u = np.linalg.cholesky(np.linalg.inv(h)).T
    grid = best_grid(w, bits, group, power / power.mean() if power.any() else None)
    codes, scale = np.empty(w.shape, np.int8), grid.scale.copy()
    for at in range(0, len(w), ROWS):
        part = slice(at, at + ROWS)
        # [inputs, outputs]: a column of weights is a row of memory.
        some = np.ascontiguousarray(np.asarray(w[part], np.float64)[:, order].T)
        rows = grid.rows(part)
        found = _round(some.copy(), rows, order, u, block)
        if sweeps:
            scale[part] = _refine(some, found, rows, order, h, block, sweeps)
        codes[part, order] = found.T
    return replace(grid, scale=scale).matrix(codes)


def _round(left: np.ndarray, grid: Grid, order: np.ndarray, u: np.ndarray, block: int) -> np.ndarray:
    """Codes [inputs, outputs] as floats; `left` holds the weights and is used up."""
    out = np.empty_like(left)
    inputs = len(left)
    for start in range(0, inputs, block):
        stop = min(start + block, inputs)
        errors = np.empty((stop - start, left.shape[1]))
        for i in range(start, stop):
            spacing = grid.column(int(order[i]))
            out[i] = grid.codes(left[i], spacing)
            errors[i - start] = (left[i] - out[i] * spacing) / u[i, i]
            left[i + 1 : stop] -= np.outer(u[i, i + 1 : stop], errors[i - start])
        left[stop:] -= u[start:stop, stop:].T @ errors
    return out


def _refine(
    w: np.ndarray, codes: np.ndarray, grid: Grid, order: np.ndarray, h: np.ndarray, block: int, sweeps: int
) -> np.ndarray:
    """Improve `codes` [inputs, outputs] in place; gives the scales [outputs] that fit them."""
    inputs, scale = len(w), grid.scale
    steps = np.ones_like(w) if grid.steps is None else grid.steps.T[order // grid.group].astype(np.float64)
    wanted = h @ w
    pull = wanted - h @ (codes * steps * scale)  # half the error's slope, downhill
    for _ in range(sweeps):
        for start in range(0, inputs, block):
            stop = min(start + block, inputs)
            moved = np.empty((stop - start, w.shape[1]))
            for i in range(start, stop):
                spacing = scale * steps[i]
                best = grid.codes(codes[i] * spacing + pull[i] / h[i, i], spacing)
                moved[i - start] = (best - codes[i]) * spacing
                codes[i] = best
                pull[i:stop] -= np.outer(h[i, i:stop], moved[i - start])
            # Columns that the block's own loop has left behind are brought up to date at once.
            pull[:start] -= h[:start, start:stop] @ moved
            pull[start:stop] -= np.triu(h[start:stop, start:stop], 1) @ moved
            pull[stop:] -= h[stop:, start:stop] @ moved
        value = codes * steps
        along = (wanted - pull) / scale  # h @ value
        length = np.einsum("io,io->o", value, along)
        fitted = np.einsum("io,io->o", value, wanted) / np.where(length > 0, length, 1)
        scale = np.where((length > 0) & (fitted > 0), fitted, scale)
        pull = wanted - along * scale
    return scale
