"""Repair: an adapter that wins back part of what quantisation lost, trained on what the exact model predicts.

Needs the extra `train` (PyTorch).
"""

__all__ = ["divergence", "train_repair"]

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from metal_configs.adapters.lora import Lora
from metal_configs.quantise import Rounded
from metal_configs.quantise.calibrate import INPUTS
from metal_configs.quantise.differentiable import FAST, Times, decoder_layer, multiply, rms_norm
from metal_configs.quantise.rotate import Folded
from metal_configs.reference import by_length, head_name
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.shape import Shape

ENOUGH = 100_000  # tokens of training: text is gone over again while there have been fewer,
EPOCHS = 4  # so often at most
TOKENS = 256  # in a step, at least one text
# Of Adam at its height, in steps of a code for B and of a typical element for A; it falls to 0. What layers
# change adds up: with more than `LAYERS` it is less by as much. The whole of it made SmolLM2, with 30, worse.
RATE = 0.06
LAYERS = 5
WARM = 0.05  # share of the steps in which it rises to that
BETAS = 0.9, 0.99
TOLD = 20  # steps between messages
ROWS = 256  # positions whose logits are held at a time


def train_repair(
    weights: Folded,
    model: QuantModel,
    sequences: Sequence[Sequence[int]],
    rank: int,
    say: Callable[[str], None] = lambda text: None,
    seed: int = 1,
) -> Lora:
    """An adapter on every matrix of every layer that brings the rounded model nearer to the exact one.

    Adam minimises the divergence of the predictions (Kullback-Leibler, nats per token) from the exact
    model's; the codes stay. The same input, seed and number of threads give the same adapter.

    Args:
        weights: The exact model, rotated as the rounded one is.
        model: The rounded one.
        sequences: Calibration text; what the exact model gives behind its last layer is held for all of it.
        rank: Of the adapter.
        say: Told about progress.
        seed: Of the order of the text and of what A starts from; B starts from zeros.

    Returns:
        In floats, of the folded and rotated weights, as `turned` gives.
    """
    shape = model.shape
    texts = [torch.from_numpy(b) for b in _batches(sequences, TOKENS)]
    have = _tensors(Rounded(model))
    wanted, head = _exact(weights, texts, model.hadamard)
    heads = have[head_name(shape)], head
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

    rate = RATE * min(1.0, LAYERS / shape.layers)
    adam = torch.optim.Adam([t for pair in pairs.values() for t in pair], lr=rate, betas=BETAS)
    order = np.random.default_rng(seed)
    tokens = sum(t.numel() for t in texts)
    epochs = min(EPOCHS, -(-ENOUGH // tokens)) if tokens else 0
    queue = [int(i) for _ in range(epochs) for i in order.permutation(len(texts))]
    recent: list[float] = []
    for step, i in enumerate(queue):
        done = (step + 0.5) / len(queue)
        adam.param_groups[0]["lr"] = rate * min(done / WARM, (1 - done) / (1 - WARM))
        found = _head_input(shape, have, times, model.hadamard, texts[i])
        loss, slope = divergence(found, wanted[i], *heads)
        adam.zero_grad()
        found.backward(slope)
        adam.step()
        recent.append(loss)
        if len(recent) == TOLD or step + 1 == len(queue):
            mean = sum(recent) / len(recent)
            say(f"repair: step {step + 1} of {len(queue)}, divergence {mean:.4f} nats per token")
            recent.clear()
    with torch.no_grad():
        real = {n: (a * units[n][0], b * units[n][1]) for n, (a, b) in pairs.items()}
    return Lora("repair", rank, {name: (_array(a), _array(b)) for name, (a, b) in real.items()})


def _tensors(weights: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Matrices in the type of products, the final norm's weights in float32."""
    found = {n: torch.from_numpy(weights[n].astype(np.float32)) for n in weights if n != "hadamard"}
    return {n: w if n == "final_norm" else w.to(FAST) for n, w in found.items()}


def _exact(weights: Folded, texts: Sequence[Tensor], block: int) -> tuple[list[Tensor], Tensor]:
    """What the head multiplies in the exact model, of each text, and the head."""
    exact = _tensors(weights)

    def times(name: str, x: Tensor) -> Tensor:
        return multiply(x, exact[name])

    with torch.no_grad():
        found = [_head_input(weights.shape, exact, times, block, t) for t in texts]
    return found, exact[head_name(weights.shape)]


def _batches(sequences: Sequence[Sequence[int]], tokens: int) -> list[np.ndarray]:
    """Texts of one length [b, t], about `tokens` tokens or one text in each."""
    whole = by_length([s for s in sequences if len(s) > 1])
    return [b[i : i + n] for b in whole for n in [max(1, tokens // b.shape[1])] for i in range(0, len(b), n)]


def _head_input(shape: Shape, have: Mapping[str, Tensor], times: Times, block: int, tokens: Tensor) -> Tensor:
    """[b * (t - 1), dim]: what the head multiplies, for all tokens [b, t] but the last of each text."""
    x = F.embedding(tokens[:, :-1], have["embed"]).float()
    for n in range(shape.layers):
        x = decoder_layer(shape, n, times, x, block)
    y = rms_norm(x, shape.norm_eps).flatten(0, 1)
    if "final" in have:
        return times("final", y)
    return y * have["final_norm"] if "final_norm" in have else y


def divergence(given: Tensor, wanted: Tensor, head: Tensor, exact: Tensor) -> tuple[float, Tensor]:
    """Mean divergence of a head's predictions from the exact model's, and its slope by `given` [n, dim].

    Logits of a large vocabulary are the largest arrays there are, and the slope needs no more than
    the difference of probabilities: no more than `ROWS` rows of them are held.

    Args:
        given: [n, dim], what `head` [vocab, dim] multiplies.
        wanted: [n, dim], what `exact` [vocab, dim] multiplies.
        head: Of the rounded model.
        exact: Of the exact one.
    """
    total, slope = 0.0, torch.empty_like(given)
    with torch.no_grad():
        for at in range(0, len(given), ROWS):
            rows = slice(at, at + ROWS)
            p = F.log_softmax(multiply(wanted[rows], exact), -1)
            q = F.log_softmax(multiply(given[rows], head), -1)
            share = p.exp()
            total += float((share * p.sub_(q)).sum())
            slope[rows] = multiply(q.exp_().sub_(share), head.T)
    return total / len(given), slope / len(given)


def _array(t: Tensor) -> np.ndarray:
    result: np.ndarray = t.detach().numpy().astype(np.float64)
    return result
