"""What a vec tile does between the words of q, k and v and those that o multiplies."""

__all__ = ["BEGIN", "LESS8", "LESS12", "LESS18", "Attention", "Words", "largest", "lines", "reciprocal"]

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metal_configs.compile.program.caches import Caches
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.parts import Parts
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.formats import (
    LARGEST_SHIFT,
    PROBABILITY,
    PROBABILITY_DIGIT,
    ROTARY,
    SCORE_FRACTION,
    SQUARES,
)
from rtl_gen.golden.vec_isa import (
    BLOCK,
    LINE,
    STEPS,
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
ROWS = 1 << STEPS["row"]  # that a pass can begin at
UP_TO_POSITION: dict[str, Any] = {"n": 1, "by_position": 1}


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
        in_turn: Activations of ram tiles are fewer than a key, a value and queries have together, so that
            they take each other's place.
    """

    def __init__(self, contents: Contents, caches: Caches, rows: Rows, beside: int, *, in_turn: bool) -> None:
        self.contents, self.caches, self.rows, self.beside = contents, caches, rows, beside
        self.positions = contents.model.positions
        self.hd = contents.model.shape.head_dim
        self.only = rows.first_ram
        self.in_turn = in_turn
        # Behind the queries, which begin at byte 0.
        self.key_at, self.value_at = (0, 0) if in_turn else (beside * self.hd, (beside + 1) * self.hd)
        self.parts = Parts(contents, rows, caches.span)

    def heads(self, number: int, score_shift: int, at: Words) -> None:
        """All heads of a layer."""
        s = self.contents.model.shape
        batches = [
            (g, range(h, min(h + self.beside, (g + 1) * s.group)))
            for g in range(s.kv_heads)
            for h in range(g * s.group, (g + 1) * s.group, self.beside)
        ]
        if self.parts.count > 1:
            behind = self.caches.span  # in the first part no position behind the present one is met
            for n in range(self.beside):
                self._clear(self._scores(at, n) + behind, self.positions - behind)
        key = -1  # the one that is remembered
        self._turn_key(0, at)
        self._turn(batches[0][1], 0, at)
        for (g, heads), (next_g, next_heads) in itertools.pairwise([*batches, (s.kv_heads - 1, range(0))]):
            if g != key:
                self._bytes(at.k + g * self.hd, self.key_at, Register.KEY)
                if not self.in_turn:
                    self._bytes(at.v + g * self.hd, self.value_at, Register.VALUE)
            self._turn(heads, 1, at)
            if g != key:
                self._remember(number, g, at)
                key = g
            for n, h in enumerate(heads):
                self._bytes(at.q + h * self.hd, n * self.hd, Register.QUERY, n)
            if next_g != key:
                self._turn_key(next_g, at)
            self._score(number, g, heads, score_shift, at)
            self._exponentials(heads, at)
            if self.parts.count == 1:
                self._probabilities(heads, at, 0, UP_TO_POSITION)
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

    def _bytes(self, a: int, d: int, exponent: Register, context: int = 0) -> None:
        """Words as mantissas for the ram tiles, from byte `d` on."""
        self.rows.vector(
            self.hd, a, d, plus=exponent, width=Width.MANTISSA, dest=Dest.RAM_BYTES,
            context=context,
        )  # fmt: skip

    def _remember(self, number: int, g: int, at: Words) -> None:
        """Key and value of the position to the ram tiles, and the exponents of all positions to E.

        The value is met last: it is written while these exponents come.
        """
        pieces = self.caches.keys[number, g]
        last = pieces[-1]
        for piece in pieces:
            self.rows.row(
                Op.STEPS, only=self.only + piece.tile, row=piece.row, n=piece.count,
                offset=(self.key_at + piece.first) // 2, write=Write.DOWN, place=Place.CHUNK,
                at_position=1, append=piece is last,
            )  # fmt: skip
        self.rows.row(
            Op.DRAIN, value=Value.JOIN, special=BEGIN, n=BLOCK, d=at.e, width=Width.SUM, dest=Dest.MEMORY,
            reduce=Reduce.EXPONENTS, clear=1,
        )  # fmt: skip
        self.rows.row(
            Op.STEPS, only=self.only + last.tile, row=last.row + last.count, n=1, x=X.ONE0, chunks=1,
            stride=self.caches.stride, drain=1,
        )  # fmt: skip
        if self.in_turn:
            self._bytes(at.v + g * self.hd, self.value_at, Register.VALUE)
        self.parts.of_position(lambda part: self._keep_value(number, g, part))

    def _keep_value(self, number: int, g: int, part: int) -> None:
        for columns in self.caches.values[number, g]:
            tile, row = columns.parts[part]
            # Rows are counted from position 0 on, which may lie before the tile's: the sum wraps.
            self.rows.row(
                Op.STEPS, only=self.only + tile, row=(row - part * self.caches.span) % ROWS,
                column=columns.column, n=columns.count, offset=(self.value_at + columns.first) // 2,
                write=Write.ALONG, place=Place.POSITION,
            )  # fmt: skip

    def _score(self, number: int, g: int, heads: range, shift: int, at: Words) -> None:
        """Scores of all positions: sums of all pieces of a key."""
        pieces = self.caches.keys[number, g]
        first, last = pieces[0], pieces[-1]
        for n in range(len(heads)):
            scores = self._scores(at, n)
            for piece in pieces:
                fields: dict[str, Any] = {} if piece is first else {"a": scores}
                if piece is last:
                    fields |= {
                        "b": at.e, "shift": shift, "minus": Register.QUERY, "element": Element.KEY,
                        "reduce": Reduce.MAXIMUM, "clear": 1,
                    }  # fmt: skip
                join = joining(begin=piece is first, high=False, left=0)
                self.rows.row(
                    Op.DRAIN, value=Value.JOIN, special=join, n=BLOCK, d=scores, width=Width.SUM,
                    dest=Dest.MEMORY, context=n, **fields,
                )  # fmt: skip
                self.rows.row(
                    Op.STEPS, only=self.only + piece.tile, row=piece.row, n=piece.count, x=X.BYTES,
                    offset=(n * self.hd + piece.first) // 2, chunks=1, stride=self.caches.stride, drain=1,
                )  # fmt: skip

    def _scores(self, at: Words, context: int) -> int:
        return at.scores + context * lines(self.positions)

    def _exponentials(self, heads: range, at: Words) -> None:
        """Of scores, where these were, and one over their sum."""
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

    def _probabilities(self, heads: range, at: Words, part: int, seen: Mapping[str, Any]) -> None:
        """Of positions of a part, for the passes over its values."""
        span = self.caches.span
        for n in range(len(heads)):
            self.rows.row(
                Op.VECTOR, a=self._scores(at, n) + part * span, d=n * span, b=at.e + part * span,
                factor=Factor.R, shift=SQUARES - 1, plus=Register.LARGEST_VALUE, minus=Register.TWICE,
                element=Element.VALUE, width=Width.PROBABILITY, dest=Dest.RAM_DIGITS, context=n, **seen,
            )  # fmt: skip

    def _mix(self, number: int, g: int, heads: range, at: Words) -> None:
        """Probabilities times the values of all positions that were seen, part by part."""

        def first() -> None:
            if self.parts.count > 1:
                self._probabilities(heads, at, 0, UP_TO_POSITION)
            self._passes(number, g, heads, at, 0, UP_TO_POSITION, begin=True)

        def clear() -> None:
            self._clear(at.q + heads[0] * self.hd, len(heads) * self.hd)

        def add(part: int) -> None:
            # Exponentials of positions behind the present one are 0, and so are their probabilities.
            seen: dict[str, Any] = {"n": min(self.caches.span, self.positions - part * self.caches.span)}
            self._probabilities(heads, at, part, seen)
            self._passes(number, g, heads, at, part, seen, begin=False)

        self.parts.up_to_position(first, clear, add)

    def _passes(
        self, number: int, g: int, heads: range, at: Words, part: int, seen: Mapping[str, Any], *, begin: bool
    ) -> None:
        """Values of a part; sums are joined in the words of the queries, and become words with part 0."""
        for x, left in ((X.HIGH, PROBABILITY_DIGIT), (X.LOW, 0)):
            join = joining(begin=begin and x is X.HIGH, high=False, left=left)
            for n, h in enumerate(heads):
                for columns in self.caches.values[number, g]:
                    off = h * self.hd + columns.first
                    fields: dict[str, Any] = {"d": at.q + off, "width": Width.SUM}
                    if not (begin and x is X.HIGH):
                        fields["a"] = at.q + off
                    if part == 0 and x is X.LOW:
                        fields |= {
                            "d": at.mix + off, "shift": PROBABILITY, "minus": Register.LARGEST_VALUE,
                            "width": Width.WORD, "aside": 1, **largest(Register.INPUT, clear=off == 0),
                        }  # fmt: skip
                    self.rows.row(
                        Op.DRAIN, value=Value.JOIN, special=join, n=columns.count, dest=Dest.MEMORY, **fields
                    )
                    tile, row = columns.parts[part]
                    self.rows.row(
                        Op.STEPS, only=self.only + tile, row=row, column=columns.column, x=x,
                        offset=n * self.caches.span, drain=1, **seen,
                    )  # fmt: skip

    def _clear(self, d: int, n: int) -> None:
        """Words of M become 0."""
        self.rows.vector(n, d, d, shift=LARGEST_SHIFT, width=Width.SUM, dest=Dest.MEMORY)
