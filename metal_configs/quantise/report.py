"""What quantisation costs, measured on text that neither training nor calibration saw."""

__all__ = ["Report", "Row", "report"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise import average_bits, dequantised
from metal_configs.quantise.fold import fold_matrix
from metal_configs.reference import Score, evaluate, logits
from rtl_gen.golden.quantised import QuantModel

Logits = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Row:
    """One model of the comparison.

    Attributes:
        name: "float", "weights rounded", or what the caller added.
        score: On the held-out sequences.
        agreement: Share of positions where this model and the float one rank the same token first.
    """

    name: str
    score: Score
    agreement: float


@dataclass(frozen=True)
class Report:
    """Rows from float to integer, and by matrix the relative error ||q - w|| / ||w|| (Frobenius) and bits."""

    rows: tuple[Row, ...]
    errors: dict[str, float]
    bits: dict[str, int]
    average_bits: float

    def text(self) -> str:
        """The report as an aligned table."""
        out = [f"{'model':<20} {'nats/token':>10} {'top-1':>7} {'agrees':>7}"]
        out += [
            f"{r.name:<20} {r.score.nll:>10.4f} {r.score.top1:>7.2%} {r.agreement:>7.2%}" for r in self.rows
        ]
        out += ["", f"{'matrix':<20} {'bits':>4} {'relative error':>15}"]
        out += [f"{name:<20} {self.bits[name]:>4} {e:>15.2%}" for name, e in self.errors.items()]
        return "\n".join([*out, "", f"{self.average_bits:.2f} bits per weight on average"])


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) or 1.0))


def report(
    checkpoint: Checkpoint,
    model: QuantModel,
    sequences: Sequence[Sequence[int]],
    extra: Mapping[str, Logits] | None = None,
) -> Report:
    """Compare a quantised model with its checkpoint.

    Args:
        checkpoint: The float model.
        model: What `quantise` made of it.
        sequences: Held-out token numbers.
        extra: Further models by name, such as the integer golden model: from tokens [b, t] to logits
            [b, t, vocab] in nats.
    """
    shape = checkpoint.shape
    exact, rounded = checkpoint.weights(), dequantised(model)
    models: dict[str, Logits] = {
        "float": lambda tokens: logits(shape, exact, tokens),
        "weights rounded": lambda tokens: logits(shape, rounded, tokens),
        **(extra or {}),
    }
    choices: dict[str, list[np.ndarray]] = {name: [] for name in models}
    rows = []
    for name, run in models.items():

        def watched(tokens: np.ndarray, run: Logits = run, name: str = name) -> np.ndarray:
            y = run(tokens)
            choices[name].append(np.asarray(y).argmax(-1).ravel())
            return y

        result = evaluate(watched, sequences)
        same = np.concatenate(choices[name]) == np.concatenate(choices["float"])
        rows.append(Row(name, result, float(same.mean())))
    errors = {
        name: _error(m.dequantised(), fold_matrix(checkpoint, name)) for name, m in model.matrices.items()
    }
    bits = {name: m.bits for name, m in model.matrices.items()}
    return Report(tuple(rows), errors, bits, average_bits(model))
