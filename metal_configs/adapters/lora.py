"""A low-rank adapter in floats: what it adds to which matrix, and the same in the rotated model."""

__all__ = ["Lora", "merged", "turned"]

from dataclasses import dataclass, replace

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.fold import norm_before
from metal_configs.quantise.rotate import Folded


@dataclass(frozen=True)
class Lora:
    """An adapter: W becomes W + b a.

    Attributes:
        name: What to call it.
        rank: Rows of a.
        pairs: float64 (a [rank, inputs], b [outputs, rank]) by the name of the matrix. The scaling (alpha /
            rank) is in b; rows of b for q and k are in interleaved RoPE order.
    """

    name: str
    rank: int
    pairs: dict[str, tuple[np.ndarray, np.ndarray]]

    @property
    def kinds(self) -> list[str]:
        """Kinds of matrices that it adapts, in the order of execution."""
        return list(dict.fromkeys(n.rpartition(".")[2] for n in self.pairs))

    @property
    def parameters(self) -> int:
        return sum(a.size + b.size for a, b in self.pairs.values())


def turned(lora: Lora, weights: Folded) -> Lora:
    """The adapter of the folded and rotated weights: exactly what they become when it is merged first.

    A takes the norm's weights and the rotation of the inputs, B that of the outputs.
    """
    pairs = {}
    for name, (a, b) in lora.pairs.items():
        if norm := norm_before(name):
            a = a * weights.checkpoint.tensor(norm)
        if weights.rotation is not None:
            kind = name.rpartition(".")[2]
            a, b = weights.rotation.inputs(kind, a), weights.rotation.outputs(kind, b)
        pairs[name] = a, b
    return replace(lora, pairs=pairs)


def merged(checkpoint: Checkpoint, lora: Lora) -> Checkpoint:
    """The checkpoint with the adapter in its weights."""

    def read(name: str) -> np.ndarray:
        w = checkpoint.read(name)
        if name not in lora.pairs:
            return w
        a, b = lora.pairs[name]
        return np.asarray(w + b @ a, np.float32)

    return replace(checkpoint, name=f"{checkpoint.name}+{lora.name}", read=read, read_rows=None)
