"""Every bit of a die, from the vias in its file: no layout tool, and nothing of the writer.

A planned base has no layout yet from which the sites could be read, so their places come in as numbers: where
banks stand, and where bit lines and word lines cross in one. Every rectangle of the file must lie on one.
"""

__all__ = ["DieBits", "DiePlan", "read_die"]

import functools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.untrusted import open_file
from signoff.readback.records import BadOasis, Block, Squares, parse_block, split_file

UNIT = 1000.0  # grid steps in a um
Part = tuple[int, int, np.ndarray, int]  # of a block: first row, first byte, bits, vias
LARGEST = 1 << 26  # steps that one block may cover
HINT = "Build the die again: it is written anew when its file is damaged."


@dataclass(frozen=True, eq=False)
class DiePlan:
    """Where a die's sites are; lengths in nm.

    Attributes:
        columns, rows: Of banks; bank n stands in column n % columns of row n // columns.
        pitch, origin: Of the banks, x and y.
        x, y: Centres of bit lines and word lines in a bank.
        size: Side of a via.
        layer: GDS layer and datatype.
    """

    columns: int
    rows: int
    pitch: tuple[int, int]
    origin: tuple[int, int]
    x: np.ndarray
    y: np.ndarray
    size: int
    layer: tuple[int, int]

    def axis(self, which: int) -> np.ndarray:
        """Lower edges of the sites along x (0) or y (1) over the whole die, ascending."""
        count, local = ((self.columns, self.x), (self.rows, self.y))[which]
        start = self.origin[which] + self.pitch[which] * np.arange(count)[:, None]
        result: np.ndarray = (start + np.sort(local) - self.size // 2).ravel()
        return result


@dataclass(frozen=True, eq=False)
class DieBits:
    """What a die's file holds.

    Attributes:
        bits: uint8 [rows of banks * word_lines, columns * bit_lines / 8], bit 0 of a byte leftmost.
        vias: Number of rectangles.
        plan: Where they were looked for.
    """

    bits: np.ndarray
    vias: int
    plan: DiePlan

    def rom_rows(self, first: int, count: int, mux: int) -> np.ndarray:
        """Logical rows of whole banks, from bank `first` on: uint8 [count * word_lines * mux, bytes].

        `mux` neighbouring bit lines hold one bit of as many rows.
        """
        p = self.plan
        words, lines = len(p.y), len(p.x)
        bank = np.arange(first, first + count)
        grid = self.bits.reshape(p.rows, words, p.columns, lines // 8)
        taken = grid[bank // p.columns, :, bank % p.columns]
        groups = taken.reshape(count, words, lines // (8 * mux), mux)
        out = np.zeros((count, words, mux, groups.shape[2]), np.uint8)
        for n, table in enumerate(_apart(mux)):
            out |= table.take(groups[..., n], axis=0).swapaxes(2, 3)
        return out.reshape(count * words * mux, -1)


@functools.cache
def _apart(mux: int) -> np.ndarray:
    """What a byte of `mux` neighbouring ones says of as many rows: uint8 [byte's number, 256, rows].

    Of every `mux` bits in a line the first belongs to the first row, and so on.
    """
    out = np.zeros((mux, 256, mux), np.uint8)
    value = np.arange(256)
    for n in range(mux):
        for k in range(8):
            bit, row = divmod(8 * n + k, mux)
            out[n, :, row] |= ((value >> k & 1) << bit).astype(np.uint8)
    return out


def read_die(path: Path, plan: DiePlan, threads: int = 1) -> DieBits:
    """Read a die's file.

    Args:
        path: OASIS.
        plan: Where its sites are.
        threads: The result does not depend on it.

    Raises:
        FlowError: The file is missing or damaged, or has a shape that is no via at a site.
    """
    try:
        with open_file(path) as f:
            data = f.read()
    except OSError as e:
        raise FlowError(f"cannot read the die ({e.strerror})", where=str(path), hint=HINT) from e
    try:
        return _read(data, plan, threads)
    except BadOasis as e:
        raise FlowError(f"damaged, or not a die's metal config: {e}", where=str(path), hint=HINT) from e


def _read(data: bytes, plan: DiePlan, threads: int) -> DieBits:
    file = split_file(data)
    if file.unit != UNIT:
        raise BadOasis(f"{file.unit:g} grid steps in a um, expected {UNIT:g}")
    if len(plan.x) % 8:
        raise ValueError(f"{len(plan.x)} bit lines, expected a multiple of 8")
    x, y = plan.axis(0), plan.axis(1)
    pitch = int(np.gcd.reduce(np.diff(x)))
    bits = np.zeros((len(y), len(x) // 8), np.uint8)
    vias = 0

    def work(block: Block) -> Part:
        try:
            return _place(parse_block(block), plan, x, y, pitch)
        except BadOasis as e:
            text = str(e)
            raise BadOasis(text if "block at" in text else f"block at byte {block.at}: {text}") from e

    for row, column, found, number in _ordered(threads, work, file.blocks):
        there = bits[row : row + found.shape[0], column : column + found.shape[1]]
        if (there & found).any():
            raise BadOasis("two vias at one site")
        there |= found
        vias += number
    return DieBits(bits, vias, plan)


def _place(
    s: Squares, plan: DiePlan, x: np.ndarray, y: np.ndarray, pitch: int
) -> tuple[int, int, np.ndarray, int]:
    """First row, first byte of a row, packed bits of the part of the die that a block covers; its vias.

    `pitch` divides all distances between bit lines.
    """
    if s.layer != plan.layer or (s.width, s.height) != (plan.size, plan.size):
        raise BadOasis(
            f"rectangles of {s.width} x {s.height} nm on {s.layer}, expected {plan.size} nm on {plan.layer}"
        )
    line = np.searchsorted(y, s.y)
    if (line >= len(y)).any() or (y[np.minimum(line, len(y) - 1)] != s.y).any():
        raise BadOasis("a via on no word line")
    # All in steps of the grid, from the leftmost place that a site of the block's bit lines may have.
    starts = np.cumsum(s.count) - s.count
    steps = s.steps.astype(np.intp)
    steps[starts] = 0
    length = np.add.reduceat(steps, starts)
    left, right = int(s.x.min()), int((s.x + length * s.grid).max())
    first = max(int(np.searchsorted(x, left, "right")) - 1, 0) // 8 * 8
    stop = min(-(-int(np.searchsorted(x, right, "right")) // 8) * 8, len(x))
    legal = x[first:stop]
    if not legal.size or left < legal[0] or right > legal[-1]:
        raise BadOasis("a via left or right of all bit lines")
    grid = int(np.gcd.reduce([s.grid, pitch, *(s.x - legal[0])])) if s.grid > 1 else 1
    scale, wide = s.grid // grid, int(legal[-1] - legal[0]) // grid + 1
    top, low = int(line.max()), int(line.min())
    if wide * (top - low + 1) > LARGEST:
        raise BadOasis("a block that covers too much of the die")
    canvas = np.zeros((top - low + 1) * wide, bool)
    begin = (line - low) * wide + (s.x - legal[0]) // grid
    # Steps from via to via over all records: from the last of one record to the first of the next, too.
    if scale > 1:
        steps *= scale
    steps[starts] = begin - np.concatenate([[0], (begin + length * scale)[:-1]])
    canvas[np.cumsum(steps, out=steps)] = True
    found = canvas.reshape(-1, wide).take((legal - legal[0]) // grid, axis=1)
    number = int(np.count_nonzero(found))
    if number != len(steps):
        raise BadOasis(f"{len(steps) - number} vias on no bit line, or two at one site")
    return low, first // 8, np.packbits(found, axis=1, bitorder="little"), len(steps)


def _ordered(threads: int, work: Callable[[Block], Part], blocks: Sequence[Block]) -> Iterator[Part]:
    if threads == 1:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Part]] = deque()
        for block in blocks:
            waiting.append(pool.submit(work, block))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
