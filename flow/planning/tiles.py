"""How the matrices of a model lie on an array of tiles."""

__all__ = ["Phase", "phases"]

import math
from dataclasses import dataclass

from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.rom import RomTileSize


@dataclass(frozen=True)
class Phase:
    """Matrices that share their input and are multiplied in one go.

    Attributes:
        outputs: Those with codes of 4 bits.
        wide: Those with codes of 6: a pass of 4-bit digits, and two half as long of 2-bit ones in the same
            rows.
        products: Multiplications a sum in a lane of the vector unit.
    """

    name: str
    inputs: int
    outputs: int
    wide: int = 0
    products: float = 1.0

    def passes(self, grid: tuple[int, int], size: RomTileSize) -> tuple[tuple[int, int, int], ...]:
        """Passes on a grid of tiles: how many, steps of each, and sums that leave each column of tiles."""
        steps = math.ceil(math.ceil(self.inputs / grid[0]) / size.rows)
        found = []
        for outputs, kinds in ((self.outputs, ((1, steps),)), (self.wide, ((1, steps), (2, -(-steps // 2))))):
            count = math.ceil(outputs / (grid[1] * size.columns))
            words = math.ceil(outputs / (count * grid[1])) if count else 0
            found += [(count * times, length, words) for times, length in kinds if count]
        return tuple(found)

    def rows(self, grid: tuple[int, int], size: RomTileSize) -> int:
        """Rows that every tile spends on it; two passes of 2-bit digits share theirs."""
        narrow = math.ceil(self.outputs / (grid[1] * size.columns))
        wide = math.ceil(self.wide / (grid[1] * size.columns))
        steps = math.ceil(math.ceil(self.inputs / grid[0]) / size.rows)
        return narrow * steps + wide * (steps + -(-steps // 2))

    @property
    def read(self) -> int:
        """Weights times the passes that read them."""
        return self.inputs * (self.outputs + 2 * self.wide)


def phases(shape: Shape, c: dict[str, float]) -> tuple[tuple[Phase, ...], Phase]:
    """The phases of one layer, and the head. k, v, embedding and head have codes of 6 bits, others of 4."""
    layer = (
        Phase("qkv", shape.dim, shape.q_dim, 2 * shape.kv_dim, c["products_qkv"]),
        Phase("o", shape.q_dim, shape.dim),
        Phase("gate_up", shape.dim, 2 * shape.hidden, 0, c["products_gate_up"]),
        Phase("down", shape.hidden, shape.dim),
    )
    return layer, Phase("head", shape.dim, 0, shape.vocab)
