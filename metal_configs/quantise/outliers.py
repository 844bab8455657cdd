"""How far the largest element of what a matrix multiplies stands out, before and after rotation."""

__all__ = ["outliers"]

from collections.abc import Mapping, Sequence

import numpy as np

from metal_configs.quantise.calibrate import INPUTS
from metal_configs.quantise.rotate import Folded
from metal_configs.reference import Record, by_length, layer, layer_names

TOKENS = 512  # of text that is looked at


def outliers(rotated: Folded, sequences: Sequence[Sequence[int]]) -> dict[str, tuple[float, ...]]:
    """Largest element over root mean square of a position's vector, over all layers and some text.

    Args:
        rotated: The weights.
        sequences: Token numbers; the first are taken.

    Returns:
        By kinds that multiply the same vector, such as "q k v": mean and 99 % quantile without rotation, and
        with it.
    """
    some, tokens = [], 0
    for s in sequences:
        some.append(s[: TOKENS - tokens])
        tokens += len(some[-1])
        if tokens >= TOKENS:
            break
    plain = _ratios(Folded(rotated.checkpoint, None), some)
    turned = _ratios(rotated, some)
    return {kinds: (*_summary(plain[kinds]), *_summary(turned[kinds])) for kinds in plain}


def _summary(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(np.quantile(values, 0.99))


def _ratios(weights: Folded, sequences: Sequence[Sequence[int]]) -> Mapping[str, np.ndarray]:
    kinds: dict[str, list[str]] = {}
    for kind, tap in INPUTS.items():
        kinds.setdefault(tap, []).append(kind)
    found: dict[str, list[np.ndarray]] = {tap: [] for tap in kinds}
    embed = weights["embed"].astype(np.float32)
    x = [embed[b] for b in by_length(sequences)]
    del embed
    for n in range(weights.shape.layers):
        here = {k: weights[k].astype(np.float32) for k in layer_names(n) if k in weights}
        for i, part in enumerate(x):
            record: Record = {}
            x[i] = layer(weights.shape, here, n, part, record)
            for tap, values in found.items():
                a = record[f"layers.{n}.{tap}"].reshape(-1, record[f"layers.{n}.{tap}"].shape[-1])
                root = np.sqrt((a * a).mean(-1))
                values.append(np.abs(a).max(-1)[root > 0] / root[root > 0])
    return {" ".join(kinds[tap]): np.concatenate(values) for tap, values in found.items()}
