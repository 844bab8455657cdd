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
import torch.nn.functional as F
from torch import Tensor

from metal_configs.reference import rope_angles
from rtl_gen.golden.quantised import QuantMatrix
from rtl_gen.golden.shape import Shape

KINDS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Learner:
    """How a layer is trained; the same input, seed and number of threads give the same codes.

    Attributes:
        steps: Of signed gradients, each on `tokens` tokens.
        reach: How far a weight can move in all, in units of its scale: steps fall to 0 linearly.
        tokens: In a step, at least one sequence.
        scale_rate: First step of an output's scale, as a share of it.
    """

    steps: int = 200
    reach: float = 0.5
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
        names = [f"layers.{n}.{k}" for k in KINDS]
        x, y = _sequences(given), _sequences(wanted)
        low = [-(1 << (found[k].bits - 1)) for k in names]
        latent, scale = [], []
        for name in names:
            m = found[name]
            exact = torch.from_numpy(want[name].astype(np.float32))
            unit = torch.from_numpy(m.scale.astype(np.float32))[:, None]
            codes = torch.from_numpy(m.codes.astype(np.float32))
            # A code starts where GPTQ left it, on the side of the exact weight, which is tried first.
            latent.append((codes + (exact / unit - codes).clamp(-0.45, 0.45)).requires_grad_())
            scale.append(unit.clone().requires_grad_())

        def weights() -> list[Tensor]:
            return [_round(z, lo) * s for z, s, lo in zip(latent, scale, low, strict=True)]

        def error(some: Sequence[int], w: list[Tensor]) -> Tensor:
            return sum(((_layer(shape, w, x[i], block) - y[i]) ** 2).sum() for i in some)  # type: ignore[return-value]

        everything = range(len(x))
        with torch.no_grad():
            first = best = float(error(everything, weights()))
            kept = [(_codes(z, lo), s.clone()) for z, s, lo in zip(latent, scale, low, strict=True)]
        rng = np.random.default_rng(self.seed)
        queue: list[int] = []
        for step in range(self.steps):
            some: list[int] = []
            tokens = 0
            while tokens < self.tokens and len(some) < len(x):
                queue = queue or list(rng.permutation(len(x)))
                some.append(queue.pop())
                tokens += x[some[-1]].shape[1]
            loss = error(some, weights()) / first
            grads = torch.autograd.grad(loss, [*latent, *scale])
            left = 1 - step / self.steps
            with torch.no_grad():
                for z, g in zip(latent, grads, strict=False):
                    z -= torch.sign(g) * (2 * self.reach / self.steps * left)
                for s, g in zip(scale, grads[len(latent) :], strict=True):
                    s -= torch.sign(g) * s * (self.scale_rate * left)
        with torch.no_grad():
            last = float(error(everything, weights()))
            if last < best:
                kept = [(_codes(z, lo), s.clone()) for z, s, lo in zip(latent, scale, low, strict=True)]
        return {
            name: QuantMatrix(found[name].bits, c.numpy().astype(np.int8), s[:, 0].numpy().astype(np.float64))
            for name, (c, s) in zip(names, kept, strict=True)
        }


def _sequences(parts: Sequence[np.ndarray]) -> list[Tensor]:
    """Each sequence by itself, [1, t, dim]."""
    return [torch.from_numpy(np.ascontiguousarray(s[None], np.float32)) for part in parts for s in part]


def _codes(latent: Tensor, low: int) -> Tensor:
    return latent.round().clamp(low, -low - 1)


def _round(latent: Tensor, low: int) -> Tensor:
    """Codes, whose gradient is that of what they were rounded from; none beyond the outermost code."""
    inside = latent.clamp(low - 0.5, -low - 0.5)
    return inside + (_codes(latent, low) - inside).detach()


def _norm(x: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)


def _layer(s: Shape, w: list[Tensor], x: Tensor, block: int) -> Tensor:
    """`reference.layer` in PyTorch, norms without weights; x [1, t, dim]."""
    q, k, v, o, gate, up, down = w
    _, t, _ = x.shape
    angles = torch.from_numpy(rope_angles(s, t))
    cos, sin = angles.cos().float(), angles.sin().float()

    def heads(m: Tensor, a: Tensor) -> Tensor:
        return F.linear(a, m).view(1, t, -1, s.head_dim).transpose(1, 2)

    def turn(a: Tensor) -> Tensor:
        even, odd = a[..., 0::2], a[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)

    a = _norm(x, s.norm_eps)
    keys, values = (b.repeat_interleave(s.group, 1) for b in (turn(heads(k, a)), heads(v, a)))
    mixed = F.scaled_dot_product_attention(turn(heads(q, a)), keys, values, is_causal=True)
    x = x + F.linear(mixed.transpose(1, 2).reshape(1, t, s.q_dim), o)
    a = _norm(x, s.norm_eps)
    return x + F.linear(_blocks(F.silu(F.linear(a, gate)) * F.linear(a, up), block), down)


def _blocks(h: Tensor, block: int) -> Tensor:
    """Sums and differences at distances 1, 2, 4 .. in blocks."""
    shape, distance = h.shape, 1
    while distance < block:
        pairs = h.reshape(*shape[:-1], -1, 2, distance)
        a, b = pairs[..., 0, :], pairs[..., 1, :]
        h = torch.stack([a + b, a - b], -2).reshape(shape)
        distance *= 2
    return h
