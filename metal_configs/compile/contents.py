"""What the tiles of one die hold: quantised and packed; memory depends on the die, not on the model."""

__all__ = ["DieContents", "PieceHash", "quantise_die"]

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from metal_configs.compile.matrix import BYTES_A_ROW
from metal_configs.compile.pack import factors_of, pack_block, pack_factors
from metal_configs.compile.placement import Piece, Placement
from metal_configs.compile.source import Source
from rtl_gen.errors import FlowError
from rtl_gen.golden.tile import interleave
from rtl_gen.ordered import ordered

CHUNK = 1 << 19  # weights quantised at a time


@dataclass(frozen=True)
class PieceHash:
    """What quantising gave, before anything was placed: the measure for read-back.

    Attributes:
        codes_sha256: Of int8 [outputs, inputs].
        factors_sha256: Of uint16 [outputs], little-endian.
        shifts: Of the factors of each column of tiles, block after block.
    """

    codes_sha256: str
    factors_sha256: str
    shifts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class DieContents:
    """All ROM macros of a die.

    Attributes:
        rom: uint8 [rows of tiles, macros, words, columns of tiles, bytes of a word].
        vec: uint8 [vec tiles, macros, words, bytes of a word].
        pieces: What is in them.
    """

    rom: np.ndarray
    vec: np.ndarray
    pieces: tuple[PieceHash, ...]


@dataclass(frozen=True)
class _Part:
    """Some columns of tiles of a block, from `row` of the rom tiles and `factor_row` of the vec tiles on."""

    block: int
    row: int
    factor_row: int
    columns: range


def quantise_die(placed: Placement, die: int, source: Source, threads: int = 1) -> DieContents:
    """Quantise all that a die holds; the result does not depend on the number of threads."""
    d = placed.die
    rom = np.zeros((d.rows, d.activations, d.depth, d.columns, d.outputs // 2), np.uint8)
    vec = np.zeros((d.vecs, d.factor_rows, BYTES_A_ROW), np.uint8)
    hashes = []
    for piece in placed.dies[die]:
        m = piece.matrix
        codes_sha, factors_sha = hashlib.sha256(), hashlib.sha256()
        shifts: list[int] = []
        lanes = np.zeros((d.columns, d.outputs), np.uint16)

        def work(
            part: _Part, piece: Piece = piece
        ) -> tuple[_Part, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
            return part, *_quantise(piece, part, source)

        for part, codes, factors, shift, packed in ordered(threads, work, _parts(piece)):
            codes_sha.update(codes.data)
            factors_sha.update(factors.astype("<u2").ravel()[: len(codes)].tobytes())
            shifts += shift.tolist()
            columns = slice(part.columns.start, part.columns.stop)
            rom[:, :, part.row : part.row + m.rows_a_block, columns] = packed
            lanes[columns] = factors
            if _last(piece, part):
                vec[:, part.factor_row : part.factor_row + m.factor_rows_a_block] = pack_factors(m, lanes)
                lanes[:] = 0
        hashes.append(PieceHash(codes_sha.hexdigest(), factors_sha.hexdigest(), tuple(shifts)))
    laid = np.empty((d.rows, d.macros, d.words, d.columns, d.outputs // 2), np.uint8)
    for row, held in enumerate(rom):
        laid[row] = interleave(held, d.macros)
    return DieContents(laid, vec.reshape(d.vecs, -1, d.words, BYTES_A_ROW), tuple(hashes))


def _last(piece: Piece, part: _Part) -> bool:
    """Whether no output of the block lies in the columns behind a part."""
    m, stop = piece.matrix, part.columns.stop
    return stop == m.die.columns or part.block * m.outputs_a_block + stop * m.die.outputs >= m.outputs


def _parts(piece: Piece) -> Iterator[_Part]:
    m = piece.matrix
    step = max(1, CHUNK // (m.die.outputs * m.inputs))
    for n in range(piece.blocks):
        there = m.outputs - (piece.first + n) * m.outputs_a_block
        used = min(m.die.columns, -(-there // m.die.outputs))
        for first in range(0, used, step):
            yield _Part(
                piece.first + n,
                piece.row + n * m.rows_a_block,
                piece.factor_row + n * m.factor_rows_a_block,
                range(first, min(first + step, used)),
            )


def _quantise(
    piece: Piece, part: _Part, source: Source
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Codes, lanes, shifts and packed rows of a part."""
    m, outputs = piece.matrix, piece.matrix.die.outputs
    first = part.block * m.outputs_a_block + part.columns.start * outputs
    count = min(len(part.columns) * outputs, m.outputs - first)
    coded = source.coded(m.name, m.bits, first, count)
    missing = len(part.columns) * outputs - count
    scale = np.pad(coded.scale, (0, missing)).reshape(-1, outputs)
    try:
        lanes, shifts = factors_of(scale)
    except ValueError as e:
        raise FlowError(f"the scales of {m.name} cannot be expressed: {e}", where=m.name) from e
    return coded.codes, lanes, shifts, pack_block(m, np.pad(coded.codes, ((0, missing), (0, 0))))
