"""What quantisation costs, measured on text that neither training nor calibration saw."""

__all__ = ["FLOAT", "ROUNDED", "Kind", "Report", "Row", "report"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise import Rounded, average_bits, average_rom_bits
from metal_configs.quantise.outliers import outliers
from metal_configs.quantise.rotate import Folded, Rotation
from metal_configs.reference import Score, by_length, stream
from rtl_gen.golden.quantised import QuantModel

Logits = Callable[[np.ndarray], np.ndarray]
FLOAT, ROUNDED = "float", "weights rounded"
FLOATS = ("BF16", "F16", "F32", "F64")  # as files name them
POSITIONS = 64  # whose logits are looked at together; bounds memory
BLOCK = 32  # consecutive tokens that are drawn together: neighbours are not independent
DRAWS = 1000


@dataclass(frozen=True)
class Row:
    """One model of the comparison, on one kind of text.

    Attributes:
        text: Kind of text.
        name: "float", "weights rounded", or what the caller added.
        score: On the held-out sequences.
        agreement: Share of positions where this model and the float one rank the same token first.
        kl: Divergence from the float model's predictions, nats per token.
        low, high: Between which the mean of (nats - those of float) lies with 95 %, by bootstrap over blocks
            of `BLOCK` tokens.
    """

    text: str
    name: str
    score: Score
    agreement: float
    kl: float
    low: float
    high: float


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
    """Rows from float to integer for each kind of text, and by matrix what it costs.

    Attributes:
        errors: Relative error ||q - w|| / ||w|| (Frobenius).
        bits: Width of a code.
        rom_bits: Bits of ROM: codes and factors, each code in its own bits (docs/arithmetic.md).
        weights: How many a matrix has.
        average_bits: Bits of code per weight.
        average_rom_bits: Bits of ROM per weight.
        outliers: Largest element over root mean square of what matrices of a kind multiply: mean and 99 %
            quantile, as they are and rotated; see `outliers`.
        source: Types of numbers in the checkpoint that are codes of another quantiser already.
    """

    rows: tuple[Row, ...]
    errors: dict[str, float]
    bits: dict[str, int]
    rom_bits: dict[str, int]
    weights: dict[str, int]
    average_bits: float
    average_rom_bits: float
    outliers: dict[str, tuple[float, ...]] = field(default_factory=dict)
    source: tuple[str, ...] = ()

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

    def first_text(self) -> list[Row]:
        """Rows of the first kind of text, the float model first."""
        return [r for r in self.rows if r.text == self.rows[0].text]

    def exact(self, row: Row) -> float:
        """Nats per token of the float model on the text of a row."""
        return next(r.score.nll for r in self.rows if r.text == row.text)

    def to_dict(self) -> dict[str, object]:
        """As JSON types; perplexity and loss relative to float are added."""
        rows = [
            asdict(r) | {"perplexity": float(np.exp(r.score.nll)), "nll_ratio": r.score.nll / self.exact(r)}
            for r in self.rows
        ]
        return asdict(self) | {"rows": rows}

    def text(self) -> str:
        """The report as aligned tables."""
        out = [
            f"{'text':<8} {'model':<22} {'tokens':>7} {'nats/token':>10} {'more, 95 %':>18}"
            f" {'perplexity':>10} {'top-1':>7} {'KL':>7} {'agrees':>7}"
        ]
        for r in self.rows:
            more = "" if r.name == FLOAT else f"{r.low:+.4f} .. {r.high:+.4f}"
            out.append(
                f"{r.text:<8} {r.name:<22} {r.score.tokens:>7} {r.score.nll:>10.4f} {more:>18}"
                f" {np.exp(r.score.nll):>10.3f} {r.score.top1:>7.2%} {r.kl:>7.4f} {r.agreement:>7.2%}"
            )
        out += ["", f"{'matrix':<16} {'bits':>4} {'ROM bits':>10} {'relative error':>15}"]
        out += [
            f"{n:<16} {self.bits[n]:>4} {self.rom_bits[n]:>10} {e:>15.2%}" for n, e in self.errors.items()
        ]
        if self.outliers:
            out += ["", f"{'largest / rms of':<16} {'mean':>8} {'99 %':>8} {'rotated':>8} {'99 %':>8}"]
            out += [
                f"{n:<16} " + " ".join(f"{v:>8.2f}" for v in values) for n, values in self.outliers.items()
            ]
        averages = f"{self.average_bits:.2f} bits of code per weight, {self.average_rom_bits:.2f} bits of ROM"
        out += ["", f"{averages} with its factors"]
        return "\n".join([*out, self.note()]).rstrip()

    def note(self) -> str:
        """What the comparison cannot show, where the checkpoint is rounded itself; else empty."""
        if not self.source:
            return ""
        read = ", ".join(self.source)
        return f"the float model is read from {read}: what that rounding cost is not counted"


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / (np.linalg.norm(wanted) or 1.0))


class _Tally:
    """Adds up one model's predictions beside those of the float model."""

    def __init__(self) -> None:
        self.nats: list[np.ndarray] = []
        self.right = self.same = 0
        self.divergence = 0.0

    def add(self, exact: np.ndarray, found: np.ndarray, target: np.ndarray) -> None:
        """Log-probabilities [n, vocab] of both, and the tokens [n] that followed."""
        first = found.argmax(-1)
        self.nats.append(-found[np.arange(len(target)), target])
        self.right += int((first == target).sum())
        self.same += int((first == exact.argmax(-1)).sum())
        if found is not exact:
            self.divergence += float((np.exp(exact) * (exact - found)).sum(dtype=np.float64))

    def row(self, text: str, name: str, exact: "_Tally") -> Row:
        nats, base = np.concatenate(self.nats), np.concatenate(exact.nats)
        n = len(nats)
        low, high = _interval(nats - base)
        score = Score(float(nats.mean()), self.right / n, n)
        return Row(text, name, score, self.same / n, max(self.divergence / n, 0.0), low, high)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """Where the mean of values [n] lies with 95 %: a bootstrap over blocks, seeded."""
    edges = np.arange(0, len(values), BLOCK)
    sums, sizes = np.add.reduceat(values, edges), np.diff(np.append(edges, len(values)))
    drawn = np.random.default_rng(0).integers(0, len(sums), (DRAWS, len(sums)))
    low, high = np.quantile(sums[drawn].sum(1) / sizes[drawn].sum(1), [0.025, 0.975])
    return float(low), float(high)


def _log_probabilities(logits: np.ndarray) -> np.ndarray:
    y = np.asarray(logits, np.float64)
    y = y - y.max(-1, keepdims=True)
    result: np.ndarray = y - np.log(np.exp(y).sum(-1, keepdims=True))
    return result


def _compare(
    text: str, models: Mapping[str, Callable[[], Iterator[np.ndarray]]], batches: Sequence[np.ndarray]
) -> list[Row]:
    tallies = {name: _Tally() for name in models}
    for all_logits in zip(*(start() for start in models.values()), [b[:, 1:] for b in batches], strict=True):
        *logits, target = all_logits
        flat = [y.reshape(-1, y.shape[-1]) for y in logits]
        for at in range(0, target.size, POSITIONS):
            part = slice(at, at + POSITIONS)
            exact = _log_probabilities(flat[0][part])
            for n, (y, tally) in enumerate(zip(flat, tallies.values(), strict=True)):
                tally.add(exact, exact if n == 0 else _log_probabilities(y[part]), target.ravel()[part])
    return [tally.row(text, name, tallies[FLOAT]) for name, tally in tallies.items()]


def report(
    checkpoint: Checkpoint,
    model: QuantModel,
    texts: Mapping[str, Sequence[Sequence[int]]],
    extra: Mapping[str, Logits] | None = None,
    say: Callable[[str], None] = lambda text: None,
    rotation: Rotation | None = None,
) -> Report:
    """Compare a quantised model with its checkpoint; layers and batches go through memory one by one.

    Args:
        checkpoint: The float model.
        model: What `quantise` made of it.
        texts: Held-out token numbers, by kind of text.
        extra: Further models by name, such as the integer golden model: from tokens [b, t] to logits
            [b, t, vocab] in nats.
        say: Told about progress.
        rotation: With which it was made.

    Raises:
        ValueError: A kind of text has no sequence of two or more tokens.
    """
    shape = checkpoint.shape
    rows: list[Row] = []
    for text, sequences in texts.items():
        batches = list(by_length([s for s in sequences if len(s) > 1]))
        if not batches:
            raise ValueError(f"no sequence of two or more tokens to score, of {text}")
        given = [b[:, :-1] for b in batches]
        models: dict[str, Callable[[], Iterator[np.ndarray]]] = {
            FLOAT: lambda given=given: stream(shape, checkpoint.tensors(), given),  # type: ignore[misc]
            ROUNDED: lambda given=given: stream(shape, Rounded(model), given),  # type: ignore[misc]
        }
        for name, run in (extra or {}).items():
            models[name] = lambda run=run, given=given: map(run, given)  # type: ignore[misc]
        say(f"measuring on {sum(b.size for b in given):,} tokens of {text}")
        rows += _compare(text, models, batches)
    matrices, exact = model.matrices, Folded(checkpoint, rotation)
    return Report(
        rows=tuple(rows),
        errors={n: _error(m.dequantised(), exact[n]) for n, m in matrices.items()},
        bits={n: m.bits for n, m in matrices.items()},
        rom_bits={n: m.rom_bits() for n, m in matrices.items()},
        weights={n: m.codes.size for n, m in matrices.items()},
        average_bits=average_bits(model),
        average_rom_bits=average_rom_bits(model),
        outliers=outliers(exact, next(iter(texts.values()))) if rotation else {},
        source=tuple(f for f in checkpoint.formats if f not in FLOATS),
    )
