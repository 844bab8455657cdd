"""What the memories of a die of tiles hold, as `compile` tells it of the first die in `contents.json`."""

__all__ = ["CONTENTS", "Memory", "die_contents", "memories", "read_contents", "write_contents"]

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from flow.blocks import Block
from metal_configs.compile.program.contents import TABLES
from metal_configs.compile.program.macros import WORD_BITS
from rtl_gen.golden.die_image import DieImage
from rtl_gen.tiles.rom import RomTileSize
from signoff.readback.weights import TilePlan, tile_words

CONTENTS = "contents.json"


@dataclass(frozen=True)
class Memory:
    """Macros that are addressed as one.

    Attributes:
        name: Such as rom_0_0, or vec_3_0.program.
        unit: What a row of it is called.
        blocks: What lies in which rows; the rest is unused.
        vias: bool [rows, bits of a row].
    """

    name: str
    unit: str
    blocks: Sequence[Block]
    vias: np.ndarray

    @property
    def used(self) -> int:
        """Rows up to the last that holds something."""
        return max((b.start + b.rows for b in self.blocks), default=0)


def die_contents(image: DieImage) -> dict[str, list[Block]]:
    """What lies in which rows of every rom tile ("rom"), of the program, and in which words ("words")."""
    array, begins = image.array, image.at
    rom = [
        Block(name, "weights", b.row, len(b.chunks[0][0].slots))
        for name in array.names
        for b in array.blocks(name)
    ]
    ends = [*begins.values(), len(image.words)][1:]
    words = [
        Block(name, "tables" if name in TABLES else "factors", start, end - start)
        for (name, start), end in zip(begins.items(), ends, strict=True)
    ]
    return {"rom": rom, "program": [Block("program", "program", 0, len(image.program))], "words": words}


def write_contents(folder: Path, image: DieImage) -> None:
    """Write what `read_contents` reads."""
    (folder / CONTENTS).write_bytes(msgspec.json.format(msgspec.json.encode(die_contents(image)), indent=1))


def read_contents(folder: Path) -> dict[str, list[Block]]:
    """What `die_contents` said, from the outputs of `compile`."""
    return msgspec.json.decode((folder / CONTENTS).read_bytes(), type=dict[str, list[Block]])


def memories(
    macros: Mapping[str, np.ndarray], contents: Mapping[str, Sequence[Block]], size: RomTileSize
) -> list[Memory]:
    """The memories of a die as they are addressed: rom tiles from the north, then those of the vec tile.

    Args:
        macros: By instance, such as rom_0_0.bank3.macro: bool [words, bits].
        contents: As of `die_contents`.
        size: Of a rom tile.
    """
    of: dict[tuple[str, str], dict[int, np.ndarray]] = {}
    for instance, bits in macros.items():
        tile, macro, _ = instance.split(".")
        memory, number = re.split(r"_?(?=\d)", macro, maxsplit=1)
        of.setdefault((tile, memory), {})[int(number)] = bits
    found = []
    for (tile, memory), held in sorted(of.items(), key=lambda m: (m[0][0].partition("_")[0] != "rom", m[0])):
        bits = np.stack([held[n] for n in sorted(held)])
        if memory == "bank":
            found.append(Memory(tile, "rows", contents["rom"], _tile_rows(bits, size)))
        elif memory == "program":
            found.append(Memory(f"{tile}.program", "rows", contents["program"], np.concatenate(bits)))
        else:
            words = bits.reshape(-1, WORD_BITS)
            found.append(Memory(f"{tile}.rom", "words", contents["words"], words))
    return found


def _tile_rows(bits: np.ndarray, size: RomTileSize) -> np.ndarray:
    """Macros of a rom tile, [macros, words, bits], as its rows: by activation, output and bit."""
    plan = TilePlan(1, 1, size.banks, size.banks, size.columns, size.rows, 1, 1, 0)
    packed = np.packbits(bits, axis=-1, bitorder="little")[None, :, :, None]
    rows = np.unpackbits(tile_words(packed, plan)[0, :, :, 0], axis=-1, bitorder="little")
    return rows.swapaxes(0, 1).reshape(rows.shape[1], -1).astype(bool)
