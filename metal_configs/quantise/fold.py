"""Norm weights move into the matrices that follow them, where they cost nothing."""

__all__ = ["fold"]

import numpy as np

from metal_configs.checkpoint import Checkpoint


def fold(checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The matrices with norm weights multiplied into their columns, and what is left of the final norm.

    Returns:
        float64 matrices by name (q, k, v carry norm_attn; gate, up carry norm_mlp; an untied head carries
        final_norm), and `final_norm` float64 [dim], which is ones for an untied model.
    """
    shape = checkpoint.shape
    final = checkpoint.tensor("final_norm").astype(np.float64)
    norms = {"head": final}
    out = {}
    for name in shape.matrices():
        layer, _, kind = name.rpartition(".")
        if kind in ("q", "k", "v"):
            norms[name] = checkpoint.tensor(layer + ".norm_attn")
        elif kind in ("gate", "up"):
            norms[name] = checkpoint.tensor(layer + ".norm_mlp")
        w = checkpoint.tensor(name).astype(np.float64)
        out[name] = w * norms[name] if name in norms else w
    return out, final if shape.tied else np.ones(shape.dim)
