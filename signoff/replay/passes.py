"""What one token makes the tiles of a die do: passes, as steps for each row of tiles."""

__all__ = ["Plan", "Reading", "Taken", "die_passes", "encode"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rtl_gen.golden.chunk import Part, parts_of
from rtl_gen.golden.tile import Pass
from signoff.readback.weights import PiecePlan, TilePlan

COLUMN_BITS = 5
DRAIN = 64  # cycles after the last step in which sums may still leave


@dataclass(frozen=True)
class Taken:
    """What the golden model says of one matrix in one token.

    Attributes:
        mantissas: int8 [inputs]; empty where nothing is multiplied.
        sums: int64 [outputs] of the whole matrix; likewise.
        look_up: The output that is looked up, if one is.
    """

    mantissas: np.ndarray
    sums: np.ndarray
    look_up: int | None = None


@dataclass(frozen=True)
class Plan:
    """A piece of a die and what a token does with it.

    Attributes:
        first: Its first output in the matrix.
    """

    piece: PiecePlan
    first: int
    taken: Taken


@dataclass(frozen=True)
class Reading:
    """What a pass gives.

    Attributes:
        plan: Number of the piece.
        block, span: Of the piece.
        weight: Of its sums, in quarters.
        source: For a look-up: the input whose digit it reads.
        output: Likewise: of the tile, the one that leaves.
    """

    plan: int
    block: int
    span: int
    weight: int
    source: int | None = None
    output: int = 0


def die_passes(plans: Sequence[Plan], tile: TilePlan) -> tuple[list[Reading], list[list[Pass]]]:
    """The passes of a die, and for each row of tiles what it does in them."""
    readings: list[Reading] = []
    rows: list[list[Pass]] = [[] for _ in range(tile.rows)]
    for number, plan in enumerate(plans):
        for reading, passes in (*_multiplied(number, plan, tile), *_looked_up(number, plan, tile)):
            readings.append(reading)
            for line, one in zip(rows, passes, strict=True):
                line.append(one)
    return readings, rows


def _spans(p: PiecePlan, tile: TilePlan) -> tuple[tuple[Part, ...], int]:
    """The passes of a span, and its rows."""
    parts = parts_of(p.chunk, p.bits, tile.activations, tile.align)
    return parts, parts[-1].row + parts[-1].rows


def _multiplied(number: int, plan: Plan, tile: TilePlan) -> Iterator[tuple[Reading, list[Pass]]]:
    p = plan.piece
    if not len(plan.taken.mantissas):
        return
    parts, span_rows = _spans(p, tile)
    whole = np.zeros(p.spans * tile.rows * p.chunk, np.int8)
    whole[: p.inputs] = plan.taken.mantissas
    chunks = whole.reshape(p.spans, tile.rows, p.chunk)
    for block, span in np.ndindex(p.blocks, p.spans):
        first = p.row + (block * p.spans + span) * span_rows
        for part in parts:
            yield (
                Reading(number, block, span, part.weight),
                [
                    Pass(first + part.row, _given(chunk, part, tile.activations), plane=part.plane)
                    for chunk in chunks[span]
                ],
            )


def _given(chunk: np.ndarray, part: Part, activations: int) -> np.ndarray:
    x = np.zeros(part.rows * activations, np.int8)
    here = chunk[part.first : part.first + len(x)]
    x[: len(here)] = here
    return x.reshape(part.rows, activations)


def _looked_up(number: int, plan: Plan, tile: TilePlan) -> Iterator[tuple[Reading, list[Pass]]]:
    """A pass for each digit of each input of one output: a 1 among zeros, in one row of tiles.

    Seeks address every `align`-th row, so a pass begins there and has zeros up to its own.
    """
    p, asked = plan.piece, plan.taken.look_up
    if asked is None or not 0 <= asked - plan.first < p.outputs:
        return
    block, within = divmod(asked - plan.first, tile.columns * tile.outputs)
    output = within % tile.outputs
    parts, span_rows = _spans(p, tile)
    for source in range(p.inputs):
        chunk, inner = divmod(source, p.chunk)
        span, there = divmod(chunk, tile.rows)
        first = p.row + (block * p.spans + span) * span_rows
        for part in parts:
            if not 0 <= inner - part.first < part.rows * tile.activations:
                continue
            row, activation = divmod(inner - part.first, tile.activations)
            start = row // tile.align * tile.align
            passes = []
            for r in range(tile.rows):
                x = np.zeros((row - start + 1, tile.activations), np.int8)
                x[-1, activation] = r == there
                passes.append(Pass(first + part.row + start, x, output, one=True, plane=part.plane))
            yield Reading(number, block, span, part.weight, source, output), passes


def encode(passes: Sequence[Pass], tile: TilePlan) -> tuple[np.ndarray, np.ndarray]:
    """Steps of one row of tiles, cycle by cycle.

    Returns:
        int64 [cycles]: activations in the low bytes, then a bit each for seek, row, first, last, one; -1 in a
        cycle without a step. And int64 [passes]: how many sums leave after each.
    """
    bits = 8 * tile.activations
    seek, row, first, last, one = (1 << bits + n for n in range(5))
    out: list[np.ndarray] = []
    counts = []
    cycle = 0
    ready = 0  # the cycle from which on sums may be taken
    shifts = 8 * np.arange(tile.activations)
    for p in passes:
        target = p.row // tile.align << COLUMN_BITS | p.column
        number = sum(f for n, f in enumerate((row, first, last, one)) if p.plane.number >> n & 1)
        words = ((p.x.astype(np.int64) & 255) << shifts).sum(1) | row
        words[0] |= first
        words[-1] |= last | (one if p.one else 0)
        wait = max(0, ready - (cycle + len(words)))
        out += [np.array([target | seek | number]), words[:-1], np.full(wait, -1), words[-1:]]
        cycle += 1 + len(words) + wait
        count = 1 if p.one else tile.outputs - p.column
        ready = cycle - 1 + count
        counts.append(count)
    return np.concatenate([*out, np.full(DRAIN, -1)]), np.array(counts)
