"""Values of more positions than a ram tile has rows: in which part of them a position is, what is done there.

A row of the program names a tile, and the sequencer compares a position with one number only. It can compare
the token with many, and layers do not need the token; so in them the token is the first position of the part.
"""

__all__ = ["Parts"]

from collections.abc import Callable

import numpy as np

from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.vec_isa import (
    Condition,
    Dest,
    Factor,
    Kind,
    Reduce,
    RomWalk,
    Table,
    Value,
    Width,
    special,
)
from rtl_gen.golden.vector import REST

MESSAGES = np.array(
    [0, 0, 2, 0]
)  # times a word that is kept, by `Message`: LAST is more than that, MORE less


class Parts:
    """Rows for values in parts.

    Args:
        contents, rows: Of the die.
        span: Positions of a part.

    Attributes:
        count: How many there are. With one, rows do nothing but what is asked for.
    """

    def __init__(self, contents: Contents, rows: Rows, span: int) -> None:
        self._contents, self._rows, self._span = contents, rows, span
        positions = contents.model.positions
        self.count = -(-positions // span)
        self._firsts = range(0, positions, span)
        if self.count > 1:
            contents.table("parts", np.concatenate([MESSAGES, np.arange(positions) // span + 1]))

    def find(self, scratch: int, kept: int | None) -> None:
        """The token becomes the first position of the part that the position is in.

        It is where a table, which rises from part to part, is largest: elements go up to the position. They
        are multiplied by some positive word, from a sum that was normalised.

        Args:
            scratch: The first of as many free words of M as there are positions.
            kept: The first of two words of M that keep what the token was, one of `Message`; if it matters.
        """
        table, rows = self._contents.at["parts"], self._rows
        rows.vector(
            1, 0, scratch, by_position=1, value=Value.DELTA, special=special(table=Table.NORMAL),
            rom=self._contents.at["recip"], shift=REST, width=Width.SUM, dest=Dest.MEMORY,
        )  # fmt: skip
        if kept is not None:
            rows.vector(1, scratch, kept, width=Width.SUM, dest=Dest.MEMORY)
            rows.vector(
                1, scratch, kept + 1, factor=Factor.ROM, rom=table, rom_walk=RomWalk.TOKEN, width=Width.SUM,
                dest=Dest.MEMORY,
            )  # fmt: skip
        rows.vector(
            1, scratch, scratch, by_position=1, factor=Factor.ROM, rom=table + len(MESSAGES),
            width=Width.SUM, reduce=Reduce.MAXIMUM, clear=1,
        )  # fmt: skip
        rows.control(Kind.ARGMAX, value=scratch, sync=True)

    def recall(self, kept: int) -> None:
        """The token becomes what `find` kept."""
        self._rows.vector(2, kept, kept, width=Width.SUM, reduce=Reduce.MAXIMUM, clear=1)
        self._rows.control(Kind.ARGMAX, value=kept - 1, sync=True)  # MORE is 1, LAST 2

    def of_position(self, do: Callable[[int], None]) -> None:
        """What is to be done for the part that the position is in."""
        if self.count == 1:
            do(0)
            return
        names = self._names()
        for name, first in zip(names[1:], self._firsts[1:], strict=True):
            self._rows.branch(Condition.END, name, first)
        for part, name in enumerate(names):
            self._rows.label(name)
            do(part)
            if part + 1 < self.count:
                self._rows.branch(Condition.ALWAYS, f"{names[0]} done")
        self._rows.label(f"{names[0]} done")

    def up_to_position(
        self, first: Callable[[], None], begin: Callable[[], None], add: Callable[[int], None]
    ) -> None:
        """What is to be done for all parts that the position and those before it are in.

        Args:
            first: For positions of the first part.
            begin: For others, before anything else.
            add: For others, and each part from that of the position down to the first.
        """
        if self.count == 1:
            first()
            return
        names = self._names()
        self._rows.branch(Condition.END, names[0], 0)
        begin()
        for name, at in zip(names[1:-1], self._firsts[1:-1], strict=True):
            self._rows.branch(Condition.END, name, at)
        for part in reversed(range(self.count)):
            if part:
                self._rows.label(names[part])
            add(part)
        self._rows.branch(Condition.ALWAYS, f"{names[0]} done")
        self._rows.label(names[0])
        first()
        self._rows.label(f"{names[0]} done")

    def _names(self) -> list[str]:
        at = len(self._rows.code)
        return [f"part {part} at {at}" for part in range(self.count)]
