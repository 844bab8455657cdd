"""The map of what the ROMs of a die of tiles hold."""

__all__ = ["ABOUT", "draw_memories", "use"]

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from flow.report.figures import CATEGORIES, category, painted, row_categories
from flow.stitching.contents import Memory

ABOUT = (
    "Rows of each memory from the left, bit 0 at the bottom, darker where there is a via. A row of a rom tile"
    " has 4 bits for each of 32 outputs and two activations; words of factors and tables have 16 bits."
)
_LENGTHS = 256, 512, 1024  # rows of a strip: the first that holds all that are used, else the last
_WIDTH = 1024  # pixels of a strip
_GAP = 4  # pixels between strips
_LETTERS = 16.0
_TITLE = 28  # pixels


def use(memories: Sequence[Memory]) -> dict[str, str]:
    """How many rows or words each category takes, and which part of all bits is unused.

    Of rom tiles, which all have the same in the same rows, it is the rows of one.
    """
    counts: dict[str, Counter[str]] = {}
    for memory in {m.name.partition(".")[2]: m for m in memories}.values():
        for b in memory.blocks:
            counts.setdefault(category(b.name, b.kind), Counter())[memory.unit] += b.rows
    told = {
        name: ", ".join(f"{n:,} {unit}" for unit, n in counts[name].items())
        for name in CATEGORIES
        if name in counts and name != "unused"
    }
    free = sum((len(m.vias) - sum(b.rows for b in m.blocks)) * m.vias.shape[1] for m in memories)
    return told | {"unused": f"{100 * free / sum(m.vias.size for m in memories):.1f} % of all bits"}


def draw_memories(path: Path, memories: Sequence[Memory]) -> None:
    """Write a PNG with strips of rows side by side, bit 0 at the bottom, as far as rows are used.

    A site is a square of 1, 2 or 4 pixels, coloured by what lies there; a via is darker.
    """
    most = max(m.used for m in memories if m.unit == "rows")
    rows = next((n for n in _LENGTHS if n >= most), _LENGTHS[-1])
    parts = [part for memory in memories for part in (_title(memory), *_strips(memory, rows))]
    Image.fromarray(np.concatenate(parts)).save(path, "PNG", optimize=True)


def _title(memory: Memory) -> np.ndarray:
    picture = Image.new("RGB", (_WIDTH, _TITLE), "white")
    total, bits = memory.vias.shape
    text = f"{memory.name}: {memory.unit} of {bits} bits, {memory.used:,} of {total:,} used"
    ImageDraw.Draw(picture).text((0, _GAP), text, "black", ImageFont.load_default(_LETTERS))
    return np.asarray(picture)


def _strips(memory: Memory, rows: int) -> Iterator[np.ndarray]:
    of_row = row_categories(memory.blocks, len(memory.vias))
    what = np.broadcast_to(of_row[:, None], memory.vias.shape)
    side = _WIDTH // rows
    for first in range(0, memory.used, rows):
        part = slice(first, first + rows)
        sites = np.flipud(painted(what[part], memory.vias[part]).swapaxes(0, 1))
        shown = sites.repeat(side, axis=0).repeat(side, axis=1)
        yield np.pad(shown, ((0, _GAP), (0, _WIDTH - shown.shape[1]), (0, 0)), constant_values=255)
