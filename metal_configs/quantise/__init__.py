"""From a float checkpoint to integer codes and scales."""

__all__ = ["Method", "Policy", "average_bits", "dequantised", "fold", "quantise", "quantise_matrix"]

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.fold import final_gain, fold, fold_matrix
from metal_configs.quantise.rounding import gptq, round_to_nearest
from metal_configs.reference import activations
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantMatrix, QuantModel

Method = Literal["rtn", "gptq"]
WIDTHS = (3, 4, 6)
# The tap of the reference whose activations each kind of matrix multiplies.
INPUTS = {
    "q": "attn_in", "k": "attn_in", "v": "attn_in", "o": "attn_out",
    "gate": "mlp_in", "up": "mlp_in", "down": "h",
}  # fmt: skip


@dataclass(frozen=True)
class Policy:
    """How to quantise.

    Attributes:
        method: "rtn" (nearest codes, scale of least square error) or "gptq" (needs calibration sequences).
        bits: Width of a code: 3, 4 or 6. Keys are a matrix ("layers.0.down"), a kind ("down"), or "*" for the
            rest, the narrower key first. An integer stands for {"*": it, "embed": 6, "head": 6}.
        damping: GPTQ: added to the Hessian's diagonal, as a share of its mean.
    """

    method: Method = "rtn"
    bits: int | dict[str, int] = field(default=4)
    damping: float = 0.01

    def bits_of(self, name: str) -> int:
        """Width of the codes of one matrix.

        Raises:
            FlowError: The width is none of 3, 4, 6, or no key fits.
        """
        table = self.bits if isinstance(self.bits, dict) else {"*": self.bits, "embed": 6, "head": 6}
        bits = next((table[k] for k in (name, name.rpartition(".")[2], "*") if k in table), None)
        if bits not in WIDTHS:
            raise FlowError(
                f"{name} would have {bits} bits, expected one of {WIDTHS}", where="quantise policy",
                code=ExitCode.USAGE, hint='Give a key "*" for the matrices that are not named.',
            )  # fmt: skip
        assert bits is not None
        return bits


def dequantised(model: QuantModel) -> dict[str, np.ndarray]:
    """Float weights that mean the same as the model's codes, for `metal_configs.reference`."""
    return {name: m.dequantised() for name, m in model.matrices.items()} | {"final_norm": model.final_norm}


def average_bits(model: QuantModel) -> float:
    """Bits of code per weight, over all matrices; scales not counted."""
    sizes = [(m.codes.size, m.bits) for m in model.matrices.values()]
    return sum(n * b for n, b in sizes) / sum(n for n, _ in sizes)


def quantise_matrix(checkpoint: Checkpoint, name: str, policy: Policy) -> QuantMatrix:
    """Fold and round one matrix to nearest; a model of any size goes through memory matrix by matrix."""
    return round_to_nearest(fold_matrix(checkpoint, name), policy.bits_of(name))


def quantise(
    checkpoint: Checkpoint, policy: Policy | None = None, calibration: Sequence[Sequence[int]] = ()
) -> QuantModel:
    """Fold the norms and round every matrix; the same input gives the same codes.

    Args:
        checkpoint: The float model.
        policy: How; round to nearest at 4 bits, embedding and head at 6, by default.
        calibration: Token sequences that GPTQ draws activations from; they flow through the matrices that are
            already rounded, so that later ones make up for earlier ones. Round to nearest needs none.

    Raises:
        FlowError: A policy that cannot be followed, or a damaged checkpoint.
    """
    policy = policy or Policy()
    if policy.method == "gptq":
        matrices = _gptq(checkpoint, policy, calibration)
    else:
        matrices = {n: quantise_matrix(checkpoint, n, policy) for n in checkpoint.shape.matrices()}
    return QuantModel(checkpoint.name, checkpoint.shape, matrices, final_gain(checkpoint))


def _gptq(
    checkpoint: Checkpoint, policy: Policy, calibration: Sequence[Sequence[int]]
) -> dict[str, QuantMatrix]:
    if not any(len(s) > 1 for s in calibration):
        raise FlowError(
            "GPTQ has no calibration sequences", where="quantise", code=ExitCode.USAGE,
            hint='Give some, or use method "rtn".',
        )  # fmt: skip
    shape = checkpoint.shape
    weights, final = fold(checkpoint)
    current = weights | {"final_norm": final}
    done: dict[str, QuantMatrix] = {}
    seen: dict[str, np.ndarray] = {}
    for name in shape.matrices():  # the order of execution
        layer, _, kind = name.rpartition(".")
        if name == "embed":  # its input is one-hot: nearest is best
            done[name] = round_to_nearest(weights[name], policy.bits_of(name))
        else:
            tap = "head_in" if name == "head" else f"{layer}.{INPUTS[kind]}"
            if tap not in seen:
                seen = activations(shape, current, calibration, [tap], np.float64)
            done[name] = gptq(weights[name], policy.bits_of(name), seen[tap], policy.damping)
        current[name] = done[name].dequantised()
    return done
