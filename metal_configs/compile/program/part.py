"""What each die of a chain does of a model."""

__all__ = ["Part", "cut"]

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Model

KINDS = ("q", "k", "v", "o", "gate", "up", "down")


@dataclass(frozen=True)
class Part:
    """Layers that follow each other, and what comes before the first and behind the last.

    Attributes:
        model: The whole.
        layers: Their numbers.
    """

    model: Model
    layers: range

    @classmethod
    def whole(cls, model: Model) -> "Part":
        """All of it."""
        return cls(model, range(model.shape.layers))

    @property
    def embeds(self) -> bool:
        """It begins with the embedding of a token, not with a residual that comes."""
        return self.layers.start == 0

    @property
    def chooses(self) -> bool:
        """It ends with the choice of a token, not with a residual that goes."""
        return self.layers.stop == self.model.shape.layers

    @property
    def embedding(self) -> str:
        """The matrix that holds the codes of tokens: the head's, if it is tied and here."""
        return "head" if self.model.shape.tied and self.chooses else "embed"

    def matrices(self) -> Mapping[str, Matrix]:
        """What is laid on rom tiles, by name, in this order."""
        m = self.model
        found = {f"layers.{n}.{k}": getattr(m.layers[n], k) for n in self.layers for k in KINDS}
        if self.embeds and self.embedding == "embed":
            found["embed"] = m.embed
        if self.chooses:
            found |= ({"final": m.final} if m.final is not None else {}) | {"head": m.head}
        return found


def cut(model: Model, dies: int) -> list[Part]:
    """Parts for so many dies, of which the one with most bits of weights has as few as can be.

    Raises:
        FlowError: There are fewer layers than dies.
    """
    layers = model.shape.layers
    if not 0 < dies <= layers:
        raise FlowError(
            f"{model.name} has {layers} layers, which cannot be cut for {dies} dies",
            hint=f"Take 1 to {layers} dies.", code=ExitCode.USAGE,
        )  # fmt: skip
    bits = {
        (at, end): sum(m.codes.size * m.bits for m in Part(model, range(at, end)).matrices().values())
        for at, end in itertools.combinations(range(layers + 1), 2)
    }
    # For every number of layers, the best way to cut so many.
    best: dict[int, tuple[int, tuple[Part, ...]]] = {0: (0, ())}
    for _ in range(dies):
        ways = [
            (max(most, bits[at, end]), end, (*parts, Part(model, range(at, end))))
            for at, (most, parts) in best.items()
            for end in range(at + 1, layers + 1)
        ]
        best = {}
        for most, end, parts in ways:
            if end not in best or most < best[end][0]:
                best[end] = most, parts
    return list(best[layers][1])
