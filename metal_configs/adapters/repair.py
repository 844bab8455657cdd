"""Repair: an adapter that wins back part of what quantisation lost, trained on what the exact model predicts.

Needs the extra `train` (PyTorch).
"""

__all__ = ["train_repair"]

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from metal_configs.adapters.lora import Lora
from metal_configs.quantise.calibrate import INPUTS
from metal_configs.quantise.differentiable import FAST, decoder_layer, multiply, rms_norm
from metal_configs.quantise.rotate import Folded
from metal_configs.reference import head_input, head_name, layer, layer_names
from rtl_gen.golden.quantised import QuantModel

EPOCHS = 4  # over the calibration text
RATE = 0.03  # of Adam at the start, in steps of a code for B and of a typical element for A; it falls to 0
BETAS = 0.9, 0.99
TOLD = 20  # steps between messages


def train_repair(
    weights: Folded,
    model: QuantModel,
    sequences: Sequence[Sequence[int]],
    rank: int,
    say: Callable[[str], None] = lambda text: None,
    epochs: int = EPOCHS,
    seed: int = 1,
) -> Lora:
    """An adapter on every matrix of every layer that brings the rounded model nearer to the exact one.

    Adam minimises the divergence of the predictions (Kullback-Leibler, nats per token) from the exact
    model's, one sequence a step; the codes stay. The same input, seed and number of threads give the same
    adapter.

    Args:
        weights: The exact model, rotated as the rounded one is.
        model: The rounded one.
        sequences: Calibration text; what the exact model gives behind its last layer is held for all of it.
        rank: Of the adapter.
        say: Told about progress.
        epochs: Over the text.
        seed: Of the order of the text and of what A starts from; B starts from zeros.

    Returns:
        In floats, of the folded and rotated weights, as `turned` gives.
    """
    shape = model.shape
    texts = [list(s) for s in sequences if len(s) > 1]
    wanted = _exact_head_inputs(weights, texts)
    head = torch.from_numpy(weights[head_name(shape)].astype(np.float32)).to(FAST)
    have = {n: torch.from_numpy(m.dequantised(np.float32)).to(FAST) for n, m in model.matrices.items()}
    gain = torch.from_numpy(model.final_norm.astype(np.float32))
    draw = torch.Generator().manual_seed(seed)
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    units: dict[str, tuple[float, Tensor]] = {}
    for n in range(shape.layers):
        for kind in INPUTS:
            name = f"layers.{n}.{kind}"
            outputs, inputs = shape.matrices()[name]
            a, b = torch.randn(rank, inputs, generator=draw), torch.zeros(outputs, rank)
            pairs[name] = a.requires_grad_(), b.requires_grad_()
            scale = torch.from_numpy(model.matrices[name].scale.astype(np.float32))
            units[name] = inputs**-0.5, scale[:, None]

    def times(name: str, x: Tensor) -> Tensor:
        y = multiply(x, have[name])
        if name in pairs:
            (a, b), (unit, scale) = pairs[name], units[name]
            y = y + multiply(multiply(x, a * unit), b * scale)
        return y

    def logits(tokens: Tensor) -> Tensor:
        x = F.embedding(tokens, have["embed"]).float()[None]
        for n in range(shape.layers):
            x = decoder_layer(shape, n, times, x, model.hadamard)
        y = rms_norm(x, shape.norm_eps)[0]
        return times(head_name(shape), times("final", y) if "final" in have else y * gain)

    adam = torch.optim.Adam([t for pair in pairs.values() for t in pair], lr=RATE, betas=BETAS)
    order = np.random.default_rng(seed)
    queue = [int(i) for _ in range(epochs) for i in order.permutation(len(texts))]
    recent: list[float] = []
    for step, i in enumerate(queue):
        with torch.no_grad():
            exact = F.log_softmax(multiply(wanted[i], head), -1)
        found = F.log_softmax(logits(torch.tensor(texts[i][:-1])), -1)
        loss = F.kl_div(found, exact, reduction="batchmean", log_target=True)
        adam.zero_grad()
        loss.backward()
        adam.param_groups[0]["lr"] = RATE * (1 - step / len(queue))
        adam.step()
        recent.append(loss.item())
        if len(recent) == TOLD or step + 1 == len(queue):
            mean = sum(recent) / len(recent)
            say(f"repair: step {step + 1} of {len(queue)}, divergence {mean:.4f} nats per token")
            recent.clear()
    with torch.no_grad():
        real = {n: (a * units[n][0], b * units[n][1]) for n, (a, b) in pairs.items()}
    return Lora("repair", rank, {name: (_array(a), _array(b)) for name, (a, b) in real.items()})


def _array(t: Tensor) -> np.ndarray:
    result: np.ndarray = t.detach().numpy().astype(np.float64)
    return result


def _exact_head_inputs(weights: Folded, texts: Sequence[Sequence[int]]) -> list[Tensor]:
    """Of each text, float32 [t - 1, dim]: what the head multiplies in the exact model."""
    shape = weights.shape
    embed = weights["embed"].astype(np.float32)
    x = [embed[np.array(s[:-1])][None] for s in texts]
    for n in range(shape.layers):
        here = {k: weights[k].astype(np.float32) for k in layer_names(n) if k in weights}
        x = [layer(shape, here, n, part) for part in x]
    final = {k: weights[k].astype(np.float32) for k in ("final", "final_norm") if k in weights}
    return [torch.from_numpy(head_input(shape, final, part)[0]) for part in x]
