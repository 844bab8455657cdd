"""How large activations become, and where to clip them: measured on calibration text."""

__all__ = ["Ranges", "best_clip", "measure"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metal_configs.reference import activations
from rtl_gen.golden.shape import Shape

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


@dataclass(frozen=True)
class Ranges:
    """Clips in real units, by tap of `metal_configs.reference`, and extremes that must not clip.

    Attributes:
        clip: For every 8-bit vector.
        residual: Largest magnitude of the residual.
        logit: Largest magnitude of a logit.
    """

    clip: Mapping[str, float]
    residual: float
    logit: float


EIGHT_BITS = ("q", "k", "v", "attn_out", "gate", "silu", "up", "h")


def measure(shape: Shape, weights: Mapping[str, np.ndarray], sequences: Sequence[Sequence[int]]) -> Ranges:
    """Run the float model over calibration sequences.

    Args:
        shape: The decoder's shape.
        weights: What the integers will approximate: the dequantised matrices.
        sequences: Token numbers.
    """
    seen = activations(shape, weights, sequences)
    clip = {"norm": max(best_clip(seen[k]) for k in seen if k.endswith(("attn_in", "mlp_in")))}
    clip["head_in"] = best_clip(seen["head_in"])
    residual = max(float(np.abs(v).max()) for k, v in seen.items() if "residual" in k or k == "embed")
    for n in range(shape.layers):
        p = f"layers.{n}."
        clip |= {p + t: best_clip(seen[p + t]) for t in EIGHT_BITS}
    return Ranges(clip, residual, float(np.abs(seen["logits"]).max()))
