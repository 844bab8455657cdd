"""The placement that plan, build and replay share."""

__all__ = ["die_size", "place"]

from collections.abc import Mapping as Table

from base_chip.dies import Floorplan
from base_chip.dies.floorplan import TILE
from metal_configs.compile import DieSize, Placement, place_model
from metal_configs.quantise.policy import Format
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.macro import WORDS


def die_size(base: Floorplan) -> DieSize:
    """What the compiler has to know of a die."""
    return DieSize(
        rows=base.rom.rows,
        columns=base.rom.columns,
        depth=TILE.depth,
        outputs=TILE.columns,
        activations=TILE.rows,
        align=TILE.row_step,
        most_inputs=TILE.most_inputs,
        ram_rows=base.ram.rows * base.rom.columns * base.ram.words,
        vec_columns=base.vec.columns,
        factor_rows=base.vec.macros * WORDS,
        words=WORDS,
    )


def place(shape: Shape, base: Floorplan, context: int, forms: Table[str, Format] | None = None) -> Placement:
    """A model on dies of a base; `forms` of every matrix, where they are not the default."""
    return place_model(shape, die_size(base), context, forms)
