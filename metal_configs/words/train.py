"""Train the built-in model `words`: `python -m metal_configs.words.train --out FOLDER`.

Needs the extra `train` (PyTorch) and the word list of Debian's `wamerican`. Two stages share one network:

1. float: AdamW, cosine schedule, words as rows of at most 16 characters;
2. quantisation-aware: the forward pass rounds folded weights to integer codes and activations to 8 bits with
   static ranges, and gradients pass straight through. The scales are the ones that the quantiser would choose
   (least square error per output channel), so quantising the stored float weights repeats what training saw.

The same seed and thread count give the same weights. Nothing else in the repository imports PyTorch.
"""

__all__ = ["Net", "Options", "main", "train"]

import argparse
import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from metal_configs.words import corpus
from metal_configs.words.tokens import build_tokenizer
from rtl_gen.golden.shape import Shape

Batch = tuple[Tensor, Tensor]  # inputs [b, t], targets [b * t] (-1 where a row has ended)


@dataclass(frozen=True)
class Options:
    """What a run does; the defaults are those of the committed model."""

    layers: int = 2
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 4
    hidden: int = 80
    rope_theta: float = 100.0
    steps: int = 30000
    qat_steps: int = 10000
    batch: int = 128
    lr: float = 6e-3
    qat_lr: float = 1e-3
    decay: float = 0.02
    bits: int = 4
    embed_bits: int = 6
    norm_clip: float = 4.0  # range of normalised activations, in root mean squares
    seed: int = 1
    threads: int = 1

    def shape(self) -> Shape:
        return Shape(
            dim=32, layers=self.layers, heads=self.heads, kv_heads=self.kv_heads, head_dim=self.head_dim,
            hidden=self.hidden, vocab=corpus.VOCAB, context=corpus.CONTEXT, rope_theta=self.rope_theta,
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
            self.w[_key(name)] = nn.Parameter(torch.randn(rows, cols) * std)
        for n in range(self.s.layers):
            self.w[_key(f"layers.{n}.norm_attn")] = nn.Parameter(torch.ones(self.s.dim))
            self.w[_key(f"layers.{n}.norm_mlp")] = nn.Parameter(torch.ones(self.s.dim))
        self.w["final_norm"] = nn.Parameter(torch.ones(self.s.dim))
        half = self.s.head_dim // 2
        freq = self.s.rope_theta ** (-torch.arange(half) / half)
        angle = torch.arange(self.s.context)[:, None] * torch.cat([freq, freq])
        self.cos, self.sin = angle.cos(), angle.sin()

    def folded(self, name: str) -> Tensor:
        """The matrix as it will be stored in ROM: norm weights multiplied in."""
        p, _, kind = name.rpartition(".")
        w = self.w[_key(name)]
        if kind in ("q", "k", "v"):
            return w * self.w[_key(p + ".norm_attn")]
        if kind in ("gate", "up"):
            return w * self.w[_key(p + ".norm_mlp")]
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

    def tap(self, name: str, x: Tensor) -> Tensor:
        if self.mode == "observe":
            top = x.abs().flatten()
            top = top.kthvalue(max(1, int(len(top) * 0.9999))).values if len(top) > 10000 else top.max()
            self.ranges[name] = max(self.ranges.get(name, 0.0), float(top))
        elif self.mode == "quant":
            return torch.fake_quantize_per_tensor_affine(x, self.ranges[name] / 127, 0, -127, 127)
        return x

    def norm(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.s.norm_eps)

    def rope(self, x: Tensor) -> Tensor:
        t, half = x.shape[1], self.s.head_dim // 2
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * self.cos[:t, None] + turned * self.sin[:t, None]

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits [b * t, vocab] of tokens [b, t]; padding at the end of a row disturbs nothing before it."""
        s, (b, t) = self.s, tokens.shape
        embed = self.matrix("embed")
        x = embed[tokens.flatten()]
        for n in range(s.layers):
            p = f"layers.{n}."
            a = self.tap(p + "attn_in", self.norm(x))
            q = self.tap(p + "q", a @ self.matrix(p + "q").T).view(b, t, s.heads, s.head_dim)
            k = self.tap(p + "k", a @ self.matrix(p + "k").T).view(b, t, s.kv_heads, s.head_dim)
            v = self.tap(p + "v", a @ self.matrix(p + "v").T).view(b, t, s.kv_heads, s.head_dim)
            q, k = self.tap(p + "q_rope", self.rope(q)), self.tap(p + "k_rope", self.rope(k))
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            out = out.transpose(1, 2).reshape(b * t, s.q_dim)
            x = x + self.tap(p + "attn_out", out) @ self.matrix(p + "o").T
            a = self.tap(p + "mlp_in", self.norm(x))
            gate = F.silu(self.tap(p + "gate", a @ self.matrix(p + "gate").T))
            up = self.tap(p + "up", a @ self.matrix(p + "up").T)
            x = x + self.tap(p + "h", gate * up) @ self.matrix(p + "down").T
        return self.tap("head_in", self.norm(x) * self.w["final_norm"]) @ embed.T


def _key(name: str) -> str:
    return name.replace(".", "_")


def _batch(words: list[list[int]]) -> Batch:
    t = max(map(len, words)) - 1
    rows = torch.tensor([w + [-1] * (t + 1 - len(w)) for w in words])
    return rows[:, :-1].clamp(min=0), rows[:, 1:].flatten()


def _batches(words: list[list[int]], o: Options, rng: np.random.Generator) -> list[Batch]:
    """One epoch in random order; words of about equal length share a batch, so little of it is padding."""
    order = sorted(rng.permutation(len(words)), key=lambda i: len(words[i]))
    cuts = range(0, len(words) - o.batch + 1, o.batch)
    return [_batch([words[i] for i in order[k : k + o.batch]]) for k in rng.permutation(cuts)]


@torch.no_grad()
def nll(net: Net, data: list[Batch]) -> float:
    """Mean nats per predicted token."""
    total = sum(float(F.cross_entropy(net(x), y, ignore_index=-1, reduction="sum")) for x, y in data)
    return total / sum(int((y >= 0).sum()) for _, y in data)


def _stage(net: Net, words: list[list[int]], steps: int, lr: float, o: Options, log: str) -> None:
    matrices = [p for p in net.parameters() if p.ndim == 2]
    norms = [p for p in net.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": o.decay}, {"params": norms, "weight_decay": 0.0}]
    opt = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98), foreach=True)
    rng = np.random.default_rng(o.seed)
    queue: list[Batch] = []
    warm, start, mean = min(500, steps // 10), time.monotonic(), 0.0
    for step in range(steps):
        if not queue:
            queue = _batches(words, o, rng)
        if net.mode == "quant" and step % 10 == 0:
            net.rescale()
        rate = min(1, (step + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for g in opt.param_groups:
            g["lr"] = lr * rate
        tokens, targets = queue.pop()
        loss = F.cross_entropy(net(tokens), targets, ignore_index=-1)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        mean += 0.01 * (loss.item() - mean) if step else loss.item()
        if step % 1000 == 999:
            print(f"{log} {step + 1} train {mean:.4f}  {time.monotonic() - start:.0f} s", flush=True)


def train(o: Options, words: list[list[int]], held: list[list[int]]) -> tuple[Net, dict[str, float]]:
    """The trained network, and its NLL (nats per token) on held-out words after each stage."""
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    net = Net(o)
    test = [_batch(held)]
    _stage(net, words, o.steps, o.lr, o, "float")
    result = {"float": nll(net, test)}
    if o.qat_steps:
        observe(net, [_batch(words[i::16]) for i in range(2)])
        net.mode = "quant"
        net.rescale()
        result["rounded"] = nll(net, test)
        _stage(net, words, o.qat_steps, o.qat_lr, o, "quant")
        net.rescale()
        result["qat"] = nll(net, test)
        net.mode = "float"
        result["stored"] = nll(net, test)
    return net, result


def observe(net: Net, data: list[Batch]) -> None:
    """Fix the static ranges of activations."""
    net.ranges, net.mode = {}, "observe"
    with torch.no_grad():
        for tokens, _ in data:
            net(tokens)
    for name in net.ranges:
        if name.endswith(("attn_in", "mlp_in")):
            net.ranges[name] = net.o.norm_clip


def save(net: Net, folder: Path) -> None:
    """Write config.json, model.safetensors and tokenizer.json as Hugging Face names them."""
    s = net.s
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "attention_bias": False, "mlp_bias": False, "bos_token_id": corpus.BOS, "eos_token_id": corpus.EOS,
        "hidden_size": s.dim, "intermediate_size": s.hidden, "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads, "head_dim": s.head_dim,
        "vocab_size": s.vocab, "max_position_embeddings": s.context, "rope_theta": s.rope_theta,
        "rope_scaling": None, "rms_norm_eps": s.norm_eps, "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    kinds = {
        "q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj", "o": "self_attn.o_proj",
        "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
        "norm_attn": "input_layernorm", "norm_mlp": "post_attention_layernorm",
    }  # fmt: skip
    tensors = {
        "model.embed_tokens.weight": net.w["embed"].detach(),
        "model.norm.weight": net.w["final_norm"].detach(),
    }
    for n in range(s.layers):
        for kind, hf in kinds.items():
            tensors[f"model.layers.{n}.{hf}.weight"] = net.w[_key(f"layers.{n}.{kind}")].detach()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    build_tokenizer().save(str(folder / "tokenizer.json"))


def main() -> None:
    """Train with the options of the command line, save, and print the held-out NLL of each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint to")
    for name, default in vars(Options()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    args = vars(parser.parse_args())
    out = args.pop("out")
    o = replace(Options(), **args)
    dictionary = corpus.read()
    words, held, _ = (list(map(corpus.encode, part)) for part in corpus.split(dictionary))
    net, result = train(o, words, held)
    save(net, out)
    corpus.write_lists(out, dictionary)
    print(json.dumps({"options": vars(o), "nll": result}))


if __name__ == "__main__":
    main()
