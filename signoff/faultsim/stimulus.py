"""Requests that use as much of a ROM as they can: chosen from many by what the golden model does for each."""

__all__ = ["Entry", "choose_requests", "table_use"]

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rtl_gen.golden.arith import round_shift, xorshift32
from rtl_gen.golden.decoder import GoldenDecoder
from rtl_gen.golden.params import IntMatrix, IntModel
from rtl_gen.golden.sampling import DRAW_BITS
from signoff.gatesim.host import Request

Entry = tuple[str, int]  # of a table; or a hidden unit of a layer
PROMPTS = 1000  # prompts of two tokens that are looked at
RANDOM, CHOSEN = 250, 150  # texts from random prompts, and from chosen ones
BETAS = (8, 16, 32)  # temperatures 4, 2 and 1: the hotter, the more texts differ
MOVED, SAMPLES = 100.0, 24  # spread of a wrong logit's error, and how many errors are tried
SHOWN = 0.25  # what is usual
# How likely one use shows a wrong bit, roughly: one read of an entry; a hidden unit's value of 1
SHOWS = {"rsqrt": 0.05, "recip": 0.03, "exp2": 0.1, "rope": 0.05, "silu": 0.4, "hidden": 0.0003}


class _Watched(np.ndarray):
    """A table that notes which of its entries are read."""

    seen: list[np.ndarray]

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        self.seen.append(np.atleast_1d(np.asarray(at)).ravel())
        return np.asarray(self)[at]


@dataclass(frozen=True)
class _WatchedMatrix(IntMatrix):
    """A matrix that notes its inputs."""

    seen: list[np.ndarray]

    def dot(self, x: np.ndarray) -> np.ndarray:
        self.seen.append(np.abs(x))
        return super().dot(x)


class _Watcher(GoldenDecoder):
    """A golden model that estimates how likely another token came of logits that are a little wrong.

    A wrong bit that changes any value moves logits by about a hundred; what it is hardly matters.
    """

    def __init__(self, model: IntModel) -> None:
        super().__init__(model)
        vocab = model.shape.vocab
        moved = np.random.default_rng(0).normal(0.0, MOVED, (SAMPLES, vocab))
        self._moved = np.rint(moved).astype(np.int64)
        self._mask = (1 << (DRAW_BITS + (vocab - 1).bit_length())) - 1
        self.shown: list[float] = []

    def choose(self, logits: np.ndarray, beta: int, state: int) -> tuple[int, int]:
        token, after = super().choose(logits, beta, state)
        others = logits + self._moved
        if beta == 0:
            same = others.argmax(1) == token
        else:
            draws: list[int] = []
            while not draws or state != after:
                state = xorshift32(state)
                draws.append(state & self._mask)
            steps = round_shift((others.max(1, keepdims=True) - others) * beta, self.model.beta_shift)
            table = np.asarray(self.model.tables.exp2).astype(np.int64)
            sums = np.cumsum(table[np.minimum(steps, len(table) - 1)], axis=1)
            least = min(draws[:-1], default=self._mask + 1)
            below = sums[:, token - 1] if token else 0
            same = (least >= sums[:, -1]) & (draws[-1] < sums[:, token]) & (draws[-1] >= below)
        self.shown.append(1 - float(same.mean()))
        return token, after


class _Reader:
    """A golden model that notes what it uses."""

    def __init__(self, model: IntModel) -> None:
        self.tables: dict[str, list[np.ndarray]] = {}
        self.hidden: dict[str, list[np.ndarray]] = {}
        names = ("rsqrt", "recip", "exp2")
        tables: dict[str, Any] = {n: self._watch(n, getattr(model.tables, n)) for n in names}
        layers = []
        for n, layer in enumerate(model.layers):
            d, seen = layer.down, self.hidden.setdefault(f"layers.{n}.hidden", [])
            down = _WatchedMatrix(d.bits, d.codes, d.factors, seen)
            layers.append(replace(layer, silu=self._watch(f"layers.{n}.silu", layer.silu), down=down))
        watched = replace(model, tables=replace(model.tables, **tables), layers=tuple(layers))
        self.decoder = _Watcher(watched)
        self.rope = model.shape.head_dim * 2

    def _watch(self, name: str, table: np.ndarray) -> np.ndarray:
        watched = np.asarray(table).view(_Watched)
        watched.seen = self.tables[name] = []
        return watched

    def shown(self) -> float:
        """Mean chance, over the tokens since the last call, that a small fault would have shown in one."""
        found, self.decoder.shown = self.decoder.shown, []
        return float(np.mean(found)) if found else 1.0

    def use(self) -> Counter[Entry]:
        """Reads of entries and sums of hidden values since the last call, for one text."""
        found: Counter[Entry] = Counter()
        for name, parts in self.tables.items():
            entries, times = np.unique(np.concatenate([*parts, []]), return_counts=True)
            found.update({(name, int(e)): int(n) for e, n in zip(entries, times, strict=True)})
            parts.clear()
        for name, parts in self.hidden.items():
            found.update({(name, unit): int(n) for unit, n in enumerate(sum(parts, np.zeros(1)))})
            parts.clear()
        found.update({("rope", e): 1 for e in range(self.decoder.position * self.rope)})
        return found


def table_use(model: IntModel, texts: Iterable[Sequence[int]], beta: int) -> set[Entry]:
    """Entries of tables that the model reads for texts, when a token is drawn after each of theirs."""
    reader = _Reader(model)
    found: set[Entry] = set()
    for text in texts:
        reader.decoder.reset()
        for token in text:
            reader.decoder.choose(reader.decoder.logits(reader.decoder.feed(token)), beta, 1)
        found |= reader.use().keys()
    return {entry for entry in found if not entry[0].endswith("hidden")}


@dataclass(frozen=True)
class _Candidate:
    prompt: list[int]
    expected: tuple[int, ...]  # empty for a prompt alone
    beta: int
    seed: int
    use: Counter[Entry]
    shown: float

    @property
    def passes(self) -> int:
        """Tokens fed: the last one that comes out is not."""
        return len(self.prompt) + max(0, len(self.expected) - 1)


def choose_requests(model: IntModel, passes: int, seed: int = 1) -> list[Request]:
    """Requests that together use every entry of the tables and every hidden unit, as often as they can.

    The same arguments give the same ones.

    Args:
        model: The golden model.
        passes: Tokens to feed, about.
        seed: Of the prompts, temperatures and seeds that are tried.
    """
    rng = np.random.default_rng(seed)
    vocab, reader = model.shape.vocab, _Reader(model)
    pairs = rng.permutation(vocab**2)[:PROMPTS]
    looked = []
    for a, b in zip(pairs // vocab, pairs % vocab, strict=True):
        reader.decoder.reset()
        for token in (int(a), int(b)):
            reader.decoder.feed(token)
        looked.append(_Candidate([int(a), int(b)], (), 0, 1, reader.use(), reader.shown()))
    prompts = [c.prompt for c in _greedy(looked, 2 * CHOSEN)]
    prompts += [[int(t) for t in rng.integers(vocab, size=1 + n % 3)] for n in range(RANDOM)]
    tried: list[_Candidate] = []
    for n, prompt in enumerate(prompts):
        # One in eight takes the likeliest token
        beta, number = int(rng.choice(BETAS)) if n % 8 else 0, int(rng.integers(1, 1 << 32))
        tokens = tuple(reader.decoder.generate(prompt, beta=beta, seed=number))
        tried.append(_Candidate(prompt, tokens, beta, number, reader.use(), reader.shown()))
    # One text is to end because the context is full, and others are to follow it
    full = [c for c in tried if len(c.prompt) + len(c.expected) > model.shape.context][:1]
    spent = sum(c.passes for c in full)
    chosen = full + _greedy([c for c in tried if c not in full], passes - spent, full)
    return [Request(c.prompt, c.beta, c.seed, c.expected) for c in chosen]


def _greedy(tried: list[_Candidate], passes: int, taken: Sequence[_Candidate] = ()) -> list[_Candidate]:
    """Of candidates those that show most of what is not yet shown, a pass."""
    everything = [*tried, *taken]
    names = {entry: n for n, entry in enumerate(sorted({e for c in everything for e in c.use}))}
    rate = np.array([SHOWS[name.rpartition(".")[2]] for name, _ in names])
    uses = np.zeros((len(everything), len(names)))
    for row, c in zip(uses, everything, strict=True):
        row[[names[e] for e in c.use]] = list(c.use.values())
    shown = np.array([c.shown for c in everything])[:, None]
    hides = np.exp(-uses * rate * shown / SHOWN)
    hidden = hides[len(tried) :].prod(axis=0)
    cost = np.array([c.passes for c in tried])
    free = np.ones(len(tried), bool)
    chosen: list[_Candidate] = []
    while passes > 0 and free.any():
        gain = (1 - hides[: len(tried)]) @ hidden / cost
        best = int(np.where(free, gain, -1).argmax())
        free[best] = False
        hidden = hidden * hides[best]
        passes -= int(cost[best])
        chosen.append(tried[best])
    return chosen
