"""How a `vec` tile reads its tables: what addresses them, and the bits that go between two entries."""

__all__ = ["LEADING", "SIGMOID_REST", "Context", "distance", "entries", "signed"]

from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.formats import DISTANCE, SCORE_FRACTION, SQUARES, WORD
from rtl_gen.golden.vec_isa import Row, Table
from rtl_gen.golden.vector import EXP_INDEX, REST

SIGMOID_REST = 9  # bits that interpolate the sigmoid of the widest gate; others are shifted to it
LEADING = 7  # bits of the normalised accumulator that address a table, less what is left out below it


@dataclass
class Context:
    """What is found for a head."""

    query: int = 0
    maximum: int = 0
    normal: int = 0
    shifts: int = 0
    r: int = 0


def distance(row: Row, a: np.ndarray, here: Context) -> np.ndarray:
    """What e is raised to, negated: the elements themselves, or how far they are below the maximum."""
    if row.special & 3 == Table.EXP:
        return a
    return np.asarray(np.minimum(here.maximum - a, (1 << DISTANCE) - 1))


def entries(
    row: Row, a: np.ndarray, here: Context, words: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entries of a table, what follows is more, and where between them, as `shift` bits.

    Args:
        row: Names the table and its place.
        a: Elements that are looked up.
        here: Of the row's head.
        words: Of the ROM.
    """
    table = Table(row.special & 3)
    if table is Table.SIGMOID:
        align = row.special >> 2
        size = np.minimum(np.abs(a), (8 << (12 - align)) - 1) << align
        index, rest = size >> SIGMOID_REST, size & ((1 << SIGMOID_REST) - 1)
    elif table is Table.NORMAL:
        top = here.normal >> (SQUARES - LEADING - REST)
        index, rest = np.array([(top >> REST) - 32]), np.array([top & ((1 << REST) - 1)])
    else:
        d, bits = distance(row, a, here), SCORE_FRACTION - EXP_INDEX
        index, rest = d >> bits & ((1 << EXP_INDEX) - 1), d & ((1 << bits) - 1)
    at = row.rom + 2 * index
    return words[at].astype(np.int64), signed(words[at + 1], WORD), rest


def signed(words: np.ndarray, bits: int) -> np.ndarray:
    """The lowest bits of words, as signed integers."""
    found = words.astype(np.int64) & ((1 << bits) - 1)
    return found - ((found >> (bits - 1)) << bits)
