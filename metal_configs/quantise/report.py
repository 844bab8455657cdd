"""What quantisation costs, measured on text that neither training nor calibration saw."""

__all__ = ["Kind", "Report", "Row", "report"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise import Rounded, average_bits, average_rom_bits
from metal_configs.quantise.rotate import Folded, Rotation
from metal_configs.reference import Score, Tally, by_length, stream
from rtl_gen.golden.quantised import QuantModel

Logits = Callable[[np.ndarray], np.ndarray]
FLOAT, ROUNDED = "float", "weights rounded"


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
class Kind:
    """What the matrices of one kind ("q", "down" ..) have in common."""

    name: str
    bits: str
    rom_bits: float
    mean_error: float
    worst_error: float


@dataclass(frozen=True)
class Report:
    """Rows from float to integer, and by matrix what it costs.

    Attributes:
        errors: Relative error ||q - w|| / ||w|| (Frobenius).
        bits: Width of a code.
        rom_bits: Bits of ROM: codes and factors.
        weights: How many a matrix has.
        average_bits: Bits of code a weight.
        average_rom_bits: Bits of ROM a weight.
    """

    rows: tuple[Row, ...]
    errors: dict[str, float]
    bits: dict[str, int]
    rom_bits: dict[str, int]
    weights: dict[str, int]
    average_bits: float
    average_rom_bits: float

    def kinds(self) -> list[Kind]:
        """Matrices by kind, in the order of execution."""
        names: dict[str, list[str]] = {}
        for n in self.errors:
            names.setdefault(n.rpartition(".")[2], []).append(n)
        return [self._kind(k, some) for k, some in names.items()]

    def _kind(self, kind: str, names: list[str]) -> Kind:
        forms: dict[str, int] = {}
        for n in sorted(names, key=lambda n: self.bits[n]):
            forms[str(self.bits[n])] = forms.get(str(self.bits[n]), 0) + 1
        errors = [self.errors[n] for n in names]
        share = sum(self.rom_bits[n] for n in names) / sum(self.weights[n] for n in names)
        text = ", ".join(f"{n} x {f}" if len(names) > 1 else f for f, n in forms.items())
        return Kind(kind, text, share, float(np.mean(errors)), max(errors))

    def to_dict(self) -> dict[str, object]:
        """As JSON types; perplexity and loss relative to float are added."""
        exact = self.rows[0].score.nll
        rows = [
            asdict(r) | {"perplexity": float(np.exp(r.score.nll)), "nll_ratio": r.score.nll / exact}
            for r in self.rows
        ]
        return asdict(self) | {"rows": rows}

    def text(self) -> str:
        """The report as aligned tables."""
        out = [f"{'model':<22} {'nats/token':>10} {'perplexity':>10} {'top-1':>7} {'agrees':>7}"]
        out += [
            f"{r.name:<22} {r.score.nll:>10.4f} {np.exp(r.score.nll):>10.3f}"
            f" {r.score.top1:>7.2%} {r.agreement:>7.2%}"
            for r in self.rows
        ]
        out += ["", f"{'matrix':<16} {'bits':>4} {'ROM bits':>10} {'relative error':>15}"]
        out += [
            f"{n:<16} {self.bits[n]:>4} {self.rom_bits[n]:>10} {e:>15.2%}" for n, e in self.errors.items()
        ]
        averages = f"{self.average_bits:.2f} bits of code a weight, {self.average_rom_bits:.2f} bits of ROM"
        return "\n".join([*out, "", f"{averages} with its factors"])


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) or 1.0))


def report(
    checkpoint: Checkpoint,
    model: QuantModel,
    sequences: Sequence[Sequence[int]],
    extra: Mapping[str, Logits] | None = None,
    say: Callable[[str], None] = lambda text: None,
    rotation: Rotation | None = None,
) -> Report:
    """Compare a quantised model with its checkpoint; layers and batches go through memory one by one.

    Args:
        checkpoint: The float model.
        model: What `quantise` made of it.
        sequences: Held-out token numbers.
        extra: Further models by name, such as the integer golden model: from tokens [b, t] to logits
            [b, t, vocab] in nats.
        say: Told about progress.
        rotation: With which it was made.
    """
    shape = checkpoint.shape
    batches = list(by_length([s for s in sequences if len(s) > 1]))
    models: dict[str, Callable[[], Iterator[np.ndarray]]] = {
        FLOAT: lambda: stream(shape, checkpoint.tensors(), [b[:, :-1] for b in batches]),
        ROUNDED: lambda: stream(shape, Rounded(model), [b[:, :-1] for b in batches]),
    }
    for name, run in (extra or {}).items():
        models[name] = lambda run=run: (run(b[:, :-1]) for b in batches)  # type: ignore[misc]
    tallies: dict[str, Tally] = {}
    for name, start in models.items():
        say(f"measuring {name}")
        tally = tallies[name] = Tally()
        for y, batch in zip(start(), batches, strict=True):
            tally.add(y, batch[:, 1:])
    first = np.concatenate(tallies[FLOAT].choices)
    matrices, exact = model.matrices, Folded(checkpoint, rotation)
    return Report(
        rows=tuple(
            Row(name, t.score(), float((np.concatenate(t.choices) == first).mean()))
            for name, t in tallies.items()
        ),
        errors={n: _error(m.dequantised(), exact[n]) for n, m in matrices.items()},
        bits={n: m.bits for n, m in matrices.items()},
        rom_bits={n: m.rom_bits() for n, m in matrices.items()},
        weights={n: m.codes.size for n, m in matrices.items()},
        average_bits=average_bits(model),
        average_rom_bits=average_rom_bits(model),
    )
