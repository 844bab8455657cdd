"""The decoder of `metal_configs.reference` in PyTorch, for gradients; norms have no weights.

Needs the extra `train`.
"""

__all__ = ["FAST", "Times", "decoder_layer", "multiply", "rms_norm"]

from collections.abc import Callable

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


def decoder_layer(s: Shape, n: int, times: Times, x: Tensor, block: int) -> Tensor:
    """The residual [b, t, dim] behind layer n, from that before it; `block`: order of the Hadamard blocks."""
    p = f"layers.{n}."
    b, t, _ = x.shape
    angles = torch.from_numpy(rope_angles(s, t))
    cos, sin = angles.cos().float(), angles.sin().float()

    def heads(kind: str, a: Tensor) -> Tensor:
        return times(p + kind, a).view(b, t, -1, s.head_dim).transpose(1, 2)

    def turn(a: Tensor) -> Tensor:
        even, odd = a[..., 0::2], a[..., 1::2]
        return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)

    a = rms_norm(x, s.norm_eps)
    keys, values = (c.repeat_interleave(s.group, 1) for c in (turn(heads("k", a)), heads("v", a)))
    mixed = F.scaled_dot_product_attention(turn(heads("q", a)), keys, values, is_causal=True)
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
