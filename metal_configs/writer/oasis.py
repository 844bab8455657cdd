"""Primitives of OASIS (SEMI P39): integers, records and the file around them.

Only what a metal config needs: one or more cells of rectangles with repetitions, in compressed blocks.
"""

__all__ = ["OasisFile", "cblock", "pack", "signed", "string", "unsigned"]

import hashlib
import zlib
from typing import BinaryIO

import numpy as np

MAGIC = b"%SEMI-OASIS\r\n"
START, END, CELL, XYABSOLUTE, XYRELATIVE, CBLOCK = 1, 2, 14, 15, 16, 34
END_LENGTH = 256  # fixed by the standard
UNIT = 1000  # grid steps in a um: the database unit is 1 nm


def unsigned(v: int) -> bytes:
    """Unsigned integer: seven bits a byte, low first, top bit set on all but the last."""
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def signed(v: np.ndarray) -> np.ndarray:
    """Signed integers as the unsigned ones that OASIS writes for them: magnitude, then sign in bit 0."""
    result: np.ndarray = np.abs(v) << 1 | (v < 0)
    return result


def string(s: str) -> bytes:
    data = s.encode("ascii")
    return unsigned(len(data)) + data


def pack(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Encode many unsigned integers.

    Args:
        values: Whole numbers >= 0, [n].

    Returns:
        The bytes, uint8, and the length of each number in bytes, [n] (None: one byte each).
    """
    if not values.size or int(values.max()) < 128:
        return values.astype(np.uint8), None
    first = values.astype(np.uint8) & 127
    long = np.flatnonzero(values > 127)  # few: the spacings from macro to macro
    first[long] |= 128
    rest = values[long].astype(np.int64) >> 7
    length = np.ones(len(values), np.int64)
    more, at = [], []
    while long.size:
        length[long] += 1
        goes_on = rest > 127
        more.append(rest & 127 | goes_on << 7)
        at.append(long + 1)
        rest, long = rest[goes_on] >> 7, long[goes_on]
    where, what = np.concatenate(at), np.concatenate(more)
    order = np.argsort(where, kind="stable")  # of one number the lower digits were first
    return np.insert(first, where[order], what[order].astype(np.uint8)), length


def cblock(records: bytes) -> bytes:
    """A CBLOCK record that holds whole records, compressed."""
    # Spacings of random data hold no repeats for LZ77: entropy coding alone is smaller and faster.
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    data = deflate.compress(records) + deflate.flush()
    return bytes([CBLOCK, 0]) + unsigned(len(records)) + unsigned(len(data)) + data


class OasisFile:
    """A file written record by record; `close` makes it valid.

    Nothing in it depends on time, place or machine: the same calls give the same bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._crc = 0
        self._sha = hashlib.sha256()
        self._put(MAGIC)
        # Unit as a positive whole real (type 0); table offsets here (flag 0), all six tables absent.
        self._put(bytes([START]) + string("1.0") + bytes([0]) + unsigned(UNIT) + bytes(1 + 12))

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self._crc = zlib.crc32(data, self._crc)
        self._sha.update(data)

    def cell(self, name: str) -> None:
        """Open a cell; coordinates in it are relative to the figure before, which keeps them short."""
        self._put(bytes([CELL]) + string(name) + bytes([XYRELATIVE]))

    def block(self, records: bytes) -> None:
        """Whole records of the open cell, compressed; nothing when there are none."""
        if records:
            self._put(cblock(records))

    def compressed(self, block: bytes) -> None:
        """What `cblock` made of whole records of the open cell."""
        self._put(block)

    def close(self) -> None:
        """Write END: padding up to its fixed length, then a CRC-32 over all bytes before it."""
        pad = END_LENGTH - 1 - 2 - 1 - 4  # record id, length of the padding (two bytes), scheme, CRC
        self._put(bytes([END]) + unsigned(pad) + bytes(pad) + bytes([1]))
        self._put(self._crc.to_bytes(4, "little"))

    def sha256(self) -> str:
        """Of all bytes written so far."""
        return self._sha.hexdigest()
