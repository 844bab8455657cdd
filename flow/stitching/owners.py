"""Which matrix, table or program each bit of the ROM macros of a die of tiles is of."""

__all__ = ["Owners", "owners"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flow.stitching.contents import KEYS, Block, memory_of, tile_plan
from metal_configs.compile.program.macros import WORD_BITS
from rtl_gen.golden.tile import SLOT
from rtl_gen.tiles.rom import RomTileSize
from signoff.readback.weights import place_of


@dataclass(frozen=True, eq=False)
class Owners:
    """Whose each bit is.

    Attributes:
        names: Name and kind of what lies in the macros, such as ("layers.0.q", "weights").
        of: int [macros, words, bits]: which of `names`, -1 for none.
    """

    names: Sequence[tuple[str, str]]
    of: np.ndarray


def owners(
    instances: Sequence[str],
    words: int,
    bits: int,
    contents: Mapping[str, Sequence[Block]],
    size: RomTileSize,
) -> Owners:
    """Whose each bit of the ROM macros of a die is.

    Args:
        instances: Of the macros, such as rom_0_0.bank3.macro, in an order of one's own.
        words, bits: Of a macro, and of a word.
        contents: As of `die_contents`.
        size: Of a rom tile.
    """
    names = list(dict.fromkeys((b.name, b.kind) for key in KEYS.values() for b in contents[key]))
    number = {name: n for n, name in enumerate(names)}
    places = [memory_of(instance) for instance in instances]
    most = {memory: 1 + max((n for _, m, n in places if m == memory), default=-1) for memory in KEYS}

    def of_rows(memory: str, rows: int) -> np.ndarray:
        found = np.full(rows, -1)
        for b in contents[KEYS[memory]]:
            found[b.start : b.start + b.rows] = number[b.name, b.kind]
        return found

    held = {
        "bank": np.full((most["bank"], words, bits), -1),
        "program": np.repeat(of_rows("program", most["program"] * words), bits),
        "rom": np.repeat(of_rows("rom", most["rom"] * words * bits // WORD_BITS), WORD_BITS),
    }
    if most["bank"]:
        steps, depth = np.arange(size.rows), most["bank"] * words // size.rows
        a, row, output, bit = np.ix_(steps, np.arange(depth), np.arange(size.columns), np.arange(SLOT))
        place = np.broadcast_arrays(*place_of(tile_plan(size), a, row, output, bit))
        held["bank"][tuple(place)] = of_rows("bank", depth)[row]
    by_macro = {memory: array.reshape(-1, words, bits) for memory, array in held.items()}
    return Owners(names, np.stack([by_macro[memory][n] for _, memory, n in places]))
