"""Programmed sites of one bank as OASIS rectangles: one record a word line, repeated over its bit lines."""

__all__ = ["Cursor", "bank_records", "block_records"]

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
    return _records(bits, x, y, size, layer, cursor)[0].tobytes()


def block_records(bits: np.ndarray, x: np.ndarray, y: np.ndarray, size: int, layer: tuple[int, int]) -> bytes:
    """As `bank_records`, but independent of what was written before, so that blocks can be made in parallel.

    The first record stands at its absolute place and names layer and size.
    """
    data, first = _records(bits, x, y, size, layer, Cursor())
    if not data.size:
        return b""
    return bytes([XYABSOLUTE]) + data[:first].tobytes() + bytes([XYRELATIVE]) + data[first:].tobytes()


def _records(
    bits: np.ndarray, x: np.ndarray, y: np.ndarray, size: int, layer: tuple[int, int], cursor: Cursor
) -> tuple[np.ndarray, int]:
    """Bytes of all records, uint8, and how many of them are the first record's."""
    bits = np.ascontiguousarray(bits)
    count = np.count_nonzero(bits, axis=1)
    lines = np.flatnonzero(count)
    if not lines.size:
        return np.zeros(0, np.uint8), 0
    count = count[lines]
    start = np.cumsum(count) - count

    # Bit lines on a regular pitch, the usual case, need no look-up: flat indices differ as positions do.
    grid = int(np.gcd.reduce(np.diff(x))) if len(x) > 1 else 1
    steps = (x - x[0]) // grid
    sites = np.flatnonzero(bits)
    first = sites[start] % bits.shape[1]
    if not np.array_equal(steps, np.arange(len(x))):
        sites = np.tile(steps, len(bits))[sites]
    inner = np.ones(len(sites), bool)
    inner[start] = False
    spaces, length = pack(np.diff(sites, prepend=0)[inner])

    info, head, keep = _heads(x[first], y[lines], count, grid, size, layer, cursor)
    head_bytes, head_length = pack(head[keep])
    per_line = _sums(head_length, keep.sum(axis=1))
    per_spaces = _sums(length, count - 1)
    out = np.empty(len(head_bytes) + len(spaces), np.uint8)
    is_head = np.repeat(
        np.tile([True, False], len(lines)), np.stack([per_line, per_spaces], axis=1).reshape(-1)
    )
    out[is_head] = head_bytes
    out[~is_head] = spaces
    # Its place was kept by a 0: the info byte is the one field that is not a packed number.
    ends = np.cumsum(per_line + per_spaces)
    out[ends - (per_line + per_spaces) + 1] = info
    return out, int(ends[0])


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
    return end[stop] - end[stop - counts]
