"""GPTQ: rounding errors are made up for in columns that are not yet rounded."""

__all__ = ["Hessian", "gptq"]

from dataclasses import dataclass

import numpy as np

from metal_configs.quantise.rounding import Grid, best_grid
from rtl_gen.golden.quantised import QuantMatrix

BLOCK = 64  # columns between updates of the whole matrix
ROWS = 4096  # outputs at a time; bounds memory


@dataclass
class Hessian:
    """Second moments of a matrix's inputs, X' X over tokens, added up batch by batch."""

    total: np.ndarray
    tokens: int = 0

    @classmethod
    def of(cls, inputs: int) -> "Hessian":
        return cls(np.zeros((inputs, inputs)))

    def add(self, x: np.ndarray) -> None:
        """Activations [..., inputs]."""
        x = x.reshape(-1, x.shape[-1])
        self.total += x.T @ x
        self.tokens += len(x)

    def mean(self) -> np.ndarray:
        """float64 [inputs, inputs]: a token's share."""
        return self.total / max(self.tokens, 1)

    def error(self, difference: np.ndarray) -> float:
        """Mean square error, summed over outputs, that an error of weights [outputs, inputs] makes."""
        d = np.asarray(difference, np.float64)
        return float(np.einsum("oi,oi->", d @ self.mean(), d))


def gptq(
    w: np.ndarray, bits: int, hessian: np.ndarray, group: int = 0, damping: float = 0.01, block: int = BLOCK
) -> QuantMatrix:
    """GPTQ (Frantar et al. 2022) with activation order.

    Args:
        w: [outputs, inputs].
        bits: Width of a code.
        hessian: [inputs, inputs], second moments of the activations that the matrix multiplies.
        group: Inputs that share a step; 0 for one scale an output. Groups are those of the inputs' own order,
            whatever the order of rounding.
        damping: Added to the Hessian's diagonal, as a share of its mean.
        block: Columns between updates of the whole matrix.
    """
    h = np.array(hessian, np.float64)
    power = h.diagonal().copy()
    h[np.diag_indices_from(h)] += max(damping * power.mean(), 1e-12)
    order = np.argsort(-power, kind="stable")
    # Row i of `u` (inverse Hessian = u' u, u upper) is how column i's error spreads over later columns.
    u = np.linalg.cholesky(np.linalg.inv(h[np.ix_(order, order)])).T
    grid = best_grid(w, bits, group, power / power.mean() if power.any() else None)
    codes = np.empty(w.shape, np.int8)
    for at in range(0, len(w), ROWS):
        part = slice(at, at + ROWS)
        codes[part] = _round(np.asarray(w[part], np.float64), grid.rows(part), order, u, block)
    return grid.matrix(codes)


def _round(w: np.ndarray, grid: Grid, order: np.ndarray, u: np.ndarray, block: int) -> np.ndarray:
    left = np.ascontiguousarray(w[:, order].T)  # [inputs, outputs]: a column of weights is a row of memory
    out = np.empty(w.shape, np.int8)
    inputs = len(left)
    for start in range(0, inputs, block):
        stop = min(start + block, inputs)
        errors = np.empty((stop - start, left.shape[1]))
        for i in range(start, stop):
            spacing = grid.column(int(order[i]))
            codes = grid.codes(left[i], spacing)
            out[:, order[i]] = codes
            errors[i - start] = (left[i] - codes * spacing) / u[i, i]
            left[i + 1 : stop] -= np.outer(u[i, i + 1 : stop], errors[i - start])
        left[stop:] -= u[start:stop, stop:].T @ errors
    return out
