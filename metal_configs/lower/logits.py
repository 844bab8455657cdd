"""The golden model as rows of the loss report."""

__all__ = ["golden_logits"]

from collections.abc import Callable

import numpy as np

from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.model import Model
from rtl_gen.golden.network import Network

POSITIONS = 64  # whose logits are worked out together: with a large vocabulary they are the largest arrays


def golden_logits(model: Model, adapter: Adapter | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """A function from tokens [b, t] to logits [b, t, vocab] in nats, computed by the golden model."""
    network = Network(model, adapter=adapter)

    def run(tokens: np.ndarray) -> np.ndarray:
        out = np.empty((*tokens.shape, model.shape.vocab), np.float32)
        for b, sequence in enumerate(tokens):
            network.reset()
            x = network.feed(sequence)
            for at in range(0, len(x), POSITIONS):
                rows = slice(at, at + POSITIONS)
                out[b, rows] = network.logits(x[rows]) / np.float32(model.logit_scale)
        return out

    return run
