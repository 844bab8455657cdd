"""What a vec tile does between the words of q, k and v and those that o multiplies."""

__all__ = ["BEGIN", "LESS8", "LESS12", "LESS18", "Attention", "Words", "largest", "lines", "reciprocal"]

import itertools
from dataclasses import dataclass
from typing import Any

from metal_configs.compile.program.caches import Caches
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.formats import (
    PROBABILITY,
    PROBABILITY_DIGIT,
    ROTARY,
    SCORE_FRACTION,
    SQUARES,
)
from rtl_gen.golden.vec_isa import (
    BLOCK,
    LINE,
    Dest,
    Element,
    Factor,
    Op,
    Place,
    Reduce,
    Register,
    RomWalk,
    Table,
    Value,
    Walk,
    Width,
    Write,
    X,
    joining,
    special,
)
from rtl_gen.golden.vector import EXP_INDEX, REST

LESS8, LESS12, LESS18 = range(3)
BEGIN = joining(begin=True, high=False, left=0)


def lines(words: int) -> int:
    """Words of M that so many take, in whole lines."""
    return -(-words // LINE) * LINE


def largest(to: Register, less: int = LESS8, *, clear: bool = True) -> dict[str, Any]:
    """Fields of a row whose largest element makes the exponent `to`."""
    return {"reduce": Reduce.LARGEST, "to": to, "less": less, "clear": clear}


def reciprocal(rows: Rows, rom: int, context: int = 0) -> None:
    """R of a context from its sum, by the table at `rom`."""
    rows.vector(
        1, 0, 0, value=Value.DELTA, special=special(table=Table.NORMAL), rom=rom, shift=REST,
        width=Width.SUM, dest=Dest.R, context=context,
    )  # fmt: skip


@dataclass(frozen=True)
class Words:
    """Where vectors of attention begin in M: queries, keys, values, what the heads mix, scores, exponents."""

    q: int
    k: int
    v: int
    mix: int
    scores: int
    e: int


class Attention:
    """Writes rows for some heads at a time, stage by stage, so that none waits for itself.

    A vector that makes no activations runs while steps wait for some that others make: the next key is
    turned while the queries' mantissas are on their way, half of the next queries while probabilities are,
    the others while mantissas of their key are. What is found for a head is in its context.

    Args:
        contents, caches, rows: Of the die.
        beside: Heads at a time; of one key.
    """

    def __init__(self, contents: Contents, caches: Caches, rows: Rows, beside: int) -> None:
        self.contents, self.caches, self.rows, self.beside = contents, caches, rows, beside
        self.positions = contents.model.positions
        self.hd = contents.model.shape.head_dim
        self.only = rows.first_ram

    def heads(self, number: int, score_shift: int, at: Words) -> None:
        """All heads of a layer."""
        s = self.contents.model.shape
        batches = [
            (g, range(h, min(h + self.beside, (g + 1) * s.group)))
            for g in range(s.kv_heads)
            for h in range(g * s.group, (g + 1) * s.group, self.beside)
        ]
        key = -1  # the one that is remembered
        self._turn_key(0, at)
        self._turn(batches[0][1], 0, at)
        for (g, heads), (next_g, next_heads) in itertools.pairwise([*batches, (s.kv_heads - 1, range(0))]):
            if g != key:
                self._bytes(at.k + g * self.hd, self.beside, Register.KEY)
                self._bytes(at.v + g * self.hd, self.beside + 1, Register.VALUE)
            self._turn(heads, 1, at)
            if g != key:
                self._remember(number, g, at)
                key = g
            for n, h in enumerate(heads):
                self._bytes(at.q + h * self.hd, n, Register.QUERY, n)
            if next_g != key:
                self._turn_key(next_g, at)
            self._score(number, g, heads, score_shift, at)
            self._probabilities(heads, at)
            self._turn(next_heads, 0, at)
            self._mix(number, g, heads, at)

    def _turn_key(self, g: int, at: Words) -> None:
        """A key is rotated where it is; of its value only the exponent is found."""
        self._rotate(at.k + g * self.hd, Register.KEY)
        self.rows.vector(self.hd, at.v + g * self.hd, 0, width=Width.WORD, **largest(Register.VALUE))

    def _turn(self, heads: range, half: int, at: Words) -> None:
        """The first or the second half of some queries."""
        for n, h in enumerate(heads):
            if (2 * n >= len(heads)) == half:
                self._rotate(at.q + h * self.hd, Register.QUERY, n)

    def _rotate(self, a: int, to: Register, context: int = 0) -> None:
        self.rows.vector(
            self.hd, a, a, walk=Walk.PAIR, factor=Factor.ROTARY, rom=self.contents.at["rotary"],
            rom_walk=RomWalk.ROTARY, shift=ROTARY - 1, width=Width.WORD, dest=Dest.MEMORY, context=context,
            **largest(to),
        )  # fmt: skip

    def _bytes(self, a: int, number: int, exponent: Register, context: int = 0) -> None:
        """Words as mantissas for the ram tiles, the `number`th vector of them."""
        self.rows.vector(
            self.hd, a, number * self.hd, plus=exponent, width=Width.MANTISSA, dest=Dest.RAM_BYTES,
            context=context,
        )  # fmt: skip

    def _remember(self, number: int, g: int, at: Words) -> None:
        """Key and value of the position to the ram tiles, and the exponents of all positions to E.

        The value is met last: it is written while these exponents come.
        """
        hd, offset = self.hd, self.beside * self.hd // 2
        tile, row = self.caches.keys[number, g]
        self.rows.row(
            Op.STEPS, only=self.only + tile, row=row, n=hd, offset=offset, write=Write.DOWN,
            place=Place.CHUNK, at_position=1, append=1,
        )  # fmt: skip
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=BEGIN, n=BLOCK, d=at.e, width=Width.SUM, dest=Dest.MEMORY,
            reduce=Reduce.EXPONENTS, clear=1,
        )  # fmt: skip
        self.rows.row(
            Op.STEPS, only=self.only + tile, row=row + hd, n=1, x=X.ONE0, chunks=1, stride=hd + 1, drain=1
        )
        of_values, value_row, column = self.caches.values[number, g]
        self.rows.row(
            Op.STEPS, only=self.only + of_values, row=value_row, column=column, n=hd,
            offset=offset + hd // 2, write=Write.ALONG, place=Place.POSITION,
        )  # fmt: skip

    def _score(self, number: int, g: int, heads: range, shift: int, at: Words) -> None:
        """Scores of all positions."""
        hd = self.hd
        tile, row = self.caches.keys[number, g]
        for n in range(len(heads)):
            self.rows.row(
                Op.DRAIN, value=Value.JOIN, special=BEGIN, n=BLOCK, b=at.e, d=self._scores(at, n),
                shift=shift, minus=Register.QUERY, element=Element.KEY, width=Width.SUM, dest=Dest.MEMORY,
                reduce=Reduce.MAXIMUM, clear=1, context=n,
            )  # fmt: skip
            self.rows.row(
                Op.STEPS, only=self.only + tile, row=row, n=hd, x=X.BYTES, offset=n * hd // 2, chunks=1,
                stride=hd + 1, drain=1,
            )  # fmt: skip

    def _scores(self, at: Words, context: int) -> int:
        return at.scores + context * lines(self.positions)

    def _probabilities(self, heads: range, at: Words) -> None:
        contexts = range(len(heads))
        for n in contexts:
            scores = self._scores(at, n)
            self.rows.vector(
                1, scores, scores, by_position=1, value=Value.DELTA,
                special=special(table=Table.EXP_DISTANCE), rom=self.contents.at["exp2"],
                shift=SCORE_FRACTION - EXP_INDEX, width=Width.SUM, dest=Dest.MEMORY, reduce=Reduce.SUM,
                clear=1, context=n,
            )  # fmt: skip
        for n in contexts:
            reciprocal(self.rows, self.contents.at["recip"], n)
        for n in contexts:
            self.rows.vector(
                1, self._scores(at, n), n * self.positions, b=at.e, by_position=1, factor=Factor.R,
                shift=SQUARES - 1, plus=Register.LARGEST_VALUE, minus=Register.TWICE, element=Element.VALUE,
                width=Width.PROBABILITY, dest=Dest.RAM_DIGITS, context=n,
            )  # fmt: skip

    def _mix(self, number: int, g: int, heads: range, at: Words) -> None:
        """Probabilities times the values; sums of upper digits to words of the queries."""
        hd = self.hd
        tile, row, column = self.caches.values[number, g]
        steps: dict[str, Any] = {
            "only": self.only + tile, "row": row, "column": column, "by_position": 1, "n": 1, "drain": 1,
        }  # fmt: skip
        for n, h in enumerate(heads):
            self.rows.row(
                Op.DRAIN, value=Value.JOIN, special=joining(begin=True, high=False, left=PROBABILITY_DIGIT),
                n=hd, d=at.q + h * hd, width=Width.SUM, dest=Dest.MEMORY,
            )  # fmt: skip
            self.rows.row(Op.STEPS, x=X.HIGH, offset=n * self.positions, **steps)
        for n, h in enumerate(heads):
            self.rows.row(
                Op.DRAIN, value=Value.JOIN, special=joining(begin=False, high=False, left=0), n=hd,
                a=at.q + h * hd, d=at.mix + h * hd, shift=PROBABILITY, minus=Register.LARGEST_VALUE,
                width=Width.WORD, dest=Dest.MEMORY, aside=1, **largest(Register.INPUT, clear=h == 0),
            )  # fmt: skip
            self.rows.row(Op.STEPS, x=X.LOW, offset=n * self.positions, **steps)
