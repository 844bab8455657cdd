"""What the memories of a die of tiles hold, as `compile` tells it of each die in `contents.json`."""

__all__ = [
    "CONTENTS", "KEYS", "LARGEST", "Block", "Memory", "die_contents", "memories", "memory_of",
    "read_contents", "tile_plan", "write_contents",
]  # fmt: skip

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from metal_configs.compile.program.contents import TABLES
from metal_configs.compile.program.macros import WORD_BITS
from rtl_gen.errors import FlowError
from rtl_gen.golden.die_image import DieImage
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.untrusted import read_file
from signoff.readback.weights import TilePlan, tile_words

CONTENTS = "contents.json"
LARGEST = 64 << 20  # bytes
# Which part of the contents lies in a memory, by what its macros are called
KEYS = {"bank": "rom", "program": "program", "rom": "words"}


class Block(msgspec.Struct, frozen=True):
    """Rows of one matrix, table, or of the program.

    Attributes:
        name: A matrix may have several blocks, and those of its factors, all of one name.
        kind: "weights", "factors", "tables" or "program".
        start: First row.
        rows: Number of rows.
    """

    name: str
    kind: str
    start: int
    rows: int


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


def write_contents(folder: Path, images: Sequence[DieImage]) -> None:
    """Write what `read_contents` reads: of each die of a chain, one or more."""
    told = msgspec.json.encode([die_contents(image) for image in images])
    (folder / CONTENTS).write_bytes(msgspec.json.format(told, indent=1))


def read_contents(folder: Path, die: int) -> dict[str, list[Block]]:
    """What `die_contents` said of a die, from the outputs of `compile`; FlowError when it is not there."""
    path = folder / CONTENTS
    try:
        told = msgspec.json.decode(read_file(path, LARGEST), type=list[dict[str, list[Block]]])
    except (msgspec.MsgspecError, RecursionError) as e:
        raise _damaged(path, str(e)) from e
    if not die < len(told):
        raise _damaged(path, f"it tells of {len(told)} dies, not of die {die}")
    if sorted(told[die]) != sorted(KEYS.values()):
        raise _damaged(path, f"it tells of {', '.join(told[die]) or 'nothing'}")
    return told[die]


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
        tile, memory, number = memory_of(instance)
        of.setdefault((tile, memory), {})[number] = bits
    found = []
    for (tile, memory), held in sorted(of.items(), key=lambda m: (m[0][0].partition("_")[0] != "rom", m[0])):
        bits = np.stack([held[n] for n in sorted(held)])
        blocks = contents[KEYS[memory]]
        if memory == "bank":
            found.append(Memory(tile, "rows", blocks, _tile_rows(bits, size)))
        elif memory == "program":
            found.append(Memory(f"{tile}.program", "rows", blocks, np.concatenate(bits)))
        else:
            found.append(Memory(f"{tile}.rom", "words", blocks, bits.reshape(-1, WORD_BITS)))
    return found


def memory_of(instance: str) -> tuple[str, str, int]:
    """Tile, memory ("bank", "program" or "rom") and number of a macro."""
    tile, macro, _ = instance.split(".")
    memory, number = re.split(r"_?(?=\d)", macro, maxsplit=1)
    return tile, memory, int(number)


def _damaged(path: Path, why: str) -> FlowError:
    return FlowError(
        f"cannot be read ({why})", where=str(path), hint="Build again: the folder was edited or cut."
    )


def _tile_rows(bits: np.ndarray, size: RomTileSize) -> np.ndarray:
    """Macros of a rom tile, [macros, words, bits], as its rows: by activation, output and bit."""
    plan = tile_plan(size)
    packed = np.packbits(bits, axis=-1, bitorder="little")[None, :, :, None]
    rows = np.unpackbits(tile_words(packed, plan)[0, :, :, 0], axis=-1, bitorder="little")
    return rows.swapaxes(0, 1).reshape(rows.shape[1], -1).astype(bool)


def tile_plan(size: RomTileSize) -> TilePlan:
    """One rom tile, as read-back is told of tiles."""
    return TilePlan(1, 1, size.banks, size.banks, range(size.banks), size.columns, size.rows, 1, 1, 0)
