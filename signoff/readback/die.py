"""Every bit of a die, from the vias in its file: no layout tool, and nothing of the writer.

A die that is not hardened has no layout from which the sites could be read, so their places come in as
numbers: where banks stand, and where bit lines and word lines cross in one. Every rectangle of the file
must lie on one.
"""

__all__ = ["DieBits", "DiePlan", "read_die"]

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtl_gen.errors import FlowError
from rtl_gen.ordered import ordered
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
        columns, lines: Left edges of the columns of banks and lower edges of their lines, ascending; bank n
            stands in column n % columns of line n // columns.
        present: Numbers of the places at which there is a bank, ascending.
        x, y: Centres of bit lines and word lines in a bank.
        size: Side of a via.
        layer: GDS layer and datatype.
    """

    columns: np.ndarray
    lines: np.ndarray
    present: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: int
    layer: tuple[int, int]

    def axis(self, which: int) -> np.ndarray:
        """Lower edges of the sites along x (0) or y (1) over the whole die, ascending."""
        starts, local = ((self.columns, self.x), (self.lines, self.y))[which]
        result: np.ndarray = (starts[:, None] + np.sort(local) - self.size // 2).ravel()
        return result

    @property
    def sites(self) -> int:
        """Programmable places."""
        return len(self.present) * len(self.x) * len(self.y)


@dataclass(frozen=True, eq=False)
class DieBits:
    """What a die's file holds.

    Attributes:
        bits: uint8 [lines of banks * word_lines, columns * bit_lines / 8], bit 0 of a byte leftmost.
        vias: Number of rectangles.
        plan: Where they were looked for.
    """

    bits: np.ndarray
    vias: int
    plan: DiePlan

    def banks(self, first: int = 0, stop: int | None = None) -> np.ndarray:
        """Places from number `first` on, whole lines of them: uint8 [places, word_lines, bytes of a word]."""
        p = self.plan
        columns, words = len(p.columns), len(p.y)
        lines = slice(first // columns, None if stop is None else -(-stop // columns))
        grid = self.bits.reshape(len(p.lines), words, columns, -1)[lines]
        flat = grid.swapaxes(1, 2).reshape(-1, words, grid.shape[3])
        at = first - first // columns * columns
        return flat[at : None if stop is None else at + stop - first]


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

    for row, column, found, number in ordered(threads, work, file.blocks):
        there = bits[row : row + found.shape[0], column : column + found.shape[1]]
        if (there & found).any():
            raise BadOasis("two vias at one site")
        there |= found
        vias += number
    whole = DieBits(bits, vias, plan)
    absent = np.setdiff1d(np.arange(len(plan.columns) * len(plan.lines)), plan.present)
    if absent.size and whole.banks()[absent].any():
        raise BadOasis("a via where no bank stands")
    return whole


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
