"""Programmed sites of one bank as OASIS rectangles: one record a word line, repeated over its bit lines."""

__all__ = ["BitLines", "Cursor", "bank_records", "block_records"]

from dataclasses import dataclass

import numpy as np

from metal_configs.writer.oasis import XYABSOLUTE, XYRELATIVE, pack, signed

RECTANGLE = 20
SQUARE, WIDTH, HAS_X, HAS_Y, REPEATED, DATATYPE, LAYER = 0x80, 0x40, 0x10, 0x08, 0x04, 0x02, 0x01
X_SPACES, X_SPACES_ON_GRID = 4, 5  # repetition: spacings along x in units of 1 nm, or of a grid


@dataclass
class Cursor:
    """Where the figure written last stands, nm; None before the first, which must name layer and size."""

    at: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class BitLines:
    """Where a record's squares may stand.

    Attributes:
        x: Lower left corners, nm, rising, [bit_lines].
        grid: Largest length of which all distances between them are multiples.
        steps: int32 [bit_lines]: distance from the first, in grids; None where it is the bit line's number.
    """

    x: np.ndarray
    grid: int
    steps: np.ndarray | None

    @classmethod
    def of(cls, x: np.ndarray) -> "BitLines":
        grid = int(np.gcd.reduce(np.diff(x))) if len(x) > 1 else 1
        steps = (x - x[0]) // grid
        # Bit lines on a regular pitch, the usual case of one bank, need no look-up.
        regular = np.array_equal(steps, np.arange(len(x)))
        return cls(x, grid, None if regular else steps.astype(np.int32))


def bank_records(
    bits: np.ndarray, x: np.ndarray, y: np.ndarray, size: int, layer: tuple[int, int], cursor: Cursor
) -> bytes:
    """Records of a bank's programmed sites; word lines without any are left out.

    Args:
        bits: bool [word_lines, bit_lines].
        x: Lower left corners of the squares along the bit lines, nm, rising, [bit_lines].
        y: Likewise along the word lines, [word_lines].
        size: Side of the squares, nm.
        layer: GDS layer and datatype.
        cursor: Carried from one call to the next within a cell.
    """
    return b"".join(_records(bits, BitLines.of(x), y, size, layer, cursor))


def block_records(
    bits: np.ndarray, lines: BitLines, y: np.ndarray, size: int, layer: tuple[int, int]
) -> bytes:
    """As `bank_records`, but independent of what was written before, so that blocks can be made in parallel.

    The first record stands at its absolute place and names layer and size.
    """
    parts = _records(bits, lines, y, size, layer, Cursor())
    if not parts:
        return b""
    return b"".join([bytes([XYABSOLUTE]), *parts[:2], bytes([XYRELATIVE]), *parts[2:]])


def _records(
    bits: np.ndarray, at: BitLines, y: np.ndarray, size: int, layer: tuple[int, int], cursor: Cursor
) -> list[memoryview]:
    """The bytes of each record in two parts: what comes before its spacings, and those."""
    bits = np.ascontiguousarray(bits)
    count = np.count_nonzero(bits, axis=1)
    lines = np.flatnonzero(count)
    if not lines.size:
        return []
    count = count[lines]
    start = np.cumsum(count) - count

    sites = np.flatnonzero(bits)
    first = sites[start] % bits.shape[1]
    if at.steps is not None:
        sites = np.tile(at.steps, len(bits)).take(sites)
    spaces = np.diff(sites, prepend=0)
    spaces[start] = 0  # a byte that no record takes: from one record's last site to the next one's first
    packed, length = pack(spaces)
    begin, end = start + 1, start + count
    if length is not None:
        ends = np.concatenate([[0], np.cumsum(length)])
        begin, end = ends[begin], ends[end]
    data = packed.data

    info, head, keep = _heads(at.x[first], y[lines], count, at.grid, size, layer, cursor)
    head_bytes, head_length = pack(head[keep])
    head_ends = np.cumsum(_sums(head_length, keep.sum(axis=1)))
    # Its place was kept by a 0: the info byte is the one field that is not a packed number.
    head_bytes[np.concatenate([[0], head_ends[:-1]]) + 1] = info
    heads = head_bytes.data
    out: list[memoryview] = []
    at_head = 0
    for next_head, a, b in zip(head_ends.tolist(), begin.tolist(), end.tolist(), strict=True):
        out += [heads[at_head:next_head], data[a:b]]
        at_head = next_head
    return out


def _heads(
    x: np.ndarray,
    y: np.ndarray,
    count: np.ndarray,
    grid: int,
    size: int,
    layer: tuple[int, int],
    cursor: Cursor,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Info bytes, [lines]; fields before the spacings, [lines, fields]; and which of those are written."""
    opening = cursor.at is None
    px, py = cursor.at or (0, 0)
    dx, dy = np.diff(x, prepend=px), np.diff(y, prepend=py)
    cursor.at = int(x[-1]), int(y[-1])
    first = np.arange(len(x)) == 0
    names = first & opening
    repeated = count > 1
    info = (
        np.where(names, SQUARE | WIDTH | DATATYPE | LAYER, SQUARE)
        | np.where(dx != 0, HAS_X, 0)
        | np.where(dy != 0, HAS_Y, 0)
        | np.where(repeated, REPEATED, 0)
    )
    fields: list[tuple[np.ndarray | int, np.ndarray | bool]] = [
        (RECTANGLE, True),
        (0, True),  # the info byte
        (layer[0], names),
        (layer[1], names),
        (size, names),
        (signed(dx), dx != 0),
        (signed(dy), dy != 0),
        (X_SPACES if grid == 1 else X_SPACES_ON_GRID, repeated),
        (count - 2, repeated),
        (grid, repeated & (grid != 1)),
    ]
    head = np.stack([np.broadcast_to(value, x.shape) for value, _ in fields], axis=1)
    keep = np.stack([np.broadcast_to(used, x.shape) for _, used in fields], axis=1)
    return info, head, keep


def _sums(lengths: np.ndarray | None, counts: np.ndarray) -> np.ndarray:
    """Bytes of consecutive groups of numbers, `counts` numbers each."""
    if lengths is None:
        return counts
    end = np.concatenate([[0], np.cumsum(lengths)])
    stop = np.cumsum(counts)
    result: np.ndarray = end[stop] - end[stop - counts]
    return result
