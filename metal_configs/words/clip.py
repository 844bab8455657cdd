"""Where to clip activations before they are rounded."""

__all__ = ["best_clip"]

import numpy as np

CLIPS = np.linspace(0.3, 1.0, 36)


def best_clip(values: np.ndarray, bits: int = 8) -> float:
    """The clip of least square error when values are rounded to `bits` bits within +- clip."""
    v = np.abs(np.asarray(values, np.float64)).ravel()
    top = float(v.max(initial=0.0))
    if top == 0.0:
        return 1.0
    levels = (1 << (bits - 1)) - 1
    best, least = top, np.inf
    for clip in top * CLIPS:
        step = clip / levels
        error = float(np.mean((np.minimum(np.rint(v / step), levels) * step - v) ** 2))
        if error < least:
            best, least = float(clip), error
    return best
