"""From the words of a die's banks back to codes and factors, and whether they are those of quantising.

A row of a tile has four bits for each output and activation of a step. Codes are cut into digits of 4, 2 and
1 bits, the highest first; of digits of 2 or 1 bits two or four inputs share the four bits. The macros of an
activation are sets of four; a set holds all rows for its share of the outputs, the first macro the first
rows. A word of a macro has as many rows as there are sets, bit by bit.
"""

__all__ = [
    "PieceFault",
    "PiecePlan",
    "TilePlan",
    "check_pieces",
    "codes_of",
    "place_of",
    "tile_macros",
    "tile_words",
    "vec_words",
]

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Number = TypeVar("Number", int, np.ndarray)
SLOT = 4  # bits of an output in a row
SET = 4  # macros that hold all rows of some outputs
LANE = 16  # bits of a factor
DIGITS = {3: (2, 1), 4: (4,), 5: (4, 1), 6: (4, 2), 7: (4, 2, 1), 8: (4, 4)}


@dataclass(frozen=True)
class TilePlan:
    """How a die's banks make tiles, as its manifest says.

    Attributes:
        rows, columns: Of rom tiles, rows from the north.
        banks: Of a rom tile; `across` of them side by side.
        order: Place of each of them, counted line after line from the lowest, each from the left.
        outputs, activations, align: Of a rom tile: of a pass, of a step, and of the first row of a plane.
        vec_columns, vec_banks: Columns of tiles above a vec tile, and its banks, on the lowest line.
    """

    rows: int
    columns: int
    banks: int
    across: int
    order: Sequence[int]
    outputs: int
    activations: int
    align: int
    vec_columns: int
    vec_banks: int


@dataclass(frozen=True)
class PiecePlan:
    """Consecutive blocks of a matrix in a die, as its manifest describes them.

    Attributes:
        row, factor_row: First row of every rom tile and of every vec tile.
        bits: Of a code.
        chunk: Inputs of a row of tiles in a span; a block has `spans` of them one after the other.
        inputs, outputs: Of all blocks together.
        codes_sha256: Of int8 [outputs, inputs].
        factors_sha256: Of uint16 [outputs], little-endian.
    """

    matrix: str
    row: int
    factor_row: int
    blocks: int
    bits: int
    chunk: int
    spans: int
    inputs: int
    outputs: int
    codes_sha256: str
    factors_sha256: str

    def planes(self, tile: TilePlan) -> list[tuple[int, int]]:
        """Width of each digit, and the rows of a span that hold it."""
        each = [tile.activations * (SLOT // width) * tile.align for width in DIGITS[self.bits]]
        return [
            (width, -(-self.chunk // n) * tile.align)
            for width, n in zip(DIGITS[self.bits], each, strict=True)
        ]

    def block_rows(self, tile: TilePlan) -> int:
        """Rows of a block."""
        return self.spans * sum(rows for _, rows in self.planes(tile))


@dataclass(frozen=True)
class PieceFault:
    """A piece of which something read differs from what was meant."""

    matrix: str
    what: str


def tile_macros(banks: np.ndarray, tile: TilePlan) -> np.ndarray:
    """Macros of rom tiles, from all places of a die.

    Args:
        banks: uint8 [lines * columns of banks, word_lines, bytes of a word].
        tile: How they make tiles.

    Returns:
        uint8 [rows of tiles, macros, words, columns of tiles, bytes of a word].
    """
    words, width = banks.shape[1:]
    lines = -(-tile.banks // tile.across)
    above = banks[tile.columns * tile.across :]
    grid = above.reshape(tile.rows, lines, tile.columns, tile.across, words, width)[::-1]
    each = grid.transpose(0, 1, 3, 4, 2, 5).reshape(
        tile.rows, lines * tile.across, words, tile.columns, width
    )
    found: np.ndarray = each[:, list(tile.order)]
    return found


def tile_words(macros: np.ndarray, tile: TilePlan) -> np.ndarray:
    """Rows of rom tiles.

    Args:
        macros: As of `tile_macros`.
        tile: How they make tiles.

    Returns:
        uint8 [rows of tiles, activations, rows, columns of tiles, bytes of a row].
    """
    _, count, words, columns, width = macros.shape
    depth = count // tile.activations * words
    out = np.empty((tile.rows, tile.activations, depth, columns, width), np.uint8)
    sets, in_set = _sets(tile)
    for row, held in enumerate(macros):  # one at a time: as bits it is eight times as large
        bits = np.unpackbits(held, axis=-1, bitorder="little")
        split = bits.reshape(tile.activations, sets, in_set, words, columns, -1, SLOT, sets)
        # to activation, macro, word, row in it, column, set, output of the set, bit
        turned = split.transpose(0, 2, 3, 7, 4, 1, 5, 6).reshape(tile.activations, depth, columns, 8 * width)
        out[row] = np.packbits(turned, axis=-1, bitorder="little")
    return out


def place_of(
    tile: TilePlan, activation: Number, row: Number, output: Number, bit: Number
) -> tuple[Number, Number, Number]:
    """Macro, word and bit line of a bit of a rom tile's row, or of many; macros have 256 words."""
    sets, in_set = _sets(tile)
    word, within = divmod(row, sets)
    macro, word = divmod(word, 256)
    share, output = divmod(output, tile.outputs // sets)
    return (
        (activation * sets + share) * in_set + macro,
        word,
        (output * SLOT + bit) * sets + within,
    )


def _sets(tile: TilePlan) -> tuple[int, int]:
    """Sets of macros of an activation, and macros of a set."""
    of_activation = tile.banks // tile.activations
    in_set = min(SET, of_activation)
    return of_activation // in_set, in_set


def vec_words(banks: np.ndarray, tile: TilePlan) -> np.ndarray:
    """Rows of vec tiles, uint8 [vec tiles, rows, bytes of a word], from all places of a die."""
    first = np.arange(0, tile.columns, tile.vec_columns) * tile.across
    taken: np.ndarray = banks[first[:, None] + np.arange(tile.vec_banks)]
    return taken.reshape(len(first), -1, banks.shape[2])


def check_pieces(banks: np.ndarray, tile: TilePlan, pieces: Sequence[PiecePlan]) -> list[PieceFault]:
    """Compare every bit of a die with the hashes of what it should hold.

    Args:
        banks: As of `tile_macros`.
        tile: How they make tiles.
        pieces: All that is on the die; every other bit must be 0.
    """
    faults = []
    rom, vec = tile_words(tile_macros(banks, tile), tile), vec_words(banks, tile)
    lanes = vec.shape[2] * 8 // LANE
    used = used_factors = 0
    for p in sorted(pieces, key=lambda p: p.row):
        end = p.row + p.blocks * p.block_rows(tile)
        of_block = -(-tile.vec_columns * tile.outputs // lanes)
        factor_end = p.factor_row + p.blocks * of_block
        if p.row < used or end > rom.shape[2] or p.factor_row < used_factors or factor_end > vec.shape[1]:
            faults.append(PieceFault(p.matrix, f"stands on rows {p.row} on, where it cannot"))
            continue
        if rom[:, :, used : p.row].any() or vec[:, used_factors : p.factor_row].any():
            faults.append(PieceFault("", f"vias before row {p.row}, where nothing is"))
        used, used_factors = end, factor_end
        factors = vec[:, p.factor_row : factor_end].reshape(len(vec), p.blocks, of_block, -1)
        faults += _check(rom[:, :, p.row : end], factors, tile, p)
    if rom[:, :, used:].any() or vec[:, used_factors:].any():
        faults.append(PieceFault("", f"vias on rows {used} on, or on rows {used_factors} on of factors, where"
                                     " nothing is"))  # fmt: skip
    return faults


def _check(rom: np.ndarray, vec: np.ndarray, tile: TilePlan, p: PiecePlan) -> Iterator[PieceFault]:
    codes, factors = hashlib.sha256(), hashlib.sha256()
    stray = False
    rows, each = p.block_rows(tile), tile.columns * tile.outputs
    for n in range(p.blocks):
        there = min(p.outputs - n * each, each)
        lanes = np.ascontiguousarray(vec[:, n]).view("<u2").reshape(len(vec), -1)
        of_columns = lanes[:, : tile.vec_columns * tile.outputs].reshape(-1)
        stray |= bool(lanes[:, tile.vec_columns * tile.outputs :].any() or of_columns[there:].any())
        factors.update(of_columns[:there].tobytes())
        for c in range(tile.columns):  # one at a time: what fits a processor's cache
            code, beside = codes_of(rom[:, :, n * rows : (n + 1) * rows, c], tile, p)
            here = min(max(there - c * tile.outputs, 0), tile.outputs)
            stray |= beside or bool(code[here:].any())
            codes.update(np.ascontiguousarray(code[:here]).data)
    if codes.hexdigest() != p.codes_sha256:
        yield PieceFault(p.matrix, "weights differ")
    if factors.hexdigest() != p.factors_sha256:
        yield PieceFault(p.matrix, "factors differ")
    if stray:
        yield PieceFault(p.matrix, "vias where the matrix has no output or no input")


def codes_of(rows: np.ndarray, tile: TilePlan, p: PiecePlan) -> tuple[np.ndarray, bool]:
    """The codes of a block in a column of tiles, and whether anything is beside them.

    Args:
        rows: uint8 [rows of tiles, activations, rows of a block, bytes of a word].
        tile, p: What they are.

    Returns:
        int8 [outputs of a tile, inputs].
    """
    tiles, activations, _, width = rows.shape
    spans = rows.reshape(tiles, activations, p.spans, -1, width)
    out = np.zeros((2 * width, p.spans, tiles, p.chunk), np.uint8)
    stray = False
    at, shift = 0, p.bits
    for digit, count in p.planes(tile):
        shift -= digit
        part = spans[:, :, :, at : at + count].transpose(
            4, 2, 0, 3, 1
        )  # bytes, spans, tiles, rows, activations
        at += count
        turned = np.ascontiguousarray(part).reshape(width, p.spans, tiles, count * activations)
        for number in range(SLOT // digit):
            first = number * count * activations
            length = min(max(p.chunk - first, 0), count * activations)
            for half in (0, 1):
                value = turned >> half * SLOT + number * digit & ((1 << digit) - 1)
                stray |= bool(value[..., length:].any())
                out[half::2, ..., first : first + length] |= value[..., :length] << shift
    flat = out.reshape(2 * width, -1)
    stray |= bool(flat[:, p.inputs :].any())
    codes = (flat[:, : p.inputs] << (8 - p.bits)).view(np.int8) >> (8 - p.bits)  # the sign comes along
    return codes, stray
