"""Rectangles of an OASIS file (SEMI P39), read with numpy: a parser of this package's own.

It reads what a metal config may hold: one cell of rectangles, single or repeated along x, in compressed
blocks that do not lean on each other. Anything else is refused with its place in the file, never skipped.
"""

__all__ = ["Block", "OasisFile", "Squares", "parse_block", "split_file"]

import zlib
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

MAGIC = b"%SEMI-OASIS\r\n"
TRAILER = 256
FAR = 1 << 31  # grid steps
MOST = 1 << 26  # bytes in a block when unpacked; a damaged length must not take all memory


class BadOasis(ValueError):
    """The bytes are not what this reader expects; the message says where and what."""


@dataclass(frozen=True)
class Block:
    """A compressed block: where it starts in the file, its bytes, and their number when unpacked."""

    at: int
    data: memoryview
    length: int


@dataclass(frozen=True)
class OasisFile:
    """A file's only cell and its blocks; `unit` is grid steps in a micrometre."""

    cell: str
    unit: float
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Squares:
    """Rectangles of one block: a run of equal ones along x for each record.

    Attributes:
        layer: GDS layer and datatype.
        width, height: Of each, in grid steps.
        x, y: Lower left corner of a record's first, int64 [records].
        grid: Unit of `steps`; 1 where no record is repeated.
        count: Rectangles of each record, int64 [records].
        steps: To each rectangle from the one before it in its record, in units of `grid`, record after
            record; what stands there for the first of a record has no meaning.
    """

    layer: tuple[int, int]
    width: int
    height: int
    x: np.ndarray
    y: np.ndarray
    grid: int
    count: np.ndarray
    steps: np.ndarray


class _Bytes:
    """Reads numbers one after the other."""

    def __init__(self, data: memoryview | bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def byte(self) -> int:
        try:
            value = self.data[self.at]
        except IndexError:
            raise BadOasis(f"byte {self.at}: the data ends in the midst of a record") from None
        self.at += 1
        return value

    def unsigned(self) -> int:
        value = self.byte()
        if value < 128:
            return value
        value &= 127
        for shift in range(7, 64, 7):
            b = self.byte()
            value |= (b & 127) << shift
            if b < 128:
                return value
        raise BadOasis(f"byte {self.at}: a number of more than 63 bits")

    def string(self) -> bytes:
        return bytes(self.take(self.unsigned()))

    def take(self, count: int) -> memoryview | bytes:
        if count > len(self.data) - self.at:
            raise BadOasis(
                f"byte {self.at}: {count} bytes are announced, {len(self.data) - self.at} are left"
            )
        self.at += count
        return self.data[self.at - count : self.at]

    def real(self) -> float:
        kind = self.unsigned()
        if kind == 0:
            return float(self.unsigned())
        if kind == 6:
            return float(np.frombuffer(self.take(4), "<f4")[0])
        if kind == 7:
            return float(np.frombuffer(self.take(8), "<f8")[0])
        raise BadOasis(f"byte {self.at}: a real number of type {kind} where a unit is expected")


def split_file(data: bytes) -> OasisFile:
    """Check a file's frame and checksum, and find its blocks, without unpacking them."""
    if data[: len(MAGIC)] != MAGIC:
        raise BadOasis("the file does not begin as OASIS does")
    if len(data) < len(MAGIC) + TRAILER:
        raise BadOasis(f"the file has {len(data)} bytes, too few to be whole")
    if data[-5] != 1 or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BadOasis("the checksum at the file's end does not fit its content")
    r = _Bytes(memoryview(data), len(MAGIC))
    if r.unsigned() != 1:
        raise BadOasis("the first record is not START")
    if r.string() != b"1.0":
        raise BadOasis("not version 1.0")
    unit = r.real()
    if r.unsigned() == 0:
        for _ in range(12):
            r.unsigned()
    cell, blocks = "", []
    end = len(data) - TRAILER
    while r.at < end:
        at, record = r.at, r.unsigned()
        if record == 14 and not cell:
            cell = r.string().decode("ascii", "replace")
        elif record == 34 and cell:
            if r.unsigned() != 0:
                raise BadOasis(f"byte {at}: a block that is not packed with DEFLATE")
            length, packed = r.unsigned(), r.unsigned()
            if length > MOST:
                raise BadOasis(f"byte {at}: a block of {length} bytes, expected at most {MOST}")
            blocks.append(Block(at, memoryview(r.take(packed)), length))
        elif record not in (0, 15, 16):  # padding; how coordinates are meant, which each block says itself
            raise BadOasis(f"byte {at}: record {record} outside a block, where none is expected")
    if r.at != end or data[end] != 2 or not cell:
        raise BadOasis("the file does not end as one cell's does")
    return OasisFile(cell, unit, tuple(blocks))


def parse_block(block: Block) -> Squares:
    """Unpack and read a block."""
    try:
        unpack = zlib.decompressobj(-15)
        raw = unpack.decompress(block.data, block.length + 1)
    except zlib.error as e:
        raise BadOasis(f"block at byte {block.at}: {e}") from e
    if len(raw) != block.length or unpack.unused_data or not unpack.eof:
        raise BadOasis(f"block at byte {block.at}: unpacks to other than {block.length} bytes")
    try:
        return _rectangles(raw)
    except BadOasis as e:
        raise BadOasis(f"block at byte {block.at}, unpacked {e}") from e


def _rectangles(raw: bytes) -> Squares:
    data = np.frombuffer(raw, np.uint8)
    long = np.flatnonzero(data > 127).tolist()  # bytes that a number goes on after
    r = _Bytes(raw)
    state = _State()
    xs, ys, counts, spans = [], [], [], []
    size = len(raw)
    while r.at < size:
        record = raw[r.at]
        r.at += 1
        if record != 20:
            if record not in (0, 15, 16):
                raise BadOasis(f"byte {r.at - 1}: record {record}, expected rectangles")
            if record:
                state.relative = record == 16
            continue
        count = state.rectangle(r)
        xs.append(state.x)
        ys.append(state.y)
        counts.append(count)
        # A list with the byte before it, the last of a number, which takes the place of the first rectangle.
        spans.append((r.at - 1, r.at))
        if count > 1:
            begin = r.at
            end = begin + count - 1
            if end > size:
                raise BadOasis(
                    f"byte {begin}: {count - 1} spacings are announced, {size - begin} bytes are left"
                )
            # Numbers of several bytes push the end of the list back by a byte for each that goes on.
            first = bisect_left(long, begin)
            last = bisect_left(long, end)
            while last - first > end - begin - (count - 1):
                end = begin + count - 1 + last - first
                last = bisect_left(long, end)
            if end > size:
                raise BadOasis(f"byte {begin}: the list of spacings runs past the end")
            spans[-1] = (begin - 1, end)
            r.at = end
    if not xs:
        raise BadOasis("byte 0: a block without rectangles")
    packed = np.concatenate([data[a:b] for a, b in spans])
    assert state.layer is not None
    return Squares(
        (state.layer[0], state.layer[1]), state.width, state.height, np.array(xs), np.array(ys),
        state.grid or 1, np.array(counts), _numbers(packed),
    )  # fmt: skip


class _State:
    """What a record may leave out, from the start of a block on."""

    def __init__(self) -> None:
        self.relative: bool | None = None
        self.layer: list[int] | None = None
        self.width = self.height = self.x = self.y = self.grid = 0
        self.placed = False

    def rectangle(self, r: _Bytes) -> int:
        """Read a record up to its list of spacings; returns the number of rectangles."""
        start = r.at - 1
        info = r.byte()
        if info & 1:
            layer = r.unsigned()
            self.layer = [layer, self.layer[1] if self.layer else -1]
        if info & 2:
            datatype = r.unsigned()
            self.layer = [self.layer[0] if self.layer else -1, datatype]
        width, height = self.width, self.height
        if info & 64:
            width = r.unsigned()
        if info & 128:
            height = width
        elif info & 32:
            height = r.unsigned()
        if self.placed and ((width, height) != (self.width, self.height) or info & 3):
            raise BadOasis(f"byte {start}: rectangles of several sizes or layers in one block")
        self.width, self.height = width, height
        if self.relative is None or self.layer is None or -1 in self.layer or not width or not height:
            raise BadOasis(f"byte {start}: a rectangle that leans on a block before it")
        if not self.placed and (self.relative or info & 24 != 24):
            raise BadOasis(f"byte {start}: the block's first rectangle has no place of its own")
        if info & 16:
            self.x = self._moved(self.x, r.unsigned(), start)
        if info & 8:
            self.y = self._moved(self.y, r.unsigned(), start)
        self.placed = True
        if not info & 4:
            return 1
        kind = r.unsigned()
        if kind not in (4, 5):
            raise BadOasis(f"byte {start}: repetition of type {kind}, expected spacings along x")
        count = r.unsigned() + 2
        grid = r.unsigned() if kind == 5 else 1
        if not 0 < grid < 1 << 31 or (self.grid and grid != self.grid):
            raise BadOasis(f"byte {start}: a grid of {grid} after one of {self.grid}")
        self.grid = grid
        return count

    def _moved(self, old: int, raw: int, start: int) -> int:
        value = -(raw >> 1) if raw & 1 else raw >> 1
        if self.relative:
            value += old
        if not -FAR < value < FAR:
            raise BadOasis(f"byte {start}: a coordinate of {value}, beyond any layout")
        return value


def _numbers(packed: np.ndarray) -> np.ndarray:
    """Unsigned integers from their bytes; uint8 where each is one byte."""
    more = packed & 128
    if not more.any():
        return packed
    if more[-1]:
        raise BadOasis("list of spacings: a number goes on after the end")
    begins = np.ones(len(packed), bool)
    begins[1:] = more[:-1] == 0
    out = (packed[begins] & 127).astype(np.int64)
    inner = np.flatnonzero(~begins)
    # Few are longer than a byte: those that go on from byte `at`.
    at = np.flatnonzero(begins & (more != 0))
    number = at - np.searchsorted(inner, at)
    for digit in range(1, 5):
        at = at + 1
        if digit == 4 and at.size:
            raise BadOasis("list of spacings: a spacing of more than 28 bits")
        out[number] |= (packed[at].astype(np.int64) & 127) << 7 * digit
        goes_on = packed[at] > 127
        at, number = at[goes_on], number[goes_on]
    return out
