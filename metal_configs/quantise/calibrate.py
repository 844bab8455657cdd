"""GPTQ over a whole model, layer by layer: one layer's weights and the text's residual are all it holds."""

__all__ = ["INPUTS", "head_moment", "quantise_layers"]

from collections.abc import Callable, Sequence

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.fold import final_gain, fold_matrix
from metal_configs.quantise.gptq import Hessian, gptq
from metal_configs.quantise.policy import Policy
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.reference import Record, by_length, head_input, layer, layer_names
from rtl_gen.golden.quantised import QuantMatrix
from rtl_gen.golden.shape import Shape

# The tap of the reference whose activations each kind of matrix multiplies.
INPUTS = {
    "q": "attn_in", "k": "attn_in", "v": "attn_in", "o": "attn_out",
    "gate": "mlp_in", "up": "mlp_in", "down": "h",
}  # fmt: skip
STAGES = (("q", "k", "v"), ("o",), ("gate", "up"), ("down",))
HEAD_TOKENS = 4000  # of calibration text, on which the head of a tied model is calibrated
SMALL = 1 << 22  # weights of a model for which every stage is calibrated behind the ones before it


def quantise_layers(
    checkpoint: Checkpoint, policy: Policy, calibration: Sequence[Sequence[int]], say: Callable[[str], None]
) -> dict[str, QuantMatrix]:
    """Every matrix by GPTQ; an embedding that is not the head too (its input is one-hot) to nearest."""
    shape = checkpoint.shape
    done: dict[str, QuantMatrix] = {}
    form = policy.format_of("embed")
    embed = fold_matrix(checkpoint, "embed")
    if shape.tied:
        second = head_moment(checkpoint, calibration)
        done["embed"] = gptq(embed, form.bits, second, form.group, policy.damping)
    else:
        done["embed"] = round_to_nearest(embed, form.bits, form.group)
    embed = done["embed"].dequantised(np.float32)
    batches = [b[:, :-1] for b in by_length([s for s in calibration if len(s) > 1])]
    x = [embed[tokens] for tokens in batches]
    del embed
    whole = sum(a * b for a, b in shape.matrices().values())
    # One stage after another costs a pass through the layer for each; large models take one for all.
    stages = STAGES if whole <= SMALL else (tuple(INPUTS),)
    for n in range(shape.layers):
        say(f"layer {n + 1} of {shape.layers}")
        p = f"layers.{n}."
        current = {p + k: fold_matrix(checkpoint, p + k).astype(np.float32) for k in INPUTS}
        for stage in stages:
            moments = _moments(shape, current, n, x, {INPUTS[k] for k in stage})
            for kind in stage:
                form = policy.format_of(p + kind)
                hessian = moments[INPUTS[kind]].mean()
                done[p + kind] = gptq(current[p + kind], form.bits, hessian, form.group, policy.damping)
            current |= {p + k: done[p + k].dequantised(np.float32) for k in stage}
        x = [layer(shape, current, n, part) for part in x]
    if not shape.tied:
        form = policy.format_of("head")
        moment = Hessian.of(shape.dim)
        final = {"final_norm": final_gain(checkpoint)}
        for part in x:
            moment.add(head_input(shape, final, part))
        w = fold_matrix(checkpoint, "head")
        done["head"] = gptq(w, form.bits, moment.mean(), form.group, policy.damping)
    return {name: done[name] for name in shape.matrices()}


def head_moment(checkpoint: Checkpoint, calibration: Sequence[Sequence[int]]) -> np.ndarray:
    """float64 [dim, dim]: second moments of what the head multiplies, in the exact model."""
    shape = checkpoint.shape
    texts = [s for s in calibration if len(s) > 1]
    share = max(1, sum(map(len, texts)) // HEAD_TOKENS)
    batches = [b[:, :-1] for b in by_length(texts[::share])]
    embed = fold_matrix(checkpoint, "embed").astype(np.float32)
    x = [embed[b] for b in batches]
    del embed
    tensors = checkpoint.tensors()
    for n in range(shape.layers):
        here = {k: tensors[k] for k in layer_names(n)}
        x = [layer(shape, here, n, part) for part in x]
    moment = Hessian.of(shape.dim)
    for part in x:
        moment.add(head_input(shape, tensors, part))
    return moment.mean()


def _moments(
    shape: Shape, weights: dict[str, np.ndarray], n: int, x: list[np.ndarray], taps: set[str]
) -> dict[str, Hessian]:
    sizes = {"attn_in": shape.dim, "attn_out": shape.q_dim, "mlp_in": shape.dim, "h": shape.hidden}
    out = {t: Hessian.of(sizes[t]) for t in sorted(taps)}
    for part in x:
        record: Record = {}
        layer(shape, weights, n, part, record)
        for t, moment in out.items():
            moment.add(record[f"layers.{n}.{t}"])
    return out
