"""Norm weights move into the matrices that follow them, where they cost nothing."""

__all__ = ["final_gain", "fold", "fold_matrix", "norm_before"]

import numpy as np

from metal_configs.checkpoint import Checkpoint


def fold_matrix(checkpoint: Checkpoint, name: str) -> np.ndarray:
    """One matrix with the norm before it multiplied into its columns; nothing else is read.

    Returns:
        float64 [outputs, inputs]: q, k and v carry norm_attn; gate and up carry norm_mlp; an untied head
        carries final_norm; embed, o and down are as they were.
    """
    w = checkpoint.tensor(name).astype(np.float64)
    if norm := norm_before(name):
        w *= checkpoint.tensor(norm)
    return w


def norm_before(name: str) -> str:
    """The norm whose weights a matrix carries; empty for embed, o and down."""
    layer, _, kind = name.rpartition(".")
    if kind in ("q", "k", "v"):
        return layer + ".norm_attn"
    if kind in ("gate", "up"):
        return layer + ".norm_mlp"
    return "final_norm" if kind == "head" else ""


def final_gain(checkpoint: Checkpoint) -> np.ndarray:
    """float64 [dim]: what is left of the final norm: all of it for a tied model, else ones."""
    if checkpoint.shape.tied:
        return checkpoint.tensor("final_norm").astype(np.float64)
    return np.ones(checkpoint.shape.dim)


def fold(checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """All matrices by `fold_matrix`, and `final_gain`, for models that fit in memory."""
    return {n: fold_matrix(checkpoint, n) for n in checkpoint.shape.matrices()}, final_gain(checkpoint)
