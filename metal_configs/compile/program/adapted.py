"""What a vec tile does for an adapter: where its rows lie, how they get there, A x before a matrix."""

__all__ = ["Adapted"]

from collections.abc import Mapping
from dataclasses import dataclass

from metal_configs.compile.program.attention import BEGIN, lines
from metal_configs.compile.program.caches import Room
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.adapter_rows import SHIFT, AdapterRows, Inner, Outer
from rtl_gen.golden.model import Model
from rtl_gen.golden.vec_isa import (
    BLOCK,
    Condition,
    Dest,
    Element,
    Factor,
    Kind,
    Op,
    Place,
    Register,
    Value,
    Width,
    Write,
    X,
    joining,
)

DIGIT = 7
ALIKE = ("q", "k", "v"), ("o",), ("gate", "up"), ("down",)  # kinds that multiply the same activations


@dataclass(frozen=True)
class Adapted:
    """Writes rows for adapters of one shape.

    Attributes:
        rows: Of the program.
        place: Where adapters lie.
        only: The first ram tile, as rows of the program number them.
        factors: In M, of each group of A: its factors, and behind them how much less they shift.
        memory: The first word of M behind these.
        bytes_: Of the activations of ram tiles.
    """

    rows: Rows
    place: AdapterRows
    only: int
    factors: tuple[int, ...]
    memory: int
    bytes_: int

    @classmethod
    def of(
        cls, rows: Rows, model: Model, ranks: Mapping[str, int], room: Room, only: int, memory: int
    ) -> "Adapted":
        """Give adapters room.

        Args:
            rows: Of the program.
            model: The integers.
            ranks: By the name of the matrix.
            room: Of the ram tiles that keys and values leave.
            only: As above.
            memory: The first free word of M.

        Raises:
            FlowError: The tiles are too small, or too few.
        """
        before = list(room.used)
        inner: list[Inner] = []
        for n in range(model.shape.layers):
            for kinds in ALIKE:
                names = [name for kind in kinds if (name := f"layers.{n}.{kind}") in ranks]
                to = lines(model.shape.matrices()[names[0]][1]) if names else 0
                while names:
                    columns: dict[str, int] = {}
                    used = 0
                    while names and used + ranks[names[0]] <= BLOCK:
                        columns[names[0]] = used
                        used += -(-ranks[names.pop(0)] // 2) * 2
                    inputs = model.shape.matrices()[next(iter(columns))][1]
                    inner.append(Inner(columns, used, inputs, *room.take(inputs), room.take(3), to))
                    to += BLOCK
        outer = {}
        for name, rank in ranks.items():
            blocks = -(-model.shape.matrices()[name][0] // BLOCK)
            outer[name] = Outer(rank, tuple(room.take(rank) for _ in range(blocks)))
        room.check("an adapter beside keys and values")
        begun = before + [0] * (len(room.used) - len(before))
        loaded = tuple((t, a, b - a) for t, (a, b) in enumerate(zip(begun, room.used, strict=True)) if a < b)
        factors = []
        for group in inner:
            factors.append(memory)
            memory += 2 * lines(group.used)
        most = max((g.to + BLOCK for g in inner), default=0)
        return cls(rows, AdapterRows(tuple(inner), outer, loaded), only, tuple(factors), memory, most)

    def load(self) -> None:
        """Take an adapter from the host."""
        for tile, first, count in self.place.rows:
            self.rows.control(Kind.RESTART, sync=True)
            self.rows.label(f"load{tile}")
            self.rows.row(
                Op.STEPS, only=self.only + tile, row=first, n=BLOCK, x=X.HOST, write=Write.ALONG,
                place=Place.POSITION,
            )  # fmt: skip
            self.rows.control(Kind.ADVANCE, sync=True)
            self.rows.branch(Condition.FULL, f"loaded{tile}", count)
            self.rows.branch(Condition.ALWAYS, f"load{tile}")
            self.rows.label(f"loaded{tile}")
        for group, at in zip(self.place.inner, self.factors, strict=True):
            tile, row = group.factors
            digits = [(0, at, joining(begin=True, high=False, left=DIGIT)),
                      (1, at, joining(begin=False, high=False, left=0)),
                      (2, at + lines(group.used), BEGIN)]  # fmt: skip
            for n, d, join in digits:
                self.rows.row(
                    Op.DRAIN, value=Value.JOIN, special=join, n=group.used, a=d, d=d, width=Width.SUM,
                    dest=Dest.MEMORY,
                )  # fmt: skip
                self.rows.row(Op.STEPS, only=self.only + tile, row=row + n, n=1, x=X.ONE0, drain=1)

    def inner(self, name: str, n: int, a: int, exponent: Register) -> None:
        """A x of all matrices that multiply what `name` does: n words of M from `a` on."""
        layer, kind = name.rsplit(".", 1)
        alike = {f"{layer}.{k}" for k in next(kinds for kinds in ALIKE if kind in kinds)}
        found = [
            (g, at) for g, at in zip(self.place.inner, self.factors, strict=True) if alike & set(g.columns)
        ]
        if found:
            self.rows.vector(n, a, 0, plus=exponent, width=Width.MANTISSA, dest=Dest.RAM_BYTES)
        for group, at in found:
            self.rows.row(
                Op.DRAIN, value=Value.JOIN, special=BEGIN, n=group.used, a=at, b=at + lines(group.used),
                d=group.to, factor=Factor.A, element=Element.KEY, shift=SHIFT, width=Width.MANTISSA,
                dest=Dest.RAM_BYTES,
            )  # fmt: skip
            self.rows.row(Op.STEPS, only=self.only + group.tile, row=group.row, n=n, x=X.BYTES, drain=1)

    def outer(self, name: str, number: int) -> dict[str, int] | None:
        """Fields of the STEPS that multiply A x by B, for a block of outputs; None if it is not adapted."""
        outer = self.place.outer.get(name)
        if outer is None:
            return None
        tile, row = outer.blocks[number]
        at = next(g.to + g.columns[name] for g in self.place.inner if name in g.columns)
        return {"only": self.only + tile, "row": row, "n": outer.rank, "x": X.BYTES, "offset": at // 2}
