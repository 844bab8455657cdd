"""One die: quantise what it holds, and write its vias; memory depends on the die, not on the model."""

__all__ = ["DieRows", "PieceHash", "quantise_die", "write_die"]

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from metal_configs.multi_die.mapping import Mapping, Piece
from metal_configs.multi_die.rows import factors_of, pack_passes
from metal_configs.multi_die.source import Coded, Source
from metal_configs.sitemap import SiteMap, bank_bits
from metal_configs.writer.metal import Written
from metal_configs.writer.oasis import OasisFile, cblock
from metal_configs.writer.records import BitLines, block_records
from metal_configs.writer.whole import whole_file
from rtl_gen.errors import FlowError

CHUNK = 1 << 19  # weights quantised at a time
BLOCK = 1 << 19  # sites of a block: what a processor's cache holds
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class PieceHash:
    """What quantising gave, before anything was placed: the measure for read-back.

    Attributes:
        codes_sha256: Of int8 [outputs, inputs].
        factors_sha256: Of uint16 [outputs], little-endian.
        shifts: Of the factors of each pass.
    """

    codes_sha256: str
    factors_sha256: str
    shifts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class DieRows:
    """Every ROM row of a die, uint8 [rows, bytes of a row], bit 0 of a byte first; and what is in them."""

    rows: np.ndarray
    pieces: tuple[PieceHash, ...]


def ordered(threads: int, work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Results of `work` in the order of items, few of them waiting at a time."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[B]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def quantise_die(mapping: Mapping, die: int, source: Source, threads: int = 1) -> DieRows:
    """Quantise all that a die holds; the result does not depend on the number of threads."""
    rom = mapping.rom
    rows = np.zeros((rom.rows, rom.bits // 8), np.uint8)
    hashes = []
    for piece in mapping.dies[die]:
        codes_sha, factors_sha = hashlib.sha256(), hashlib.sha256()
        shifts: list[int] = []
        at = piece.row

        def work(part: Piece) -> tuple[Coded, np.ndarray, np.ndarray, np.ndarray]:
            return _quantise(part, source)

        for coded, lanes, shift, packed in ordered(threads, work, _parts(piece)):
            codes_sha.update(coded.codes.data)
            factors_sha.update(lanes.astype("<u2").ravel()[: len(coded.codes)].tobytes())
            shifts += shift.tolist()
            end = at + packed.shape[0] * packed.shape[1]
            rows[at:end] = packed.reshape(-1, packed.shape[2])
            at = end
        hashes.append(PieceHash(codes_sha.hexdigest(), factors_sha.hexdigest(), tuple(shifts)))
    return DieRows(rows, tuple(hashes))


def _parts(piece: Piece) -> Iterator[Piece]:
    """A piece in parts of some passes; `row` of a part is without meaning."""
    step = max(1, CHUNK // (piece.matrix.outputs_a_pass * piece.matrix.inputs))
    for first in range(piece.first, piece.first + piece.passes, step):
        yield Piece(piece.matrix, first, min(step, piece.first + piece.passes - first), 0)


def _quantise(part: Piece, source: Source) -> tuple[Coded, np.ndarray, np.ndarray, np.ndarray]:
    m, missing = part.matrix, part.passes * part.matrix.outputs_a_pass - part.outputs
    coded = source.coded(m, part.first_output, part.outputs)
    codes, scale = coded.codes, coded.scale
    if missing:
        codes = np.pad(codes, ((0, missing), (0, 0)))
        scale = np.pad(scale, (0, missing))
    try:
        lanes, shifts = factors_of(scale.reshape(part.passes, -1))
    except ValueError as e:
        raise FlowError(f"the scales of {m.name} cannot be expressed: {e}", where=m.name) from e
    return coded, lanes, shifts, pack_passes(m, codes, lanes)


def write_die(path: Path, rows: np.ndarray, sites: SiteMap, columns: int, threads: int = 1) -> Written:
    """Write a die's vias: cell `scf_<base>_metal`, a compressed block for some word lines of a row of banks.

    Args:
        path: OASIS file; appears whole or not at all.
        rows: uint8 [rows, bytes of a row], of `DieRows`.
        sites: Site map of the die.
        columns: Banks side by side.
        threads: The bytes do not depend on it.

    Raises:
        FlowError: The file cannot be written (OUTPUT).
    """
    rom = sites.rom
    lines = max(1, BLOCK // (columns * rom.bit_lines))
    across = BitLines.of((sites.x + sites.origins[:columns, :1]).ravel() - sites.size // 2)
    blocks = [
        (range(start, start + columns), range(at, min(at + lines, rom.word_lines)))
        for start in range(0, rom.banks, columns)
        for at in range(0, rom.word_lines, lines)
    ]

    def work(block: tuple[range, range]) -> bytes:
        banks, words = block
        bits = bank_bits(rows, rom, banks, words).reshape(len(words), -1)
        y = sites.y[words[0] : words[-1] + 1] + sites.origins[banks[0], 1] - sites.size // 2
        records = block_records(bits, across, y, sites.size, sites.layer)
        return cblock(records) if records else b""

    with whole_file(path, "the die's metal config", kept="dies that are finished are kept") as stream:
        file = OasisFile(stream)
        file.cell(f"scf_{sites.base}_metal")
        for block in ordered(threads, work, blocks):
            file.compressed(block)
        file.close()
        size, sha256 = stream.tell(), file.sha256()
    programmed = tuple(int(np.bitwise_count(bank).sum()) for bank in rows.reshape(rom.banks, -1))
    return Written(path, sha256, size, programmed)
