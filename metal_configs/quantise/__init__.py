"""From a float checkpoint to integer codes and scales."""

__all__ = [
    "Folded", "Format", "Method", "Policy", "Rotation", "Rounded", "average_bits", "average_rom_bits",
    "dequantised", "fold", "on_grid", "quantise",
]  # fmt: skip

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.calibrate import quantise_layers
from metal_configs.quantise.fold import fold, fold_matrix
from metal_configs.quantise.policy import Format, Method, Policy
from metal_configs.quantise.rotate import Folded, Rotation
from metal_configs.quantise.rounding import round_to_nearest
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.quantised import QuantModel

Say = Callable[[str], None]
ON_GRID = 1e-3  # relative error below which rounding has only repeated the weights


class Rounded(Mapping[str, np.ndarray]):
    """Float weights that mean the same as a model's codes, made matrix by matrix when they are read."""

    def __init__(self, model: QuantModel) -> None:
        self._model = model

    def __getitem__(self, name: str) -> np.ndarray:
        if name == "final_norm":
            return self._model.final_norm
        if name == "hadamard":
            return np.array(self._model.hadamard)
        return self._model.matrices[name].dequantised(np.float32)

    def __contains__(self, name: object) -> bool:
        return name in self._model.matrices or name in ("final_norm", "hadamard")

    def __iter__(self) -> Iterator[str]:
        return iter([*self._model.matrices, "final_norm", "hadamard"])

    def __len__(self) -> int:
        return len(self._model.matrices) + 2


def dequantised(model: QuantModel) -> dict[str, np.ndarray]:
    """Float64 weights that mean the same as the model's codes, for models that fit in memory."""
    rest = {"final_norm": model.final_norm, "hadamard": np.array(model.hadamard)}
    return {name: m.dequantised() for name, m in model.matrices.items()} | rest


def average_bits(model: QuantModel) -> float:
    """Bits of code a weight, over all matrices; factors not counted."""
    sizes = [(m.codes.size, m.bits) for m in model.matrices.values()]
    return sum(n * b for n, b in sizes) / sum(n for n, _ in sizes)


def average_rom_bits(model: QuantModel) -> float:
    """Bits of ROM a weight, over all matrices: codes and factors."""
    matrices = model.matrices.values()
    return sum(m.rom_bits() for m in matrices) / sum(m.codes.size for m in matrices)


def on_grid(checkpoint: Checkpoint) -> bool:
    """Whether weights are whole multiples of one scale an output already, as after training for 4-bit codes.

    A rotation would take them off that grid. The first layer is looked at.
    """
    for kind in ("q", "down"):
        w = fold_matrix(checkpoint, f"layers.0.{kind}")
        if np.linalg.norm(round_to_nearest(w, 4).dequantised() - w) > ON_GRID * np.linalg.norm(w):
            return False
    return True


def quantise(
    checkpoint: Checkpoint,
    policy: Policy | None = None,
    calibration: Sequence[Sequence[int]] = (),
    say: Say = lambda text: None,
    rotation: Rotation | None = None,
) -> QuantModel:
    """Fold the norms, rotate if asked for, and round every matrix; the same input gives the same codes.

    Args:
        checkpoint: The float model.
        policy: How; round to nearest at 4 bits, embedding and head at 6, by default.
        calibration: Token sequences that GPTQ draws activations from; they flow through the layers that are
            already rounded, so that later ones make up for earlier ones. Round to nearest needs none.
        say: Told about progress.
        rotation: Of the model; None leaves it as it is.

    Raises:
        FlowError: A policy that cannot be followed, or a damaged checkpoint.
    """
    policy = policy or Policy()
    weights = Folded(checkpoint, rotation)
    if policy.method != "rtn":
        if not any(len(s) > 1 for s in calibration):
            raise FlowError(
                f"{policy.method} has no calibration sequences", where="quantise", code=ExitCode.USAGE,
                hint='Give some, or use method "rtn".',
            )  # fmt: skip
        matrices = quantise_layers(weights, policy, calibration, say)
    else:
        matrices = {}
        for name in weights.matrices():
            form = policy.format_of(name)
            matrices[name] = round_to_nearest(weights[name], form.bits)
    gain = weights["final_norm"] if "final_norm" in weights else np.ones(checkpoint.shape.dim)
    block = rotation.block if rotation else 1
    return QuantModel(checkpoint.name, checkpoint.shape, matrices, gain, checkpoint.ends, block)
