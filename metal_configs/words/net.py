"""The network that `train` trains: a Llama decoder in PyTorch with fake quantisation, and its optimiser.

Only the training scripts import this module.
"""

__all__ = ["Muon", "Net", "Options", "key_of"]

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metal_configs.words import corpus
from metal_configs.words.clip import best_clip
from rtl_gen.golden.shape import Shape


@dataclass(frozen=True)
class Options:
    """What a run does; the defaults are those of the committed model."""

    dim: int = 32
    layers: int = 2
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 4
    hidden: int = 80
    vocab: int = corpus.VOCAB
    context: int = corpus.CONTEXT
    rope_theta: float = 10.0
    warm: int = 300  # steps in which rates rise
    hold: int = 0  # steps of the first stage before rates fall
    steps: int = 9000  # in which they fall
    qat_steps: int = 3000
    batch: int = 128
    lr: float = 6e-3
    muon_lr: float = 0.02
    decay: float = 0.02
    qat_scale: float = 0.25  # learning rates of the second stage against those of the first
    bits: int = 4
    embed_bits: int = 6
    seed: int = 1
    threads: int = 1

    def shape(self) -> Shape:
        return Shape(
            dim=self.dim, layers=self.layers, heads=self.heads, kv_heads=self.kv_heads,
            head_dim=self.head_dim, hidden=self.hidden, vocab=self.vocab, context=self.context,
            rope_theta=self.rope_theta,
        )  # fmt: skip


class Net(nn.Module):
    """A tied Llama decoder with Hugging Face names and half-split RoPE, and optional fake quantisation.

    Attributes:
        mode: "float", "observe" (record ranges of activations) or "quant".
        ranges: Largest magnitude of each activation tap that 8 bits represent.
    """

    def __init__(self, o: Options) -> None:
        super().__init__()
        self.o, self.s, self.mode = o, o.shape(), "float"
        self.ranges: dict[str, float] = {}
        self.scales: dict[str, Tensor] = {}
        self.w = nn.ParameterDict()
        for name, (rows, cols) in self.s.matrices().items():
            std = 0.5 / math.sqrt(cols) if name.endswith((".o", ".down")) else 1 / math.sqrt(cols)
            self.w[key_of(name)] = nn.Parameter(torch.randn(rows, cols) * std)
        for n in range(self.s.layers):
            self.w[key_of(f"layers.{n}.norm_attn")] = nn.Parameter(torch.ones(self.s.dim))
            self.w[key_of(f"layers.{n}.norm_mlp")] = nn.Parameter(torch.ones(self.s.dim))
        self.w["final_norm"] = nn.Parameter(torch.ones(self.s.dim))
        half = self.s.head_dim // 2
        freq = self.s.rope_theta ** (-torch.arange(half) / half)
        angle = torch.arange(self.s.context)[:, None] * torch.cat([freq, freq])
        self.cos, self.sin = angle.cos(), angle.sin()

    def weight(self, name: str) -> Tensor:
        """A matrix of the checkpoint."""
        return self.w[key_of(name)]

    def folded(self, name: str) -> Tensor:
        """The matrix as it will be stored in ROM: norm weights multiplied in."""
        p, _, kind = name.rpartition(".")
        w = self.weight(name)
        if kind in ("q", "k", "v"):
            return w * self.w[key_of(p + ".norm_attn")]
        if kind in ("gate", "up"):
            return w * self.w[key_of(p + ".norm_mlp")]
        return w

    def matrix(self, name: str) -> Tensor:
        w = self.folded(name)
        if self.mode != "quant":
            return w
        top = 1 << ((self.o.embed_bits if name == "embed" else self.o.bits) - 1)
        zero = torch.zeros(len(w), dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(w, self.scales[name], zero, 0, -top, top - 1)

    @torch.no_grad()
    def rescale(self) -> None:
        """Choose each row's scale for least square error, over the grid that the quantiser searches."""
        for name in self.s.matrices():
            w = self.folded(name)
            top = 1 << ((self.o.embed_bits if name == "embed" else self.o.bits) - 1)
            s = w.abs().amax(1).clamp(min=1e-8)[None] / top * torch.linspace(0.4, 1.35, 96)[:, None]
            q = (w / s[..., None]).round().clamp(-top, top - 1) * s[..., None]
            best = (q - w).square().sum(2).argmin(0)
            self.scales[name] = s[best, torch.arange(len(w))]

    def tap(self, name: str, x: Tensor, step: float | None = None) -> Tensor:
        """Note the range of x, or round it to 8 bits: in steps of `step`, or of its range / 127."""
        if self.mode == "observe":
            some = x.flatten()[:: 1 + x.numel() // 20000]
            self.ranges[name] = best_clip(some.numpy())
        elif self.mode == "quant":
            return torch.fake_quantize_per_tensor_affine(x, step or self.ranges[name] / 127, 0, -128, 127)
        return x

    def norm(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.s.norm_eps)

    def rope(self, x: Tensor) -> Tensor:
        t, half = x.shape[1], self.s.head_dim // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * self.cos[:t, None] + turned * self.sin[:t, None]

    def attention(self, p: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Mix v [b, kv_heads, t, head_dim] by softmax(q k'); the score's step is that of the exp2 table."""
        if self.mode != "quant":
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        t, s = q.shape[2], self.s
        q = q.reshape(-1, s.kv_heads, s.group * t, s.head_dim)
        score = self.tap("score", q @ k.mT / math.sqrt(s.head_dim), math.log(2) / 16)
        later = torch.ones(t, t, dtype=torch.bool).triu(1).repeat(s.group, 1)
        prob = score.masked_fill(later, -1e9).softmax(-1)
        prob = torch.fake_quantize_per_tensor_affine(prob, 1 / 255, 0, 0, 255)
        return (prob @ v).view(-1, s.heads, t, s.head_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [b * t, vocab] of tokens [b, t]; padding at the end of a row disturbs nothing before it."""
        s, (b, t) = self.s, tokens.shape
        embed = self.matrix("embed")
        x = embed[tokens.flatten()]

        def heads(name: str, y: Tensor, turn: bool) -> Tensor:
            y = self.tap(name, y).view(b, t, -1, s.head_dim)
            return (self.tap(name + "_rope", self.rope(y)) if turn else y).transpose(1, 2)

        for n in range(s.layers):
            p = f"layers.{n}."
            a = self.tap(p + "attn_in", self.norm(x))
            joint = a @ torch.cat([self.matrix(p + kind) for kind in "qkv"]).T
            q, k, v = joint.split([s.q_dim, s.kv_dim, s.kv_dim], 1)
            out = self.attention(
                p, heads(p + "q", q, True), heads(p + "k", k, True), heads(p + "v", v, False)
            )
            out = out.transpose(1, 2).reshape(b * t, s.q_dim)
            x = x + self.tap(p + "attn_out", out) @ self.matrix(p + "o").T
            a = self.tap(p + "mlp_in", self.norm(x))
            gate, up = (a @ torch.cat([self.matrix(p + "gate"), self.matrix(p + "up")]).T).chunk(2, 1)
            gate = self.tap(p + "silu", F.silu(self.tap(p + "gate", gate)))
            x = x + self.tap(p + "h", gate * self.tap(p + "up", up)) @ self.matrix(p + "down").T
        return self.tap("head_in", self.norm(x) * self.w["final_norm"]) @ embed.T

    @torch.no_grad()
    def observe(self, tokens: Tensor) -> None:
        """Fix the static ranges of activations as the hardware's calibration does, from one batch."""
        mode, self.mode = self.mode, "observe"
        self(tokens)
        norms = [n for n in self.ranges if n.endswith(("attn_in", "mlp_in"))]
        self.ranges |= dict.fromkeys(norms, max(self.ranges[n] for n in norms))
        for n in [n for n in self.ranges if n.endswith("_rope")]:
            self.ranges[n] = self.ranges[n.removesuffix("_rope")]
        self.mode = mode

    @torch.no_grad()
    def bake(self) -> None:
        """Replace every matrix by what its codes mean, so that a quantiser finds the same codes again."""
        self.mode = "quant"
        for name in self.s.matrices():
            w = self.w[key_of(name)]
            w.copy_(torch.where(self.folded(name) == 0, w, self.matrix(name) / self.folded(name) * w))
        self.mode = "float"


def key_of(name: str) -> str:
    return name.replace(".", "_")


class Muon:
    """Momentum whose step is the nearest orthogonal matrix (Jordan et al. 2024); one batch a shape.

    Here it needs about half of AdamW's steps. Embedding and norms are left to AdamW.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, decay: float) -> None:
        self.groups: dict[tuple[int, int], list[nn.Parameter]] = {}
        for w in matrices:
            self.groups.setdefault(tuple(sorted(w.shape)), []).append(w)  # type: ignore[arg-type]
        self.momentum = {key: torch.zeros(len(g), *key) for key, g in self.groups.items()}
        self.lr, self.decay = lr, decay

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for key, group in self.groups.items():
            wide = [w.shape[0] <= w.shape[1] for w in group]
            grad = torch.stack([w.grad if flat else w.grad.T for w, flat in zip(group, wide, strict=True)])
            m = self.momentum[key].lerp_(grad, 0.05)
            x = grad.lerp(m, 0.95)
            x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):  # Newton-Schulz
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            for w, flat, update in zip(group, wide, x, strict=True):
                size = max(1.0, w.shape[0] / w.shape[1]) ** 0.5
                w.mul_(1 - rate * self.lr * self.decay).add_(
                    update if flat else update.T, alpha=-rate * self.lr * size
                )
