"""Where weights come from, some rows at a time, so that memory does not grow with the model."""

__all__ = ["CheckpointSource", "Source", "SyntheticSource"]

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.fold import norm_before
from rtl_gen.golden.shape import Shape

BLOCK = 16  # rows drawn from one generator


class Source(Protocol):
    """Weights of one model, with the norms folded in."""

    @property
    def shape(self) -> Shape:
        """Of the model."""
        ...

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """float32 [count, inputs]: consecutive rows of a matrix."""
        ...


class CheckpointSource:
    """Weights of a checkpoint; of formats that cannot read rows, the matrix read last is kept."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.shape = checkpoint.shape
        self._checkpoint = checkpoint
        self._whole = functools.lru_cache(1)(checkpoint.tensor)
        self._norm = functools.lru_cache(4)(checkpoint.tensor)

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """See `Source`."""
        if self._checkpoint.read_rows is None:
            w = self._whole(name)[first : first + count]
        else:
            w = self._checkpoint.rows(name, first, count)
        norm = norm_before(name)
        return w * self._norm(norm) if norm else w


@dataclass(frozen=True)
class SyntheticSource:
    """Gaussian weights with variance 1 / inputs, of a model whose weights are not here.

    The same seed and shape give the same weights, whatever is asked for in which order; across versions of
    NumPy's generators they may differ.
    """

    shape: Shape
    seed: int

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """See `Source`."""
        _, inputs = self.shape.matrices()[name]
        start, stop = first // BLOCK, -(-(first + count) // BLOCK)
        out = np.empty((stop - start, BLOCK, inputs), np.float32)
        for block in range(start, stop):
            key = hashlib.sha256(json.dumps([self.seed, name, block]).encode()).digest()
            bits = np.random.SFC64(np.frombuffer(key, np.uint32))
            np.random.Generator(bits).standard_normal(dtype=np.float32, out=out[block - start])
        w = out.reshape(-1, inputs)[first - start * BLOCK :][:count]
        return np.multiply(w, np.float32(inputs**-0.5), out=w)
