"""The golden model as a row of the loss report."""

__all__ = ["golden_logits"]

from collections.abc import Callable

import numpy as np

from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.params import IntModel


def golden_logits(model: IntModel) -> Callable[[np.ndarray], np.ndarray]:
    """A function from tokens [b, t] to logits [b, t, vocab] in nats, computed by the golden model."""
    decoder = GoldenDecoder(model)

    def run(tokens: np.ndarray) -> np.ndarray:
        out = np.empty((*tokens.shape, model.shape.vocab))
        for b, sequence in enumerate(tokens):
            decoder.reset()
            for t, token in enumerate(sequence):
                out[b, t] = decoder.logits(decoder.feed(int(token))) / model.logit_scale
        return out

    return run
