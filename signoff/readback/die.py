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
# Each byte with its bits the other way round
_BACK = np.packbits(
    np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little"), axis=1
)[:, 0]
Part = tuple[int, np.ndarray, np.ndarray, int]  # of a block: first row, bytes of a row, bits, vias
LARGEST = 1 << 26  # steps that one block may cover
HINT = "Build the die again: it is written anew when its file is damaged."


@dataclass(frozen=True, eq=False)
class DiePlan:
    """Where a die's sites are; lengths in nm.

    Attributes:
        columns, lines: Where the origins of the columns of banks and of their lines are, ascending; bank n
            stands in column n % columns of line n // columns.
        x_signs, y_signs: -1 for columns whose banks are mirrored in x, for lines whose are in y; else 1.
        present: Numbers of the places at which there is a bank, ascending.
        x, y: Centres of bit lines and word lines in a bank.
        size: Side of a via.
        layer: GDS layer and datatype.
    """

    columns: np.ndarray
    lines: np.ndarray
    x_signs: np.ndarray
    y_signs: np.ndarray
    present: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: int
    layer: tuple[int, int]

    def axis(self, which: int) -> np.ndarray:
        """Lower edges of the sites along x (0) or y (1) over the whole die, ascending."""
        starts, signs, local = ((self.columns, self.x_signs, self.x), (self.lines, self.y_signs, self.y))[
            which
        ]
        at = starts[:, None] + np.sort(signs[:, None] * local, axis=1)
        result: np.ndarray = at.ravel() - self.size // 2
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
        grid = self.bits.reshape(len(p.lines), words, columns, -1)[lines].swapaxes(1, 2)
        flat = np.ascontiguousarray(grid).reshape(-1, words, grid.shape[3])
        number = np.arange(len(flat))
        down, back = p.y_signs[lines][number // columns] < 0, p.x_signs[number % columns] < 0
        flat[down] = flat[down, ::-1]
        flat[back] = _BACK[flat[back, :, ::-1]]
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
    bits = np.zeros((len(y), len(x) // 8), np.uint8)
    vias = 0

    def work(block: Block) -> Part:
        try:
            return _place(parse_block(block), plan, x, y)
        except BadOasis as e:
            text = str(e)
            raise BadOasis(text if "block at" in text else f"block at byte {block.at}: {text}") from e

    for row, columns, found, number in ordered(threads, work, file.blocks):
        lines = bits[row : row + found.shape[0]]
        there = lines[:, columns]
        if (there & found).any():
            raise BadOasis("two vias at one site")
        lines[:, columns] = there | found
        vias += number
    whole = DieBits(bits, vias, plan)
    absent = np.setdiff1d(np.arange(len(plan.columns) * len(plan.lines)), plan.present)
    if absent.size and whole.banks()[absent].any():
        raise BadOasis("a via where no bank stands")
    return whole


def _place(s: Squares, plan: DiePlan, x: np.ndarray, y: np.ndarray) -> Part:
    """The part of the die that a block covers: first row, bytes of a row, packed bits; and its vias."""
    if s.layer != plan.layer or (s.width, s.height) != (plan.size, plan.size):
        raise BadOasis(
            f"rectangles of {s.width} x {s.height} nm on {s.layer}, expected {plan.size} nm on {plan.layer}"
        )
    line = np.searchsorted(y, s.y)
    if (line >= len(y)).any() or (y[np.minimum(line, len(y) - 1)] != s.y).any():
        raise BadOasis("a via on no word line")
    # All in steps of the grid, from the leftmost via.
    starts = np.cumsum(s.count) - s.count
    steps = s.steps.astype(np.intp)
    steps[starts] = 0
    length = np.add.reduceat(steps, starts)
    left, right = int(s.x.min()), int((s.x + length * s.grid).max())
    grid = int(np.gcd.reduce([s.grid, *(s.x - left)]))
    scale, wide = s.grid // grid, (right - left) // grid + 1
    top, low = int(line.max()), int(line.min())
    if wide * (top - low + 1) > LARGEST:
        raise BadOasis("a block that covers too much of the die")
    # Behind the last place of each row there is one more, for bit lines that the block does not reach.
    canvas = np.zeros((top - low + 1) * (wide + 1), bool)
    begin = (line - low) * (wide + 1) + (s.x - left) // grid
    # Steps from via to via over all records: from the last of one record to the first of the next, too.
    if scale > 1:
        steps *= scale
    steps[starts] = begin - np.concatenate([[0], (begin + length * scale)[:-1]])
    canvas[np.cumsum(steps, out=steps)] = True
    first, stop = np.searchsorted(x, left), np.searchsorted(x, right, "right")
    reached = np.flatnonzero((x[first:stop] - left) % grid == 0) + first
    columns = np.unique(reached >> 3)
    at = x.reshape(-1, 8)[columns].ravel() - left
    place = np.where((at >= 0) & (at <= right - left) & (at % grid == 0), at // grid, wide)
    found = canvas.reshape(-1, wide + 1).take(place, axis=1)
    number = int(np.count_nonzero(found))
    if number != len(steps):
        raise BadOasis(f"{len(steps) - number} vias on no bit line, or two at one site")
    return low, columns, np.packbits(found, axis=1, bitorder="little"), len(steps)
