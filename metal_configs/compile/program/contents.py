"""What the ROMs of a die hold beside its program: weights, factors, tables."""

__all__ = ["STEP", "TABLES", "WIDE", "Contents"]

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from metal_configs.compile.matrix import LANES
from metal_configs.compile.program.part import Part
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.chunk import parts_of
from rtl_gen.golden.matrix import PLANES, Matrix
from rtl_gen.golden.vec_isa import BLOCK

STEP = 2  # activations of a step
# Codes in digits of 4 bits alone: the fewest passes. Those of 6 bits pass twice, in place of three times.
WIDE = {bits: 4 if bits <= 4 else 8 for bits in PLANES}
TABLES = "rsqrt", "recip", "exp2", "sigmoid", "rotary", "parts"  # all other words are factors


class Contents:
    """A part's matrices on rom tiles, its factors and tables in the ROM of the vec tile.

    Where all codes have room in digits of 4 bits they are laid so, as that takes the fewest passes; else, and
    where a die has some tokens of an embedding or of a head, they take their bits and no more. All dies of
    a matrix lay it alike.

    Attributes:
        part, model: What is laid here, and of which model.
        at: Where the factors of a matrix, and each table, begin in the ROM.
        words: The ROM, 16 bits each.

    Raises:
        FlowError: The rom tiles are too small.
    """

    def __init__(self, part: Part, array: ArrayModel) -> None:
        if array.grid[1] != 1 or array.slots.shape[-1] != BLOCK:
            raise ValueError(f"an array of one column of tiles of {BLOCK} is needed")
        self.part, self.model, self.array = part, part.model, array
        self.at: dict[str, int] = {}
        self.words: list[int] = []
        matrices = part.matrices()
        wide = {name: replace(m, bits=WIDE[m.bits]) for name, m in matrices.items()}
        depth = array.slots.shape[2]
        if not part.some and self._rows(wide) <= depth:
            matrices = wide
        elif (rows := self._rows(matrices)) > depth:
            raise FlowError(
                f"{self.model.name} does not fit the rom tiles: {rows:,} rows of each are needed, {depth:,}"
                " are there",
                hint="Take more rows of rom tiles.", code=ExitCode.USAGE,
            )  # fmt: skip
        for name, matrix in matrices.items():
            self._lay(name, matrix)
        if part.embeds and part.embedding != "embed":
            self._factors("embed", self.model.embed)
        t = self.model.tables
        *functions, rotary, _ = TABLES
        if not part.layers:
            functions = ["rsqrt", "exp2"] if part.normalises else []
        for name in functions:
            entries = getattr(t, name)
            self._append(name, np.stack([entries, np.diff(entries, append=entries[-1])], 1))
        if part.layers:
            self._append(rotary, t.rotary)

    def table(self, name: str, values: np.ndarray) -> None:
        """One of `TABLES` that not each die has, behind the others."""
        self._append(name, values)

    def each(self, name: str) -> int:
        """Inputs of a matrix that the first row of tiles has; others have no more."""
        return self.array.blocks(name)[0].inputs[1]

    def read(self, name: str) -> int:
        """Bytes of activations that passes over a matrix read: planes of few bits end with whole rows."""
        parts = self.array.blocks(name)[0].chunks[0][0].parts
        return max(p.first + STEP * p.rows for p in parts)

    def _rows(self, matrices: Mapping[str, Matrix]) -> int:
        """Rows of each tile that they take."""
        activations, outputs = self.array.slots.shape[3:]
        rows = 0
        for m in matrices.values():
            total, inputs = m.codes.shape
            each = -(-inputs // (self.array.grid[0] * activations)) * activations
            last = parts_of(each, m.bits, activations, self.array.align)[-1]
            rows += -(-total // outputs) * (last.row + last.rows)
        return rows

    def _lay(self, name: str, matrix: Matrix) -> None:
        self.array.add(name, matrix)
        self._factors(name, matrix)

    def _factors(self, name: str, matrix: Matrix) -> None:
        """From the beginning of a row of the ROM on, as `Placement` has them."""
        self.words += [0] * (-len(self.words) % LANES)
        self._append(name, matrix.factors.mantissa & 0xFFF | matrix.factors.exponent << 12)

    def _append(self, name: str, values: np.ndarray) -> None:
        """Words behind those before, from an even one on."""
        self.words += [0] * (len(self.words) % 2)
        self.at[name] = len(self.words)
        self.words += [int(v) & 0xFFFF for v in np.asarray(values).ravel()]
