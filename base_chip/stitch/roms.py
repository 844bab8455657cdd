"""Where the ROM macros of a die of tiles stand, as the floorplans of its tiles say."""

__all__ = ["RomPlace", "rom_places"]

from collections.abc import Mapping
from dataclasses import dataclass

from base_chip.arrays.spec import RomSpec
from base_chip.harden.block import SIGNS, Block
from base_chip.stitch.plan import StitchPlan


@dataclass(frozen=True)
class RomPlace:
    """A ROM macro of a die.

    Attributes:
        name: Of the instance below the die, such as rom_0_0.bank3.macro.
        box: Left, bottom, right and top, nm from the lower left corner of the die.
        origin: Where the lower left corner of its cell comes to lie.
        signs: -1 where it is mirrored in x, in y.
    """

    name: str
    box: tuple[int, int, int, int]
    origin: tuple[int, int]
    signs: tuple[int, int]


def rom_places(plan: StitchPlan, blocks: Mapping[str, Block]) -> tuple[RomPlace, ...]:
    """The ROM macros of a die from the lowest up, those of one height from the left: as read-back counts.

    Args:
        plan: The die.
        blocks: What place and route is told of each kind of tile.
    """
    found = []
    for tile in plan.tiles:
        block = blocks[tile.view.kind]
        origins, boxes = block.origins(), block.macro_boxes()
        for instance, macro in block.macros.items():
            if macro.name.startswith(RomSpec.prefix):
                box = boxes[instance].moved(*tile.at)
                x, y = (round(v * 1000) + d for v, d in zip(origins[instance], tile.at, strict=True))
                found.append(
                    RomPlace(
                        f"{tile.name}.{instance}", (box.left, box.bottom, box.right, box.top), (x, y),
                        SIGNS[block.places[instance].orient],
                    )
                )  # fmt: skip
    return tuple(sorted(found, key=lambda rom: (rom.box[1], rom.box[0])))
