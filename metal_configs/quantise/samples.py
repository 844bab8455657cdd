"""Calibration text of the model's own: sampled from the exact model at temperature 1.

Needs the extra `train` (PyTorch).
"""

__all__ = ["sample"]

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from metal_configs.quantise.differentiable import FAST, Past, decoder_layer, multiply, rms_norm
from metal_configs.reference import head_name
from rtl_gen.golden.shape import Shape

LENGTH = 256  # tokens of a text, fewer where the context or the end of the text is nearer
TEXTS = 128  # sampled together
SEED = 1


def sample(
    shape: Shape,
    weights: Mapping[str, np.ndarray],
    starts: Iterator[list[int]],
    tokens: int,
    end: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[list[int]]:
    """Texts that the model would write; the same input and number of threads give the same.

    Args:
        shape: The decoder's shape.
        weights: The exact model, with the norms folded in, not rotated.
        starts: First tokens of each text; they count.
        tokens: In all texts together, at least.
        end: The token behind which a text is over; None for texts that go on to their full length.
        say: Told about progress.
    """
    have = {n: torch.from_numpy(weights[n].astype(np.float32)) for n in [*shape.matrices(), "final_norm"]}
    have |= {n: w.to(FAST) for n, w in have.items() if n != "final_norm"}
    draw = torch.Generator().manual_seed(SEED)
    length = min(LENGTH, shape.context)
    out: list[list[int]] = []
    told = 0
    while (found := sum(map(len, out))) < tokens:
        if found >= told:
            say(f"samples: {found:,} of {tokens:,} tokens")
            told += max(1, tokens // 10)
        texts = min(TEXTS, -(-(tokens - found) // length))
        some = [next(starts)[:length] for _ in range(texts)]
        with torch.no_grad():
            out += _batch(shape, have, some, length, end, draw)
    return out


def _batch(
    shape: Shape,
    have: Mapping[str, Tensor],
    starts: list[list[int]],
    length: int,
    end: int | None,
    draw: torch.Generator,
) -> list[list[int]]:
    past = Past.of(shape, len(starts), length)
    texts = [list(s) for s in starts]
    while past.at + 1 < length and not all(end == t[-1] for t in texts if len(t) < length):
        now = torch.tensor([t[min(past.at, len(t) - 1)] for t in texts])
        x = F.embedding(now, have["embed"]).float()[:, None]
        for n in range(shape.layers):
            x = decoder_layer(shape, n, lambda name, a: multiply(a, have[name]), x, 1, past)
        past.at += 1
        if all(len(t) > past.at for t in texts):  # what follows is given
            continue
        y = rms_norm(x[:, 0], shape.norm_eps) * have["final_norm"]
        chosen = torch.multinomial(multiply(y, have[head_name(shape)]).softmax(-1), 1, generator=draw)
        for text, token in zip(texts, chosen[:, 0].tolist(), strict=True):
            if len(text) == past.at and text[-1] != end:
                text.append(token)
    return texts
