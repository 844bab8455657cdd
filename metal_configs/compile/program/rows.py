"""Rows of a program, with labels that branches go to."""

__all__ = ["Rows"]

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from metal_configs.compile.program.hazards import synchronised
from rtl_gen.golden.vec_isa import (
    Condition,
    Kind,
    Op,
    Row,
)


@dataclass
class Rows:
    """A program as it grows.

    Attributes:
        skipped: Rows of rom tiles that the vec tile sends steps to and that are not there.
        rom_tiles, ram_tiles: Those that are there.
        code: Rows, and labels that they go to.
        labels: Numbers of rows.
        phases: What each row is for: "embedding", "norms", "matrices", "attention", "swiglu", "link" or
            "head".
    """

    skipped: int
    rom_tiles: int
    ram_tiles: int
    code: list[tuple[Row, str]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)
    _phase: str = "head"

    @property
    def first_ram(self) -> int:
        """The first ram tile, as rows number the rows of tiles."""
        return 1 + self.skipped + self.rom_tiles

    def begin(self, phase: str) -> None:
        """Rows from here on are for that."""
        self._phase = phase

    def row(self, op: Op, label: str = "", **fields: Any) -> None:
        """Append a row; a CONTROL may go to a label."""
        self.phases.append(self._phase)
        self.code.append((Row(op, {k: int(v) for k, v in fields.items()}), label))

    def vector(self, n: int, a: int, d: int, **fields: Any) -> None:
        """Append a VECTOR."""
        self.row(Op.VECTOR, n=n, a=a, d=d, **fields)

    def control(self, kind: Kind, label: str = "", **fields: Any) -> None:
        """Append a CONTROL; `label` fills its target. With `sync` it waits for what rows before it find."""
        self.row(Op.CONTROL, label, kind=kind, **fields)

    def branch(self, condition: Condition, target: str, value: int = 0) -> None:
        """Append a branch to a label, taken when all before it was done."""
        self.control(Kind.BRANCH, target, condition=condition, value=value, sync=True)

    def restart(self) -> None:
        """Append what a text, or what is loaded, begins with."""
        self.control(Kind.RESTART, value=self.ram_tiles, target=self.skipped, sync=True)

    def label(self, name: str) -> None:
        """Name the next row."""
        self.labels[name] = len(self.code)

    def resolved(self, positions: int) -> tuple[Row, ...]:
        """The rows, with targets in the place of labels, and waiting where they must."""

        def resolve(row: Row, target: str) -> Row:
            fields = row.fields | ({"target": self.labels[target]} if target else {})
            return dataclasses.replace(row, fields=fields)

        return synchronised([resolve(*r) for r in self.code], positions)
