"""GPTQ over a whole model, layer by layer: one layer's weights and the text's residuals are all it holds.

Two copies of the text flow side by side: through the exact model and through the layers that are already
rounded. A matrix is not to repeat its own weights on what it is given, but to give what the exact one gives
on what that is given, as far as a linear map can (`_settle`).
"""

__all__ = ["INPUTS", "head_moment", "quantise_layers"]

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from metal_configs.quantise.gptq import gptq
from metal_configs.quantise.policy import Policy
from metal_configs.quantise.rotate import Folded
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.quantise.train_extra import no_pytorch
from metal_configs.reference import by_length, head_input, hidden, layer, layer_names, mixed, rms_norm
from rtl_gen.golden.quantised import QuantMatrix
from rtl_gen.golden.shape import Shape

# The tap of the reference whose activations each kind of matrix multiplies.
INPUTS = {
    "q": "attn_in", "k": "attn_in", "v": "attn_in", "o": "attn_out",
    "gate": "mlp_in", "up": "mlp_in", "down": "h",
}  # fmt: skip
HEAD_TOKENS = 4000  # of calibration text, on which the head of a tied model is calibrated
SWEEPS = 2  # over the codes, after GPTQ; what a further one saves is small
TRUST = 0.1  # of the mean power of the inputs: how strongly `_settle` holds on to the weights

Improve = Callable[
    [Shape, int, Mapping[str, np.ndarray], Mapping[str, QuantMatrix], "Parts", "Parts", int],
    dict[str, QuantMatrix],
]
Parts = list[np.ndarray]  # activations [b, t, features] of each batch
Inside = Callable[[Mapping[str, np.ndarray], np.ndarray], np.ndarray]


def quantise_layers(
    weights: Folded, policy: Policy, calibration: Sequence[Sequence[int]], say: Callable[[str], None]
) -> dict[str, QuantMatrix]:
    """Every matrix by GPTQ; an embedding that is not the head too (its input is one-hot) to nearest."""
    shape = weights.shape
    done: dict[str, QuantMatrix] = {}
    improve = _learner() if policy.method == "learned" else None

    embed = weights["embed"]
    if shape.tied:
        done["embed"] = _rounded(policy, "embed", embed, head_moment(weights, calibration))
    else:
        form = policy.format_of("embed")
        done["embed"] = round_to_nearest(embed, form.bits)
    batches = [b[:, :-1] for b in by_length([s for s in calibration if len(s) > 1])]
    exact = [embed[b].astype(np.float32) for b in batches]
    x = [done["embed"].dequantised(np.float32)[b] for b in batches]
    del embed
    for n in range(shape.layers):
        say(f"layer {n + 1} of {shape.layers}")
        want = _layer_weights(weights, n)
        have = dict(want)
        before = list(x)
        for kinds, inside, adds in _stages(shape, n):
            given, sums = [], _Sums(want[kinds[0]].shape[1])
            # Batch by batch: what a layer is given in all the text is the largest thing there is.
            for i, (a, b) in enumerate(zip(x, exact, strict=True)):
                a, b = (inside(w, rms_norm(part, shape.norm_eps)) for w, part in ((have, a), (want, b)))
                sums.add(a, b)
                if adds:
                    given.append(a)
                    exact[i] = exact[i] + b @ want[adds].T
            found = _settle(policy, want, kinds, sums)
            done.update(found)
            have.update({k: m.dequantised(np.float32) for k, m in found.items()})
            for i, a in enumerate(given):
                x[i] = x[i] + a @ have[adds].T
            del given
        if improve is not None:
            del x
            found = improve(shape, n, want, done, before, exact, int(want.get("hadamard", 1)))
            done.update(found)
            have.update({k: m.dequantised(np.float32) for k, m in found.items()})
            x = [layer(shape, have, n, part) for part in before]
    final = {k: weights[k] for k in ("final", "final_norm") if k in weights}
    if "final" in weights:
        given = [rms_norm(part, shape.norm_eps) for part in x]
        done["final"] = _rounded(policy, "final", final["final"], _moment(given))
    if not shape.tied:
        given = [head_input(shape, final, part) for part in x]
        done["head"] = _rounded(policy, "head", weights["head"], _moment(given))
    return {name: done[name] for name in weights.matrices()}


def _stages(shape: Shape, n: int) -> list[tuple[list[str], Inside, str]]:
    """Matrices that multiply the same vector, how it comes from the normed residual, and which of them adds
    to the residual ("" for none), in the order of execution."""
    p = f"layers.{n}."
    return [
        ([p + "q", p + "k", p + "v"], lambda w, a: a, ""),
        ([p + "o"], lambda w, a: mixed(shape, w, n, a), p + "o"),
        ([p + "gate", p + "up"], lambda w, a: a, ""),
        ([p + "down"], lambda w, a: hidden(w, n, a), p + "down"),
    ]


def head_moment(weights: Folded, calibration: Sequence[Sequence[int]]) -> np.ndarray:
    """float64 [dim, dim]: second moments of what the head multiplies, in the exact model."""
    shape = weights.shape
    texts = [s for s in calibration if len(s) > 1]
    share = max(1, sum(map(len, texts)) // HEAD_TOKENS)
    batches = [b[:, :-1] for b in by_length(texts[::share])]
    embed = weights["embed"].astype(np.float32)
    x = [embed[b] for b in batches]
    del embed
    for n in range(shape.layers):
        here = _layer_weights(weights, n)
        x = [layer(shape, here, n, part) for part in x]
    final = {k: weights[k] for k in ("final", "final_norm") if k in weights}
    return _moment([head_input(shape, final, part) for part in x])


def _layer_weights(weights: Folded, n: int) -> dict[str, np.ndarray]:
    return {k: weights[k].astype(np.float32) for k in layer_names(n) if k in weights}


def _learner() -> Improve:
    try:
        from metal_configs.quantise.learned import Learner
    except ImportError as e:
        raise no_pytorch("learned rounding", e, where="quantise", otherwise='use method "gptq"') from e
    return Learner().improve


def _rounded(policy: Policy, name: str, w: np.ndarray, moment: np.ndarray) -> QuantMatrix:
    form = policy.format_of(name)
    return gptq(w, form.bits, moment, policy.damping, sweeps=SWEEPS)


class _Sums:
    """Second moments of what matrices of so many inputs multiply, gathered batch by batch."""

    def __init__(self, inputs: int) -> None:
        self._moment, self._shift = np.zeros((2, inputs, inputs))
        self._tokens = 0

    def add(self, given: np.ndarray, wanted: np.ndarray) -> None:
        """A batch [b, t, inputs] of the rounded model, and what the exact one has there."""
        a, b = (part.reshape(-1, part.shape[-1]) for part in (given, wanted))
        self._moment += a.T @ a
        self._shift += (b - a).T @ a
        self._tokens += len(a)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """float64 [inputs, inputs]: means over tokens of given given', and of (wanted - given) given'."""
        tokens = max(self._tokens, 1)
        return self._moment / tokens, self._shift / tokens


def _settle(
    policy: Policy, want: Mapping[str, np.ndarray], names: Sequence[str], sums: _Sums
) -> dict[str, QuantMatrix]:
    """Round matrices by what they multiply in the rounded and in the exact model.

    Least squares finds the weights W' with which W' given is nearest to W wanted, and stays at W where
    the text does not say.
    """
    moment, shift = sums.means()
    inputs = len(moment)
    damped = moment + np.eye(inputs) * (TRUST * moment.trace() / inputs)
    correction = np.linalg.solve(damped, shift.T).T
    out = {}
    for name in names:
        w = want[name].astype(np.float64)
        out[name] = _rounded(policy, name, w + w @ correction, moment)
    return out


def _moment(given: Parts) -> np.ndarray:
    """float64 [features, features]: mean over tokens of a a'."""
    sums = _Sums(given[0].shape[-1])
    for part in given:
        sums.add(part, part)
    return sums.means()[0]
