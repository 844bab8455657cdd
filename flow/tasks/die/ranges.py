"""What each die of a chain has of a model, as `compile` tells it."""

__all__ = ["Ranges"]

from dataclasses import dataclass

from metal_configs.compile.program.part import Part
from rtl_gen.golden.model import Model


@dataclass(frozen=True)
class Ranges:
    """Fields of `Part`, ranges as their two ends."""

    layers: tuple[int, int]
    embeds: tuple[int, int]
    chooses: tuple[int, int]
    spread: bool
    greedy: bool

    @classmethod
    def of(cls, part: Part) -> "Ranges":
        """Those of a part."""
        layers, embeds, chooses = ((r.start, r.stop) for r in (part.layers, part.embeds, part.chooses))
        return cls(layers, embeds, chooses, part.spread, part.greedy)

    def part(self, model: Model) -> Part:
        """The part of a model."""
        layers, embeds, chooses = (range(*ends) for ends in (self.layers, self.embeds, self.chooses))
        return Part(model, layers, embeds, chooses, self.spread, self.greedy)
