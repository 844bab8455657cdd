"""The decoder of `metal_configs.reference` in PyTorch, for gradients; norms have no weights.

Needs the extra `train`.
"""

__all__ = ["FAST", "Past", "Times", "decoder_layer", "multiply", "rms_norm"]

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from metal_configs.reference import rope_angles
from rtl_gen.golden.shape import Shape

Times = Callable[[str, Tensor], Tensor]  # y = W x of the matrix with this name

# Products of matrices in bfloat16 where the processor has them: four times as fast, sums in 32 bits.
FAST = torch.bfloat16 if torch.cpu.get_capabilities().get("avx512_bf16") else torch.float32


def multiply(x: Tensor, w: Tensor) -> Tensor:
    """float32 [.., outputs] = x [.., inputs] times w [outputs, inputs], in the type of `FAST`."""
    return F.linear(x.to(FAST), w.to(FAST)).float()


def rms_norm(x: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)


@dataclass
class Past:
    """Keys and values [layers, b, kv_heads, positions, head_dim] of texts that are fed token by token.

    `at` is the position of the token that is fed now; whoever feeds it counts on.
    """

    keys: Tensor
    values: Tensor
    at: int = 0

    @classmethod
    def of(cls, s: Shape, texts: int, positions: int) -> "Past":
        size = s.layers, texts, s.kv_heads, positions, s.head_dim
        return cls(torch.zeros(size), torch.zeros(size))

    def mixed(self, n: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """What the heads of layer n read: q [b, heads, 1, head_dim], k and v [b, kv_heads, 1, head_dim]."""
        to = self.at + 1
        self.keys[n, :, :, self.at], self.values[n, :, :, self.at] = k[:, :, 0], v[:, :, 0]
        grouped = q.view(len(q), k.shape[1], -1, q.shape[-1])  # heads that share keys, as if they were texts
        out = F.scaled_dot_product_attention(grouped, self.keys[n, :, :, :to], self.values[n, :, :, :to])
        return out.view(q.shape)


def decoder_layer(s: Shape, n: int, times: Times, x: Tensor, block: int, past: Past | None = None) -> Tensor:
    """The residual [b, t, dim] behind layer n, from that before it.

    `block` is the order of the Hadamard blocks; with `past`, x is one token [b, 1, dim] of each text.
    """
    p = f"layers.{n}."
    b, t, _ = x.shape
    start = 0 if past is None else past.at
    angles = torch.from_numpy(rope_angles(s, start + t)[start:])
    cos, sin = angles.cos().float(), angles.sin().float()

    def heads(kind: str, a: Tensor) -> Tensor:
        return times(p + kind, a).view(b, t, -1, s.head_dim).transpose(1, 2)

    def turn(a: Tensor) -> Tensor:
        even, odd = a[..., 0::2], a[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)

    a = rms_norm(x, s.norm_eps)
    q, k, v = turn(heads("q", a)), turn(heads("k", a)), heads("v", a)
    if past is not None:
        mixed = past.mixed(n, q, k, v)
    else:
        k, v = (c.repeat_interleave(s.group, 1) for c in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + times(p + "o", mixed.transpose(1, 2).reshape(b, t, s.q_dim))
    a = rms_norm(x, s.norm_eps)
    return x + times(p + "down", _blocks(F.silu(times(p + "gate", a)) * times(p + "up", a), block))


def _blocks(h: Tensor, block: int) -> Tensor:
    """Sums and differences at distances 1, 2, 4 .. in blocks."""
    shape, distance = h.shape, 1
    while distance < block:
        pairs = h.reshape(*shape[:-1], -1, 2, distance)
        a, b = pairs[..., 0, :], pairs[..., 1, :]
        h = torch.stack([a + b, a - b], -2).reshape(shape)
        distance *= 2
    return h
