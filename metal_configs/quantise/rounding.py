"""Scales by least square error, and rounding one matrix to the nearest codes."""

__all__ = ["best_scale", "nearest", "round_to_nearest"]

import numpy as np

from rtl_gen.golden.quantised import QuantMatrix

CHUNK = 1 << 16  # weights searched at a time: what fits a processor's cache
CANDIDATES = 24
FINEST, COARSEST = (
    0.4,
    1.35,
)  # bounds of the search, in units of the scale that just covers the largest weight
FITS = 2  # times that a scale is fitted to the codes it gave


def _factors(bits: int) -> np.ndarray:
    """Candidate scales in those units: an even grid, and those with which the largest weight is a whole code.

    The latter give weights that lie on a grid already, as after quantisation-aware training, back exactly.
    """
    top = 1 << (bits - 1)
    whole = top / np.arange(int(np.ceil(top / COARSEST)), top + 1)
    return np.union1d(np.linspace(FINEST, COARSEST, CANDIDATES), whole)


def nearest(values: np.ndarray, bits: int) -> np.ndarray:
    """Codes nearest to `values`, which are in units of the scale; of the type of `values`."""
    top = 1 << (bits - 1)
    result: np.ndarray = np.minimum(np.maximum(np.rint(values), -top), top - 1)
    return result


def best_scale(w: np.ndarray, bits: int, importance: np.ndarray | None = None) -> np.ndarray:
    """Each row's scale for least square error after rounding; clipping a few weights often serves the rest.

    Args:
        w: [rows, inputs].
        bits: Width of a code.
        importance: [inputs], or [rows, inputs]: weight of each error; equal by default.

    Returns:
        float64 [rows], positive.
    """
    out = np.empty(len(w))
    rows = max(1, CHUNK // max(1, w.shape[1]))
    for at in range(0, len(w), rows):
        part = slice(at, at + rows)
        some = importance[part] if importance is not None and importance.ndim == 2 else importance
        out[part] = _search(np.asarray(w[part], np.float32), bits, some)
    return out


def _search(w: np.ndarray, bits: int, importance: np.ndarray | None) -> np.ndarray:
    low, high = np.float32(-(1 << (bits - 1))), np.float32((1 << (bits - 1)) - 1)
    top = np.abs(w).max(1, initial=0).astype(np.float64) / -float(low)
    top = np.where(top > 0, top, 1.0)  # a row of zeros has codes 0 at any scale
    unit = (w / top[:, None]).astype(np.float32)  # in units of the scale that just covers the largest
    power = None if importance is None else np.broadcast_to(importance, w.shape).astype(np.float32)
    codes = np.empty_like(unit)

    def attempt(factor: np.ndarray | np.float32) -> np.ndarray:
        """Square error of each row; leaves its codes in `codes`."""
        np.divide(unit, factor, out=codes)
        np.rint(codes, out=codes)
        np.maximum(codes, low, out=codes)
        np.minimum(codes, high, out=codes)
        off = codes * factor
        off -= unit
        off *= off
        if power is not None:
            off *= power
        result: np.ndarray = off.sum(1)
        return result

    best, least = np.ones(len(w), np.float32), np.full(len(w), np.inf, np.float32)
    for f in _factors(bits).astype(np.float32):
        error = attempt(f)
        best, least = np.where(error < least, f, best), np.minimum(error, least)
    for _ in range(FITS):
        attempt(best[:, None])
        weighted = codes if power is None else codes * power
        under = np.einsum("ri,ri->r", weighted, codes)
        fitted = np.where(
            under > 0, np.einsum("ri,ri->r", weighted, unit) / np.where(under > 0, under, 1), best
        )
        fitted = np.where(fitted > 0, fitted, best).astype(np.float32)
        error = attempt(fitted[:, None])
        best, least = np.where(error < least, fitted, best), np.minimum(error, least)
    return best.astype(np.float64) * top


def round_to_nearest(w: np.ndarray, bits: int) -> QuantMatrix:
    """Nearest codes at the scales of least square error; float64 or float32 [outputs, inputs]."""
    scale = best_scale(w, bits)
    codes = np.empty(w.shape, np.int8)
    rows = max(1, CHUNK // w.shape[1])
    for at in range(0, len(w), rows):
        part = slice(at, at + rows)
        codes[part] = nearest(np.asarray(w[part], np.float64) / scale[part, None], bits)
    return QuantMatrix(bits, codes, scale)
