"""Train the built-in model `words`: `python -m metal_configs.words.train --out FOLDER`.

Needs the extra `train` (PyTorch) and the word list of Debian's `wamerican`. Two stages share one network:

1. float: Muon for the layers' matrices and AdamW for the rest, cosine schedule;
2. quantisation-aware: the forward pass rounds folded weights to integer codes and activations to 8 bits with
   static ranges, and gradients pass straight through. The scales are the ones that the quantiser would choose
   (least square error per output channel), so quantising the stored float weights repeats what training saw.

The same seed and thread count give the same weights. Nothing else in the repository imports PyTorch.
"""

__all__ = ["Batch", "batches", "main", "make_batch", "nll", "options", "save", "train"]

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.checkpoint.huggingface import hf_name
from metal_configs.words import corpus
from metal_configs.words.net import Muon, Net, Options, key_of
from metal_configs.words.tokens import build_tokenizer

Batch = tuple[Tensor, Tensor]  # inputs [b, t], targets [b * t] (-1 where a row has ended)


def make_batch(words: list[list[int]]) -> Batch:
    """Sequences of any length, padded at the end."""
    t = max(map(len, words)) - 1
    rows = torch.tensor([w + [-1] * (t + 1 - len(w)) for w in words])
    return rows[:, :-1].clamp(min=0), rows[:, 1:].flatten()


def batches(words: list[list[int]], size: int, rng: np.random.Generator) -> list[Batch]:
    """One epoch in random order; words of about equal length share a batch, so little of it is padding."""
    order = sorted(rng.permutation(len(words)), key=lambda i: len(words[i]))
    cuts = range(0, len(words) - size + 1, size)
    return [make_batch([words[i] for i in order[k : k + size]]) for k in rng.permutation(cuts)]


@torch.no_grad()
def nll(net: Net, data: list[Batch]) -> float:
    """Mean nats per predicted token."""
    total = sum(float(F.cross_entropy(net(x), y, ignore_index=-1, reduction="sum")) for x, y in data)
    return total / sum(int((y >= 0).sum()) for _, y in data)


def _stage(net: Net, words: list[list[int]], steps: int, scale: float, log: str, hold: int = 0) -> None:
    """Train at learning rates `scale` times those of the options: for `hold` steps, then falling to 0."""
    o = net.o
    inner = [w for name, w in net.w.items() if w.ndim == 2 and name != "embed"]
    outer = [w for name, w in net.w.items() if w.ndim == 1 or name == "embed"]
    muon = Muon(inner, o.muon_lr * scale, o.decay)
    adam = torch.optim.AdamW(outer, lr=o.lr, betas=(0.9, 0.98), weight_decay=0.0)
    rng = np.random.default_rng(o.seed)
    queue: list[Batch] = []
    warm, start, mean = min(o.warm, (hold + steps) // 10), time.monotonic(), 3.0
    for step in range(hold + steps):
        if not queue:
            queue = batches(words, o.batch, rng)
        if net.mode == "quant" and step % 10 == 0:
            net.rescale()
        if net.mode == "quant" and step % 500 == 0 and step < steps * 0.8:
            net.observe(make_batch(words[:: len(words) // 1000])[0])
        rate = min(1, (step + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * max(step - hold, 0) / steps))
        tokens, targets = queue.pop()
        loss = F.cross_entropy(net(tokens), targets, ignore_index=-1)
        net.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = o.lr * scale * rate
        adam.step()
        muon.step(rate)
        mean += 0.01 * (loss.item() - mean)
        if step % 1000 == 999:
            print(f"{log} {step + 1} train {mean:.4f}  {time.monotonic() - start:.0f} s", flush=True)


def train(o: Options, words: list[list[int]], held: list[list[int]]) -> tuple[Net, dict[str, float]]:
    """The trained network, and its NLL (nats per token) on held-out words.

    Keys: "float" after the first stage; "rounded" the same with weights and activations rounded; "aware"
    after the second stage, rounded; "stored" the weights that are saved, with exact activations.
    """
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    net = Net(o)
    test = [make_batch(held)]
    _stage(net, words, o.steps, 1.0, "float", o.hold)
    result = {"float": nll(net, test)}
    if o.qat_steps:
        net.mode = "quant"
        net.rescale()
        net.observe(make_batch(words[:: len(words) // 1000])[0])
        result["rounded"] = nll(net, test)
        _stage(net, words, o.qat_steps, o.qat_scale, "aware")
        net.rescale()
        result["aware"] = nll(net, test)
        net.bake()
        result["stored"] = nll(net, test)
    return net, result


def save(net: Net, folder: Path, tokenizer: Tokenizer, begin: int, end: int, half: bool = False) -> None:
    """Write config.json, model.safetensors and tokenizer.json as Hugging Face names them; `half`: float16."""
    s = net.s
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "attention_bias": False, "mlp_bias": False, "bos_token_id": begin, "eos_token_id": end,
        "hidden_size": s.dim, "intermediate_size": s.hidden, "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads, "num_key_value_heads": s.kv_heads, "head_dim": s.head_dim,
        "vocab_size": s.vocab, "max_position_embeddings": s.context, "rope_theta": s.rope_theta,
        "rope_scaling": None, "rms_norm_eps": s.norm_eps, "tie_word_embeddings": True,
        "torch_dtype": "float16" if half else "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    kind = torch.float16 if half else torch.float32
    tensors = {hf_name(name): net.w[key_of(name)].detach().to(kind) for name in tensor_shapes(s)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"))


def options(parser: argparse.ArgumentParser, defaults: Options) -> tuple[argparse.Namespace, Options]:
    """The command line: the parser's own arguments, and an option for each field."""
    own = {a.dest for a in parser._actions}
    for name, default in vars(defaults).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    args = parser.parse_args()
    return args, replace(defaults, **{k: v for k, v in vars(args).items() if k not in own})


def main() -> None:
    """Train with the options of the command line, save, and print the held-out NLL of each stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the checkpoint to")
    args, o = options(parser, Options())
    out = args.out
    dictionary = corpus.read()
    words, held, _ = (list(map(corpus.encode, part)) for part in corpus.split(dictionary))
    net, result = train(o, words, held)
    save(net, out, build_tokenizer(), corpus.BOS, corpus.EOS)
    corpus.write_lists(out, dictionary)
    print(json.dumps({"options": vars(o), "nll": result}))


if __name__ == "__main__":
    main()
