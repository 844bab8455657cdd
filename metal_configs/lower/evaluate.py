"""The golden models as rows of the loss report."""

__all__ = ["golden_logits"]

from collections.abc import Callable

import numpy as np

from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.params import IntModel
from rtl_gen.golden.wide import WideDecoder
from rtl_gen.golden.wide_params import WideModel


def golden_logits(model: IntModel | WideModel) -> Callable[[np.ndarray], np.ndarray]:
    """A function from tokens [b, t] to logits [b, t, vocab] in nats, computed by the golden model."""
    if isinstance(model, WideModel):
        return _wide(model)
    decoder = GoldenDecoder(model)

    def run(tokens: np.ndarray) -> np.ndarray:
        out = np.empty((*tokens.shape, model.shape.vocab))
        for b, sequence in enumerate(tokens):
            decoder.reset()
            for t, token in enumerate(sequence):
                out[b, t] = decoder.logits(decoder.feed(int(token))) / model.logit_scale
        return out

    return run


def _wide(model: WideModel) -> Callable[[np.ndarray], np.ndarray]:
    decoder = WideDecoder(model)

    def run(tokens: np.ndarray) -> np.ndarray:
        out = np.empty((*tokens.shape, model.shape.vocab), np.float32)
        for b, sequence in enumerate(tokens):
            decoder.reset()
            out[b] = decoder.logits(decoder.feed(sequence)) / np.float32(model.logit_scale)
        return out

    return run
