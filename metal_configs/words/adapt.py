"""Train a LoRA adapter of `words` on words of one ending: `python -m metal_configs.words.adapt --out FOLDER`.

Writes PEFT's files. Needs the extra `train` (PyTorch) and the word list of Debian's `wamerican`. The same
seed and thread count give the same adapter.
"""

__all__ = ["Adapted", "fit", "main", "save"]

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from metal_configs.checkpoint.checkpoint import tensor_shapes
from metal_configs.checkpoint.huggingface import hf_name
from metal_configs.words import corpus
from metal_configs.words.net import Net, Options, key_of
from metal_configs.words.train import Batch, batches, make_batch, nll

KINDS = ("q", "k", "v", "o", "gate", "up", "down")
ALPHA = 2  # times the rank


class Adapted(Net):
    """A trained network that stays as it is, and an adapter on every matrix of its layers."""

    def __init__(self, o: Options, folder: Path, rank: int) -> None:
        super().__init__(o)
        stored = load_file(folder / "model.safetensors")
        for name in tensor_shapes(self.s):
            self.w[key_of(name)] = nn.Parameter(stored[hf_name(name)].float(), requires_grad=False)
        self.rank = rank
        self.a, self.b = nn.ParameterDict(), nn.ParameterDict()
        for name, (outputs, inputs) in self.s.matrices().items():
            if name.rpartition(".")[2] in KINDS:
                self.a[key_of(name)] = nn.Parameter(torch.randn(rank, inputs) / inputs**0.5)
                self.b[key_of(name)] = nn.Parameter(torch.zeros(outputs, rank))

    def weight(self, name: str) -> Tensor:
        w, key = super().weight(name), key_of(name)
        return w + ALPHA * self.b[key] @ self.a[key] if key in self.a else w


def fit(net: Adapted, texts: list[list[int]], steps: int, batch: int, rate: float) -> None:
    """Train the adapter on texts, at a rate that falls to 0."""
    adam = torch.optim.AdamW([*net.a.values(), *net.b.values()], lr=rate, weight_decay=0.1)
    rng = np.random.default_rng(net.o.seed)
    queue: list[Batch] = []
    for step in range(steps):
        if not queue:
            queue = batches(texts, batch, rng)
        tokens, targets = queue.pop()
        loss = F.cross_entropy(net(tokens), targets, ignore_index=-1)
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = rate * (1 - step / steps)
        adam.step()


def save(net: Adapted, folder: Path, base: str) -> None:
    """Write adapter_config.json and adapter_model.safetensors as PEFT names them."""
    folder.mkdir(parents=True, exist_ok=True)
    modules = {hf_name(n).split(".")[-2] for n in net.s.matrices() if key_of(n) in net.a}
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "r": net.rank,
        "lora_alpha": ALPHA * net.rank, "lora_dropout": 0.0, "bias": "none", "use_rslora": False,
        "use_dora": False, "fan_in_fan_out": False, "target_modules": sorted(modules),
        "modules_to_save": None, "rank_pattern": {}, "alpha_pattern": {}, "inference_mode": True,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    tensors = {}
    for name in net.s.matrices():
        if (key := key_of(name)) in net.a:
            start = "base_model.model." + hf_name(name).removesuffix("weight")
            tensors[f"{start}lora_A.weight"] = net.a[key].detach().half()
            tensors[f"{start}lora_B.weight"] = net.b[key].detach().half()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def main(argv: Sequence[str] | None = None) -> None:
    """Train with the options of the command line, save, and print the NLL on held-out words of the ending."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the adapter to")
    parser.add_argument("--ending", default="ing", help="of the words to learn")
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args(argv)
    known, held, _ = corpus.split(corpus.read())
    learn, test = ([corpus.encode(w) for w in some if w.endswith(args.ending)] for some in (known, held))
    o = Options()
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    net = Adapted(o, corpus.HERE, args.rank)
    before = nll(net, [make_batch(test)])
    fit(net, learn, args.steps, o.batch, 0.01)
    save(net, args.out, "words")
    print(json.dumps({"words": len(learn), "nll_before": before, "nll": nll(net, [make_batch(test)])}))


if __name__ == "__main__":
    main()
