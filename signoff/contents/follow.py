"""Follows a program: its instructions, what they read in the ROM, and what they leave in memories."""

__all__ = ["FREE", "Lost", "Memory", "Program", "Tags"]

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rtl_gen.golden.arith import TABLE_FIRST, TABLE_SIZE
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.isa import Condition, Op
from signoff.contents.isa import Word, bits_read
from signoff.contents.rows import Rows

LANES = 4  # factors of a row
FREE = None  # a field that the program chooses
Tags = list[tuple[Any, ...]]  # what elements of a vector stand for


class Lost(Exception):
    """The program is another one; what it does from here on cannot be followed."""


@dataclass
class Memory:
    """What each address of a memory holds."""

    name: str
    size: int
    held: dict[int, tuple[Any, ...]] = field(default_factory=dict)


class Program:
    """The program, from its first instruction on.

    Attributes:
        at: Row of the next instruction.
        faults: What is wrong, in words.
    """

    def __init__(self, rows: Rows, core: CoreConfig) -> None:
        self.rows, self.core = rows, core
        self.at = 0
        self.faults: list[str] = []
        self.forward: dict[str, list[tuple[int, int]]] = {}  # branches to a place that comes later

    def wrong(self, row: int, what: str) -> None:
        self.faults.append(f"row {row}: {what}")

    def take(self, op: Op, **fields: int | None) -> Word:
        """The next instruction: an op, fields that must be so, fields that may be any (FREE), 0 elsewhere."""
        row = self.at
        if row >= len(self.rows):
            raise Lost(f"row {row}: the program goes on behind the ROM")
        word = Word.of(self.rows.word(row))
        self.rows.note_idle(row, bits_read(word, self.core))
        self.at += 1
        if word.op != op:
            found = Op(word.op).name if word.op in set(Op) else f"instruction {word.op}"
            raise Lost(f"row {row}: {found}, expected {op.name}")
        for name in Word._fields[1:]:
            wanted = fields.get(name, 0)
            if wanted is not FREE and (value := getattr(word, name)) != wanted:
                self.wrong(row, f"{op.name} has {name} = {value}, expected {wanted}")
        return word

    def back(self, condition: Condition, target: int, **fields: int | None) -> None:
        self.take(Op.BRANCH, imm=condition, rom=target, **fields)

    def ahead(self, condition: Condition, label: str, **fields: int | None) -> Word:
        word = self.take(Op.BRANCH, imm=condition, rom=FREE, **fields)
        self.forward.setdefault(label, []).append((self.at - 1, word.rom))
        return word

    def label(self, name: str) -> None:
        for row, target in self.forward.pop(name):
            if target != self.at:
                self.wrong(row, f"BRANCH to row {target}, expected {self.at}")

    def put(self, memory: Memory, first: int, tags: Tags) -> None:
        """An instruction leaves a vector in a memory."""
        if first + len(tags) > memory.size:
            self.wrong(self.at - 1, f"writes {memory.name}[{first + len(tags) - 1}] of {memory.size}")
        memory.held |= {first + i: tag for i, tag in enumerate(tags)}

    def need(self, memory: Memory, first: int, tags: Tags, row: int | None = None) -> None:
        """An instruction (at `row`; the last one by default) works on a vector in a memory."""
        for i, tag in enumerate(tags):
            if (found := memory.held.get(first + i)) != tag:
                row = self.at - 1 if row is None else row
                self.wrong(
                    row, f"reads {memory.name}[{first + i}], which is {_told(found)}, not {_told(tag)}"
                )
                return

    # Contents

    def factors(self, rom: int, wanted: Factors, what: str) -> None:
        found = self._read(what, lambda: self.rows.factors(rom, len(wanted.mantissa)))
        self._factors_equal(f"factors of {what}", found, wanted)

    def coefficients(self, rom: int, name: str, wanted: Factors) -> None:
        """A table of factors with exponents, of which sums of two products take the second's."""
        count = len(wanted.mantissa)
        found = self._read(name, lambda: self.rows.factor_table(name, rom, count, slice(1, None, 2)))
        self._factors_equal(f"table {name}", found, wanted)

    def _factors_equal(self, what: str, found: tuple[np.ndarray, np.ndarray], wanted: Factors) -> None:
        self.equal(self.at - 1, what, found[0], wanted.mantissa)
        self.equal(self.at - 1, f"exponents of {what}", found[1], wanted.exponent)

    def codes(self, row: int, what: str, rom: int, inputs: int, outputs: int, *, pair: bool) -> np.ndarray:
        """Weights of a pass that the instruction in `row` reads: int [outputs, inputs]."""
        result: np.ndarray = self._read(what, lambda: self.rows.codes(rom, inputs, outputs, pair=pair), row)
        return result

    def _read(self, what: str, numbers: Callable[[], Any], row: int | None = None) -> Any:
        try:
            return numbers()
        except IndexError as e:
            row = self.at - 1 if row is None else row
            raise Lost(f"row {row}: {what} would lie in {e}, where the ROM is not") from e

    def equal(self, row: int, what: str, found: np.ndarray, wanted: np.ndarray) -> None:
        if differ := int((found != wanted).sum()):
            at = tuple(int(i) for i in np.argwhere(found != wanted)[0])
            place = ", ".join(str(i) for i in at)
            self.wrong(row, f"{what}: [{place}] is {found[at]}, expected {wanted[at]} ({differ} differ)")

    def table(self, rom: int, name: str, wanted: np.ndarray) -> None:
        """A table that is addressed by the leading bits of a normalised number."""
        row, first = self.at - 1, rom + TABLE_FIRST // LANES
        mantissa, exponent = self._read(name, lambda: self.rows.factor_table(name, first, TABLE_SIZE))
        self.equal(row, f"table {name}", mantissa, wanted)
        self.equal(row, f"unused exponents of table {name}", exponent, np.zeros_like(exponent))

    def bytes(self, rom: int, name: str, wanted: np.ndarray) -> None:
        found = self._read(name, lambda: self.rows.byte_table(name, rom, len(wanted)))
        self.equal(self.at - 1, f"table {name}", found, wanted.astype(np.int64) & 255)


def _told(tag: tuple[Any, ...] | None) -> str:
    if tag is None:
        return "empty"
    return f"{tag[0]}[{', '.join(str(i) for i in tag[1:])}]"
