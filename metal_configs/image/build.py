"""The ROM image of one model on one base, and whether the model fits at all."""

__all__ = ["RomImage", "build_image"]

from dataclasses import dataclass

import numpy as np

from metal_configs.image.program import Scratch, write_program
from metal_configs.image.rows import Block, RowAllocator
from rtl_gen.errors import FlowError
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import ROW_BITS
from rtl_gen.golden.params import IntModel


@dataclass(frozen=True)
class RomImage:
    """Every bit of the ROM.

    Attributes:
        rows: uint64 [rows of the base].
        blocks: What lies where.
        instructions: Instructions of the program.
    """

    rows: np.ndarray
    blocks: tuple[Block, ...]
    instructions: int

    @property
    def used(self) -> int:
        """Rows that hold something."""
        return self.blocks[-1].start + len(self.blocks[-1].rows)

    def bits(self) -> np.ndarray:
        """bool [rows, 64], bit 0 of a row first."""
        return np.unpackbits(
            self.rows.astype("<u8").view(np.uint8).reshape(-1, ROW_BITS // 8), axis=1, bitorder="little"
        ).astype(bool)

    def rows_by_kind(self) -> dict[str, int]:
        """Rows taken by program, weights, factors and tables."""
        out: dict[str, int] = {}
        for b in self.blocks:
            out[b.kind] = out.get(b.kind, 0) + len(b.rows)
        return out


def build_image(model: IntModel, core: CoreConfig) -> RomImage:
    """Compile a model for a base.

    Raises:
        FlowError: The model does not fit; the message lists every dimension, by how much, and what would fit.
    """
    _check(model, core)
    try:
        draft = write_program(model, core.columns, RowAllocator(TABLE_ROOM))
        rows = RowAllocator(max(len(draft.code), TABLE_ROOM))
        program = write_program(model, core.columns, rows)
        words = program.encode()
    except ValueError as e:
        raise FlowError(f"the model cannot be expressed for this base: {e}", where=model.name) from e
    if rows.next > core.rom.rows:
        raise FlowError(
            f"the model needs {rows.next} ROM rows of {ROW_BITS} bits, base {core.name} has {core.rom.rows}: "
            f"{rows.next - core.rom.rows} too many",
            where=model.name,
            hint="Use fewer bits per weight, a smaller hidden dimension or fewer layers, or a larger base.",
        )
    blocks = (Block("program", "program", 0, words), *rows.blocks)
    image = np.zeros(core.rom.rows, np.uint64)
    for b in blocks:
        image[b.start : b.start + len(b.rows)] = b.rows
    return RomImage(image, blocks, len(words))


# Tables of factors are addressed 16 rows before their first; they may not start before row 16.
TABLE_ROOM = 16


def _check(model: IntModel, core: CoreConfig) -> None:
    s = model.shape
    cache = 2 * s.layers * s.context << (s.kv_dim - 1).bit_length()
    needs = [
        ("vocab", s.vocab, core.vocab, "tokens"),
        ("context", s.context, core.context, "positions"),
        ("residual words (the larger of dim and vocab)", max(s.dim, s.vocab), core.residual, "words"),
        ("longest matrix row (the larger of dim and hidden)", max(s.dim, s.hidden), core.inputs, "inputs"),
        ("activation bytes (dim, q and k, or dim and hidden)", Scratch.of(model).size, core.activations, "B"),
        ("KV cache bytes (2 * layers * context * kv_dim)", cache, core.cache, "bytes"),
    ]
    over = [
        f"  {what}: {need} {unit}, {limit} fit, {need - limit} too many"
        for what, need, limit, unit in needs
        if need > limit
    ]
    if over:
        raise FlowError(
            f"the model does not fit base {core.name}:\n" + "\n".join(over),
            where=model.name,
            hint="Choose a smaller model or a larger base: each of these must be at most what fits.",
        )
