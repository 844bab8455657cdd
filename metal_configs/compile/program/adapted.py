"""What a vec tile does for an adapter: where its rows lie, how they get there, A x before a matrix."""

__all__ = ["Adapted"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metal_configs.compile.program.attention import lines
from metal_configs.compile.program.caches import Room, Shelves
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.adapter_rows import SHIFT, AdapterRows, Inner, Outer, Spot
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

DIGIT, NIBBLE = 7, 4
ALIKE = ("q", "k", "v"), ("o",), ("gate", "up"), ("down",)  # kinds that multiply the same activations


@dataclass(frozen=True)
class Adapted:
    """Writes rows for adapters of one shape.

    Attributes:
        rows: Of the program.
        place: Where adapters lie.
        factors: Where factors begin in tiles and in M, and how many there are, as each pass brings them. A
            word of M has how much less it shifts in its lowest nibble.
        joined: The first word of M where sums wait for others.
        memory: The first word of M behind factors.
        bytes_: Of the activations of ram tiles.
    """

    rows: Rows
    place: AdapterRows
    factors: tuple[tuple[Spot, int, int], ...]
    joined: int
    memory: int
    bytes_: int

    @classmethod
    def of(
        cls, rows: Rows, model: Model, ranks: Mapping[str, int], room: Room, joined: int, memory: int
    ) -> "Adapted":
        """Give adapters room.

        Args:
            rows: Of the program.
            model: The integers.
            ranks: By the name of the matrix.
            room: Of the ram tiles that keys and values leave.
            joined: The first of 32 words of M where sums wait for others.
            memory: The first free word of M.

        Raises:
            FlowError: The tiles are too small, or too few.
        """
        before, shelves, sizes = list(room.used), Shelves(room), model.shape.matrices()
        groups = [g for n in range(model.shape.layers) for kinds in ALIKE for g in _groups(n, kinds, ranks)]
        inputs = [sizes[next(iter(columns))][1] for columns, _, _ in groups]
        tall = room.words // 2 * 2  # two activations are read at a time
        slices = [(min(tall, rows - at), n) for n, rows in enumerate(inputs) for at in range(0, rows, tall)]
        taken: dict[int, list[tuple[Spot, int]]] = {n: [] for n in range(len(groups))}
        for height, n in sorted(slices, key=lambda told: -told[0]):  # the tallest first
            taken[n].append((shelves.take(height, groups[n][1]), height))
        outer = {}
        for name, rank in sorted(ranks.items(), key=lambda item: -item[1]):
            outputs = sizes[name][0]
            widths = [min(BLOCK, outputs - at) for at in range(0, outputs, BLOCK)]
            outer[name] = Outer(rank, tuple(shelves.take(rank, width) for width in widths))
        inner, factors = [], []
        waiting: list[int] = []
        for n, (_, used, _) in enumerate(groups):
            waiting.append(n)
            together = sum(groups[k][1] for k in waiting)
            if n + 1 < len(groups) and together + groups[n + 1][1] <= BLOCK:
                continue
            tile, row, column = shelves.take(3, together)
            factors.append(((tile, row, column), memory, together))
            for k in waiting:
                columns, used, back = groups[k]
                to = lines(inputs[k]) + BLOCK * back
                inner.append(Inner(columns, used, tuple(taken[k]), (tile, row, column), to))
                column += used
            memory += together
            waiting = []
        room.check("an adapter beside keys and values")
        begun = before + [0] * (len(room.used) - len(before))
        loaded = tuple((t, a, b - a) for t, (a, b) in enumerate(zip(begun, room.used, strict=True)) if a < b)
        most = max((g.to + BLOCK for g in inner), default=0)
        return cls(rows, AdapterRows(tuple(inner), outer, loaded), tuple(factors), joined, memory, most)

    def load(self) -> None:
        """Take an adapter from the host."""
        for tile, first, count in self.place.rows:
            self.rows.restart()
            self.rows.label(f"load{tile}")
            self.rows.row(
                Op.STEPS, only=self.rows.first_ram + tile, row=first, n=BLOCK, x=X.HOST, write=Write.ALONG,
                place=Place.POSITION,
            )  # fmt: skip
            self.rows.control(Kind.ADVANCE, sync=True)
            self.rows.branch(Condition.FULL, f"loaded{tile}", count)
            self.rows.branch(Condition.ALWAYS, f"load{tile}")
            self.rows.label(f"loaded{tile}")
        for (tile, row, column), at, count in self.factors:
            for n, left in enumerate((NIBBLE + DIGIT, NIBBLE, 0)):
                self.rows.row(
                    Op.DRAIN, value=Value.JOIN, special=joining(begin=not n, high=False, left=left), n=count,
                    a=at, d=at, width=Width.SUM, dest=Dest.MEMORY,
                )  # fmt: skip
                self._pass((tile, row + n, column), n=1, x=X.ONE0)

    def inner(self, name: str, n: int, a: int, exponent: Register) -> None:
        """A x of all matrices that multiply what `name` does: n words of M from `a` on."""
        layer, kind = name.rsplit(".", 1)
        alike = {f"{layer}.{k}" for k in next(kinds for kinds in ALIKE if kind in kinds)}
        found = [group for group in self.place.inner if alike & set(group.columns)]
        if found:
            self.rows.vector(n, a, 0, plus=exponent, width=Width.MANTISSA, dest=Dest.RAM_BYTES)
        for group in found:
            spot, first, _ = next(f for f in self.factors if _within(group.factors, f[0], f[2]))
            factor = first + group.factors[2] - spot[2]
            begun = 0
            for at, height in group.slices:
                row: dict[str, Any] = {
                    "a": self.joined, "d": self.joined, "width": Width.SUM, "dest": Dest.MEMORY,
                }  # fmt: skip
                if begun + height == n:
                    row |= {
                        "b": factor, "factor": Factor.B, "element": Element.KEY, "shift": SHIFT,
                        "d": group.to, "width": Width.MANTISSA, "dest": Dest.RAM_BYTES,
                    }  # fmt: skip
                self.rows.row(
                    Op.DRAIN, value=Value.JOIN, special=joining(begin=not begun, high=False, left=0),
                    n=group.used, **row,
                )  # fmt: skip
                self._pass(at, n=height, x=X.BYTES, offset=begun // 2)
                begun += height

    def _pass(self, at: Spot, **fields: Any) -> None:
        tile, row, column = at
        self.rows.row(Op.STEPS, only=self.rows.first_ram + tile, row=row, column=column, drain=1, **fields)

    def outer(self, name: str, number: int) -> dict[str, Any] | None:
        """Fields of the STEPS that multiply A x by B, for a block of outputs; None if it is not adapted."""
        outer = self.place.outer.get(name)
        if outer is None:
            return None
        tile, row, column = outer.blocks[number]
        at = next(g.to + g.columns[name] for g in self.place.inner if name in g.columns)
        return {
            "only": self.rows.first_ram + tile, "row": row, "column": column, "n": outer.rank, "x": X.BYTES,
            "offset": at // 2,
        }  # fmt: skip


def _groups(
    layer: int, kinds: tuple[str, ...], ranks: Mapping[str, int]
) -> list[tuple[dict[str, int], int, int]]:
    """Matrices that multiply the same activations, as many as one pass can have: the first column of each,
    columns in all, and which of the passes it is."""
    names = [name for kind in kinds if (name := f"layers.{layer}.{kind}") in ranks]
    found: list[tuple[dict[str, int], int, int]] = []
    while names:
        columns: dict[str, int] = {}
        used = 0
        while names and used + ranks[names[0]] <= BLOCK:
            columns[names[0]] = used
            used += -(-ranks[names.pop(0)] // 2) * 2
        found.append((columns, lines(used), len(found)))
    return found


def _within(spot: Spot, begin: Spot, columns: int) -> bool:
    return spot[:2] == begin[:2] and begin[2] <= spot[2] < begin[2] + columns
