"""Bits for every matrix under an average-bit budget, by measured sensitivity."""

__all__ = ["Choice", "allot", "choose_formats", "sensitivities"]

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metal_configs.quantise.calibrate import INPUTS, head_moment
from metal_configs.quantise.gptq import gptq
from metal_configs.quantise.policy import FINAL, WIDTHS, Format, Method
from metal_configs.quantise.rotate import Folded
from metal_configs.quantise.rounding import round_to_nearest
from metal_configs.reference import Record, by_length, head_input, layer, layer_names
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape

PROBE = Format(4)  # small enough that losses add up and scale; measured on the whole model
COARSE = Format(3)  # probes a matrix that lies on the grid of PROBE, as after training for it
SAMPLE = 96  # outputs of a matrix on which formats are compared
TOKENS = 96  # of calibration text, that the whole model is measured on
NOISE = 1e-3  # relative error below which a probe has only repeated the weights
ROWS = 64  # positions whose logits are held at a time


@dataclass(frozen=True)
class Choice:
    """A format of one matrix: its bits of ROM and what it costs (nats of divergence a token, expected)."""

    form: Format
    rom_bits: int
    loss: float


def allot(choices: Mapping[str, Sequence[Choice]], bits: int, where: str = "") -> dict[str, Format]:
    """The formats of least total loss that take at most so many bits.

    Each matrix climbs the lower convex hull of its choices, the steepest step of all first, so the result is
    the best there is for the bits it takes, but for the last steps that no longer fit.

    Raises:
        FlowError: Even the smallest formats take more.
    """
    hulls = {n: _hull(c) for n, c in choices.items()}
    left = bits - sum(h[0].rom_bits for h in hulls.values())
    if left < 0:
        raise FlowError(
            f"the smallest formats take {bits - left} bits of ROM, the budget is {bits}", where=where,
            code=ExitCode.USAGE, hint="Give more bits per weight: codes have 3 at least, scales come on top.",
        )  # fmt: skip
    steps = []
    for name, hull in hulls.items():
        for at, (a, b) in enumerate(itertools.pairwise(hull)):
            steps.append(((b.loss - a.loss) / (b.rom_bits - a.rom_bits), name, at, b))
    taken = {n: h[0].form for n, h in hulls.items()}
    level = dict.fromkeys(hulls, 0)
    for _, name, at, to in sorted(steps, key=lambda s: s[:3]):
        more = to.rom_bits - hulls[name][level[name]].rom_bits
        if level[name] == at and more <= left:
            left -= more
            level[name], taken[name] = at + 1, to.form
    return taken


def _hull(choices: Sequence[Choice]) -> list[Choice]:
    """Choices from the smallest up, each step saving less loss a bit than the one before."""
    hull: list[Choice] = []
    for c in sorted(choices, key=lambda c: (c.rom_bits, c.loss)):
        if hull and (c.loss >= hull[-1].loss or c.rom_bits == hull[-1].rom_bits):
            continue
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-2], c):
            hull.pop()
        hull.append(c)
    return hull


def _slope(a: Choice, b: Choice) -> float:
    return (b.loss - a.loss) / (b.rom_bits - a.rom_bits)


def choose_formats(
    weights: Folded,
    budget: float,
    calibration: Sequence[Sequence[int]],
    say: Callable[[str], None] = lambda text: None,
    method: Method = "gptq",
) -> dict[str, Format]:
    """A format for every matrix.

    Args:
        weights: The exact model, as it will be rounded.
        budget: Bits of ROM per weight, factors included.
        calibration: Token sequences to measure on.
        say: Told about progress.
        method: With which the formats will be used.

    Raises:
        FlowError: No number, or even the smallest formats take more; said before anything is measured.
    """
    shape = weights.shape
    forms = [Format(b) for b in WIDTHS]
    number = sum(a * b for a, b in weights.matrices().values())
    fixed = Format(FINAL).rom_bits(shape.dim, shape.dim) if "final" in weights else 0
    least = fixed + sum(min(f.rom_bits(*size) for f in forms) for size in shape.matrices().values())
    if not least / number <= budget < float("inf"):
        raise FlowError(
            f"{budget:g} bits per weight are asked for, the smallest formats take {least / number:.3f}",
            where=weights.checkpoint.name, code=ExitCode.USAGE,
            hint="Give at least as many: codes have 3 bits or more, scales come on top.",
        )  # fmt: skip
    losses = sensitivities(weights, forms, calibration, say, method)
    choices = {
        name: [Choice(f, f.rom_bits(*shape.matrices()[name]), loss) for f, loss in table.items()]
        for name, table in losses.items()
    }
    return allot(choices, int(budget * number) - fixed, where=weights.checkpoint.name)


def sensitivities(
    weights: Folded,
    forms: Sequence[Format],
    calibration: Sequence[Sequence[int]],
    say: Callable[[str], None] = lambda text: None,
    method: Method = "rtn",
) -> dict[str, dict[Format, float]]:
    """What each format of each matrix is expected to cost, in nats of divergence from the float model.

    One matrix at a time is rounded to `PROBE` in the otherwise exact model (to `COARSE` where that changes
    nothing), and the divergence of the whole model's predictions is measured. Other formats cost in
    proportion to the square error that they make in the matrix's own output on the same text, as small
    errors do.
    """
    shape = weights.shape
    batches = _probe_text(calibration)
    final = {k: weights[k].astype(np.float32) for k in ("final", "final_norm") if k in weights}
    embed = weights["embed"].astype(np.float32)
    head = embed if shape.tied else weights["head"].astype(np.float32)
    x = [embed[b] for b in batches]
    before: list[list[np.ndarray]] = []
    known: dict[str, np.ndarray] = {}
    records: list[list[np.ndarray]] = []
    for n in range(shape.layers):
        before.append(x)
        here = {k: weights[k].astype(np.float32) for k in layer_names(n) if k in weights}
        taps: dict[str, list[np.ndarray]] = {t: [] for t in dict.fromkeys(INPUTS.values())}
        after = []
        for part in x:
            record: Record = {}
            after.append(layer(shape, here, n, part, record))
            for t, rows in taps.items():
                a = record[f"layers.{n}.{t}"]
                rows.append(a.reshape(-1, a.shape[-1]))
        x = after
        records.append([np.concatenate(taps[t]) for t in taps])
        known |= here
    exact = _predictions(shape, final, head, x)
    out: dict[str, dict[Format, float]] = {}

    def measure(name: str, n: int, start: list[np.ndarray], changed: np.ndarray, last: np.ndarray) -> float:
        moved = known | {name: changed}
        y = start
        for m in range(n, shape.layers):
            y = [layer(shape, moved, m, part) for part in y]
        return _divergence(exact, _predictions(shape, final, last, y))

    # GPTQ spares a head far more than any other matrix, so a tied embedding is probed as it will be rounded.
    moment = head_moment(weights, calibration) if shape.tied and method != "rtn" else None
    form, probe = _probe(embed, moment)
    cost = measure("embed", 0, [probe[b] for b in batches], probe, probe if shape.tied else head)
    out["embed"] = _scaled(embed, None, forms, form, cost, moment)
    for n in range(shape.layers):
        say(f"sensitivity of layer {n + 1} of {shape.layers}")
        inputs = dict(zip(dict.fromkeys(INPUTS.values()), records[n], strict=True))
        for kind, tap in INPUTS.items():
            name = f"layers.{n}.{kind}"
            form, changed = _probe(known[name])
            cost = measure(name, n, before[n], changed, head)
            out[name] = _scaled(known[name], inputs[tap], forms, form, cost)
    if not shape.tied:
        form, changed = _probe(head)
        cost = _divergence(exact, _predictions(shape, final, changed, x))
        given = np.concatenate([head_input(shape, final, part).reshape(-1, shape.dim) for part in x])
        out["head"] = _scaled(head, given, forms, form, cost)
    return out


def _probe_text(calibration: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """Sequences of `TOKENS` tokens in all, if there are as many."""
    long = [s for s in calibration if len(s) > 1]
    if not long:
        raise FlowError(
            "no calibration text to measure sensitivity on", where="quantise", code=ExitCode.USAGE,
            hint="Give some, or name the bits of every matrix.",
        )  # fmt: skip
    chosen, tokens = [], 0
    for s in long[:: max(1, len(long) // 16)]:  # from all over the text
        chosen.append(s[: TOKENS + 1 - tokens])
        tokens += len(chosen[-1]) - 1
        if tokens >= TOKENS:
            break
    return [b[:, :-1] for b in by_length([s for s in chosen if len(s) > 1])]


def _predictions(
    shape: Shape, final: Mapping[str, np.ndarray], head: np.ndarray, x: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """float32 log-probabilities [positions, vocab] of each batch."""
    out = []
    for part in x:
        y = (head_input(shape, final, part) @ head.T).reshape(-1, len(head))
        for at in range(0, len(y), ROWS):
            rows = y[at : at + ROWS]
            rows -= rows.max(-1, keepdims=True)
            rows -= np.log(np.exp(rows).sum(-1, keepdims=True))
        out.append(y)
    return out


def _divergence(exact: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """Mean Kullback-Leibler divergence, in nats per token."""
    total, tokens = 0.0, 0
    for p, q in zip(exact, other, strict=True):
        for at in range(0, len(p), ROWS):
            a, b = p[at : at + ROWS], q[at : at + ROWS]
            total += float((np.exp(a) * (a - b)).sum(dtype=np.float64))
        tokens += len(p)
    return max(total / tokens, 0.0)


def _rounded(w: np.ndarray, form: Format, moment: np.ndarray | None) -> np.ndarray:
    if moment is not None:
        return gptq(w, form.bits, moment).dequantised(np.float32)
    return round_to_nearest(w, form.bits).dequantised(np.float32)


def _probe(w: np.ndarray, moment: np.ndarray | None = None) -> tuple[Format, np.ndarray]:
    """The first format that changes a matrix, and what it makes of it."""
    changed = _rounded(w, PROBE, moment)
    if np.linalg.norm(changed - w) > NOISE * np.linalg.norm(w):
        return PROBE, changed
    return COARSE, _rounded(w, COARSE, moment)


def _scaled(
    w: np.ndarray,
    inputs: np.ndarray | None,
    forms: Sequence[Format],
    probe: Format,
    cost: float,
    moment: np.ndarray | None = None,
) -> dict[Format, float]:
    """The cost of `probe`, scaled to every format by its square error on a sample of outputs."""
    rows = w[:: max(1, len(w) // SAMPLE)]

    def error(form: Format) -> float:
        off = _rounded(rows, form, moment) - rows
        if moment is not None:
            return float(np.einsum("oi,oi->", off @ moment, off))
        return float(np.square(off if inputs is None else inputs @ off.T, dtype=np.float64).sum())

    base = error(probe)
    return {f: cost * error(f) / base if base > 0 else 0.0 for f in forms}
