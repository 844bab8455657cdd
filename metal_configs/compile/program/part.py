"""What each die of a chain does of a model."""

__all__ = ["HIGH", "Alone", "Part", "cut", "model_matrix"]

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Model

KINDS = ("q", "k", "v", "o", "gate", "up", "down")
HIGH = 1 << 8  # tokens with the same high byte


@dataclass(frozen=True)
class Alone:
    """Which tokens of the embedding and of the head dies of a chain have that have no layers.

    Attributes:
        embeds, chooses: Of each die. Without any, the first and the last die of layers have all.
    """

    embeds: tuple[range, ...] = ()
    chooses: tuple[range, ...] = ()

    @property
    def spread(self) -> bool:
        """The embedding is cut."""
        return len(self.embeds) > 1

    @property
    def greedy(self) -> bool:
        """The head is."""
        return len(self.chooses) > 1

    @property
    def dies(self) -> int:
        """How many."""
        return len(self.embeds) + len(self.chooses)


@dataclass(frozen=True)
class Part:
    """Layers that follow each other, and what comes before the first and behind the last.

    A die may have some tokens of the embedding alone, of a multiple of `HIGH` on, or of the head alone.

    Attributes:
        model: The whole.
        layers: Their numbers.
        embeds: Tokens whose rows of the embedding are here; without any it begins with a residual that comes.
        chooses: Tokens whose rows of the head are here; without any it ends with a residual that goes.
        spread: The embedding is cut over dies of the chain.
        greedy: The head is.
    """

    model: Model
    layers: range
    embeds: range
    chooses: range
    spread: bool = False
    greedy: bool = False

    def __post_init__(self) -> None:
        alone = self.some and (self.layers or (self.embeds and self.chooses))
        if alone or self.embeds.start % HIGH:
            raise ValueError(f"a die cannot have {self.layers}, {self.embeds} and {self.chooses}")

    @classmethod
    def whole(cls, model: Model) -> "Part":
        """All of it."""
        return cls.of_layers(model, range(model.shape.layers))

    @classmethod
    def of_layers(cls, model: Model, layers: range, alone: "Alone | None" = None) -> "Part":
        """Layers, with the embedding before the first and the head behind the last if these are not alone."""
        alone = alone or Alone()
        s, nothing = model.shape, range(0)
        tokens = range(s.vocab)
        embeds = tokens if layers.start == 0 and not alone.embeds else nothing
        chooses = tokens if layers.stop == s.layers and not alone.chooses else nothing
        return cls(model, layers, embeds, chooses, alone.spread, alone.greedy)

    @property
    def some(self) -> bool:
        """Of the embedding or the head it has some tokens, and other dies the others."""
        return any(0 < len(r) < self.model.shape.vocab for r in (self.embeds, self.chooses))

    @property
    def first(self) -> bool:
        """It takes requests."""
        return bool(self.embeds) and self.embeds.start == 0

    @property
    def last(self) -> bool:
        """It says tokens to the host."""
        return bool(self.chooses) and self.chooses.stop == self.model.shape.vocab

    @property
    def normalises(self) -> bool:
        """It has the final norm, and the matrix behind that if there is one."""
        return bool(self.chooses) and self.chooses.start == 0

    @property
    def embedding(self) -> str:
        """The matrix that holds the codes of tokens: the head's, if it is tied and here."""
        return "head" if self.model.shape.tied and self.embeds == self.chooses else "embed"

    @property
    def begins(self) -> Mapping[str, int]:
        """Of matrices of which it has some outputs, the first."""
        return {
            name: r.start for name, r in (("embed", self.embeds), ("head", self.chooses)) if r and self.some
        }

    @property
    def where(self) -> str:
        """What it has, for a message."""
        if self.layers:
            return f"layers {self.layers[0]} to {self.layers[-1]}"
        tokens, of = (self.embeds, "embedding") if self.embeds else (self.chooses, "head")
        return f"tokens {tokens[0]} to {tokens[-1]} of the {of}"

    @property
    def bits(self) -> int:
        """Of its weights."""
        return sum(m.codes.size * m.bits for m in self.matrices().values())

    def matrices(self) -> Mapping[str, Matrix]:
        """What is laid on rom tiles, by name, in this order."""
        return self._matrices

    @cached_property
    def _matrices(self) -> dict[str, Matrix]:
        m = self.model
        found = {f"layers.{n}.{k}": getattr(m.layers[n], k) for n in self.layers for k in KINDS}
        if self.embeds and self.embedding == "embed":
            found["embed"] = _rows(m.embed, self.embeds)
        if self.normalises and m.final is not None:
            found["final"] = m.final
        if self.chooses:
            found["head"] = _rows(m.head, self.chooses)
        return found


def model_matrix(model: Model, name: str) -> Matrix:
    """A matrix of a model as `Part.matrices` calls it, whole."""
    _, number, kind = ("", "", name) if "." not in name else name.split(".")
    found: Matrix = getattr(model.layers[int(number)] if number else model, kind)
    return found


def _rows(matrix: Matrix, outputs: range) -> Matrix:
    """Some outputs of a matrix."""
    if len(outputs) == len(matrix.codes):
        return matrix
    codes = matrix.codes[outputs.start : outputs.stop]
    return replace(matrix, codes=codes, factors=matrix.factors.part(outputs.start, len(outputs)))


def cut(model: Model, dies: int, alone: Alone | None = None) -> list[Part]:
    """Parts for so many dies with layers, of which the one with most bits of weights has as few as can be.

    Args:
        model: What is cut.
        dies: How many have layers.
        alone: Dies beside them; theirs are the first and the last parts.

    Raises:
        FlowError: There are fewer layers than dies.
    """
    layers = model.shape.layers
    if not 0 < dies <= layers:
        raise FlowError(
            f"{model.name} has {layers} layers, which cannot be cut for {dies} dies",
            hint=f"Take 1 to {layers} dies.", code=ExitCode.USAGE,
        )  # fmt: skip
    pieces = {
        (at, end): Part.of_layers(model, range(at, end), alone)
        for at, end in itertools.combinations(range(layers + 1), 2)
    }
    bits = {ends: part.bits for ends, part in pieces.items()}
    # For every number of layers, the best way to cut so many.
    best: dict[int, tuple[int, tuple[Part, ...]]] = {0: (0, ())}
    for _ in range(dies):
        ways = [
            (max(most, bits[at, end]), end, (*parts, pieces[at, end]))
            for at, (most, parts) in best.items()
            for end in range(at + 1, layers + 1)
        ]
        best = {}
        for most, end, parts in ways:
            if end not in best or most < best[end][0]:
                best[end] = most, parts
    alone, nothing = alone or Alone(), range(0)
    ends = alone.spread, alone.greedy
    return [
        *(Part(model, nothing, tokens, nothing, *ends) for tokens in alone.embeds),
        *best[layers][1],
        *(Part(model, nothing, nothing, tokens, *ends) for tokens in alone.chooses),
    ]
