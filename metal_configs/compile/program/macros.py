"""What every ROM macro of a die of one column of tiles holds: weights, program, factors and tables."""

__all__ = ["BITS", "die_macros", "vec_needs"]

import numpy as np

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.tile import SLOT, interleave
from rtl_gen.tiles.macro import WORDS
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize

BITS = 128  # of a word
WORD_BITS = 16  # of factors and tables


def vec_needs(image: DieImage, vec: VecTileSize) -> dict[str, tuple[int, int]]:
    """What a die's program needs of each memory of its vec tile, and how much of that there is."""
    return {
        "rows of program": (len(image.program), WORDS * vec.program_banks),
        "words of factors and tables": (len(image.words), WORDS * BITS // WORD_BITS * vec.rom_banks),
        "words of M": (image.memory, vec.memory),
        "activations of rom tiles": (image.activations[0], vec.rom_bytes),
        "activations of ram tiles": (image.activations[1], vec.ram_bytes),
    }


def die_macros(image: DieImage, rom: RomTileSize, vec: VecTileSize) -> dict[str, np.ndarray]:
    """Contents by instance, such as rom_0_0.bank3.macro: bool [words, bits], True for a via.

    Args:
        image: What the compiler made of a model.
        rom, vec: Sizes of the die's tiles.

    Raises:
        FlowError: A memory of the vec tile is too small.
    """
    rows = image.array.grid[0]
    bottom = f"vec_{rows + image.ram_rows}_0"
    for what, (needed, there) in vec_needs(image, vec).items():
        if needed > there:
            raise FlowError(
                f"the model needs {needed:,} {what}, the vec tile has {there:,}",
                hint="Take a smaller model, fewer positions (--context), or a base with a larger vec tile.",
                code=ExitCode.USAGE,
            )
    out = {}
    for r in range(rows):
        slots = image.array.tile(r, 0).slots  # [rows, activations, columns]
        packed = slots[..., 0::2] | slots[..., 1::2] << SLOT
        for n, words in enumerate(interleave(packed.swapaxes(0, 1)[:, :, None], rom.banks)):
            out[f"rom_{r}_0.bank{n}.macro"] = _bits(words[:, 0])
    program = b"".join(row.encode().to_bytes(BITS // 8, "little") for row in image.program)
    for name, data, banks in (
        ("program", program, vec.program_banks),
        ("rom", image.words.astype("<u2").tobytes(), vec.rom_banks),
    ):
        whole = np.zeros((banks, WORDS, BITS // 8), np.uint8)
        whole.reshape(-1)[: len(data)] = np.frombuffer(data, np.uint8)
        for n, words in enumerate(whole):
            out[f"{bottom}.{name}_{n}.macro"] = _bits(words)
    return out


def _bits(words: np.ndarray) -> np.ndarray:
    return np.unpackbits(words, axis=1, bitorder="little").view(bool)
