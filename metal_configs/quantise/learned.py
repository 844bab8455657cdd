"""Learned rounding: the codes of a whole layer are trained until it gives what the exact layer gives.

Needs the extra `train` (PyTorch). GPTQ looks at one matrix at a time and at the square of its own error; what
softmax, SiLU and the other matrices of the layer make of that error it cannot see. Here the gradient of the
layer's output reaches every code of its seven matrices (AutoRound, Cheng et al. 2023, from GPTQ's codes on).
"""

__all__ = ["Learner"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metal_configs.quantise.calibrate import INPUTS
from metal_configs.quantise.differentiable import decoder_layer, multiply
from rtl_gen.golden.quantised import QuantMatrix
from rtl_gen.golden.shape import Shape

NEAR = 0.45  # of a scale: how far from its code a weight can start


@dataclass(frozen=True)
class Learner:
    """How a layer is trained; the same input, seed and number of threads give the same codes.

    Attributes:
        steps: Of signed gradients, each on `tokens` tokens.
        reach: How far a weight can move in all, in units of its scale: steps fall to 0 linearly.
        tokens: In a step, at least one sequence.
        scale_rate: First step of an output's scale, as a share of it.
    """

    steps: int = 100
    reach: float = 0.25
    tokens: int = 1024
    scale_rate: float = 0.002
    seed: int = 1

    def improve(
        self,
        shape: Shape,
        n: int,
        want: Mapping[str, np.ndarray],
        found: Mapping[str, QuantMatrix],
        given: Sequence[np.ndarray],
        wanted: Sequence[np.ndarray],
        block: int,
    ) -> dict[str, QuantMatrix]:
        """Better codes and scales for layer n, or the ones it had if training finds none.

        Args:
            shape: The decoder's shape.
            n: The layer.
            want: The exact matrices by name.
            found: The rounded ones.
            given: Batches [b, t, dim]: residuals before the layer, in the rounded model.
            wanted: Residuals behind it, in the exact model.
            block: Order of the Hadamard blocks at the input of down.
        """
        x, y = self._pieces(given), self._pieces(wanted)
        names = [f"layers.{n}.{kind}" for kind in INPUTS]
        trained = {name: _Trained(found[name], want[name]) for name in names}

        def error(some: Sequence[int], w: Mapping[str, Tensor]) -> Tensor:
            total = torch.zeros(())
            for i in some:
                out = decoder_layer(shape, n, lambda name, a: multiply(a, w[name]), x[i], block)
                total = total + ((out - y[i]) ** 2).sum()
            return total

        everything = range(len(x))
        with torch.no_grad():
            first = float(error(everything, {name: t.weight() for name, t in trained.items()}))
        rng = np.random.default_rng(self.seed)
        queue: list[int] = []
        for step in range(self.steps):
            some: list[int] = []
            tokens = 0
            while tokens < self.tokens and len(some) < len(x):
                queue = queue or list(rng.permutation(len(x)))
                some.append(queue.pop())
                tokens += x[some[-1]].shape[0] * x[some[-1]].shape[1]
            with torch.no_grad():
                w = {name: t.weight().requires_grad_() for name, t in trained.items()}
            slopes = torch.autograd.grad(error(some, w), list(w.values()))
            left = 1 - step / self.steps
            for t, g in zip(trained.values(), slopes, strict=True):
                t.step(g, 2 * self.reach / self.steps * left, self.scale_rate * left)
        with torch.no_grad():
            last = float(error(everything, {name: t.weight() for name, t in trained.items()}))
        return {name: t.matrix() if last < first else found[name] for name, t in trained.items()}

    def _pieces(self, parts: Sequence[np.ndarray]) -> list[Tensor]:
        """The batches in pieces of at most `tokens`, at least one sequence each."""
        out = []
        for part in parts:
            step = max(1, self.tokens // part.shape[1])
            out += [
                torch.from_numpy(np.asarray(part[i : i + step], np.float32))
                for i in range(0, len(part), step)
            ]
        return out


class _Trained:
    """A matrix in training: weights in units of their scales, rounded when they are used."""

    def __init__(self, found: QuantMatrix, want: np.ndarray) -> None:
        self.bits, self.low = found.bits, -(1 << (found.bits - 1))
        self.scale = torch.from_numpy(found.scale.astype(np.float32))[:, None]
        codes = torch.from_numpy(found.codes.astype(np.float32))
        # A code starts where GPTQ left it, on the side of the exact weight, which is tried first.
        off = torch.from_numpy(want.astype(np.float32)) / self.scale - codes
        self.latent = codes + off.clamp(-NEAR, NEAR)

    def codes(self) -> Tensor:
        return self.latent.round().clamp(self.low, -self.low - 1)

    def weight(self) -> Tensor:
        return self.codes() * self.scale

    def step(self, slope: Tensor, far: float, share: float) -> None:
        """Follow the sign of the slope of the weights [outputs, inputs], as if rounding were not there."""
        along = (slope * self.codes()).sum(1, keepdim=True)
        self.latent = (self.latent - torch.sign(slope) * far).clamp(self.low - 0.5, -self.low - 0.5)
        self.scale = self.scale * (1 - torch.sign(along) * share)

    def matrix(self) -> QuantMatrix:
        codes, scale = self.codes().numpy().astype(np.int8), self.scale[:, 0].numpy().astype(np.float64)
        return QuantMatrix(self.bits, codes, scale)
