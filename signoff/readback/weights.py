"""From ROM rows back to codes and factors, and whether they are those that quantising gave."""

__all__ = ["PieceFault", "PiecePlan", "check_pieces"]

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SLOT = 4  # bits of a column
LANE = 16  # bits of a factor
CHUNK = 1 << 20  # weights at a time


@dataclass(frozen=True)
class PiecePlan:
    """Consecutive passes of a matrix in a die, as its manifest describes them.

    Attributes:
        row: First row.
        columns: Of an engine; an output takes `slots` of them.
        inputs: Rows of weights of a pass, before its rows of factors.
        outputs: Of all passes together; the last may have fewer than the others.
        codes_sha256: Of int8 [outputs, inputs].
        factors_sha256: Of uint16 [outputs], little-endian.
    """

    matrix: str
    row: int
    passes: int
    columns: int
    slots: int
    inputs: int
    outputs: int
    codes_sha256: str
    factors_sha256: str

    @property
    def rows_a_pass(self) -> int:
        """Weights and factors."""
        lanes = self.columns * SLOT // LANE
        return self.inputs - (-self.columns // self.slots // lanes)


@dataclass(frozen=True)
class PieceFault:
    """A piece of which something read differs from what was meant."""

    matrix: str
    what: str


def check_pieces(rows: np.ndarray, pieces: Sequence[PiecePlan]) -> list[PieceFault]:
    """Compare every bit of a die with the hashes of what it should hold.

    Args:
        rows: uint8 [rows, bytes of a row], bit 0 of a byte first.
        pieces: All that is on the die; every other bit must be 0.
    """
    faults = []
    used = 0
    for p in sorted(pieces, key=lambda p: p.row):
        if p.row < used or p.row + p.passes * p.rows_a_pass > len(rows):
            faults.append(PieceFault(p.matrix, f"stands on rows {p.row} on, where it cannot"))
            continue
        if rows[used : p.row].any():
            faults.append(PieceFault("", f"vias on rows {used} to {p.row}, which are empty"))
        used = p.row + p.passes * p.rows_a_pass
        faults += _check(rows[p.row : used], p)
    if rows[used:].any():
        faults.append(PieceFault("", f"vias on rows {used} on, which are empty"))
    return faults


def _check(rows: np.ndarray, p: PiecePlan) -> Iterator[PieceFault]:
    codes, factors = hashlib.sha256(), hashlib.sha256()
    each = p.columns // p.slots
    step = max(1, CHUNK // (each * p.inputs))
    stray = False
    rows = rows.reshape(p.passes, p.rows_a_pass, -1)
    for first in range(0, p.passes, step):
        part = rows[first : first + step]
        there = min(p.outputs - first * each, len(part) * each)
        code = _codes(part[:, : p.inputs], p.slots)
        lanes = np.ascontiguousarray(part[:, p.inputs :]).view("<u2").reshape(len(part), -1)
        stray |= bool(
            code[there:].any() or lanes[:, each:].any() or lanes[:, :each].reshape(-1)[there:].any()
        )
        codes.update(np.ascontiguousarray(code[:there]).data)
        factors.update(np.ascontiguousarray(lanes[:, :each]).reshape(-1)[:there].tobytes())
    if codes.hexdigest() != p.codes_sha256:
        yield PieceFault(p.matrix, "weights differ")
    if factors.hexdigest() != p.factors_sha256:
        yield PieceFault(p.matrix, "factors differ")
    if stray:
        yield PieceFault(p.matrix, "vias where the matrix has no output")


def _codes(rows: np.ndarray, slots: int) -> np.ndarray:
    """int8 [passes * outputs, inputs] of the weight rows [passes, inputs, bytes]."""
    passes, inputs, width = rows.shape
    turned = np.ascontiguousarray(rows.swapaxes(1, 2))  # [passes, bytes, inputs]
    digits = np.empty((passes, width, 2, inputs), np.int8)
    digits[:, :, 0] = (turned << 4).view(np.int8) >> 4  # the sign comes along
    digits[:, :, 1] = turned.view(np.int8) >> 4
    flat = digits.reshape(passes * width * 2, inputs)
    if slots == 1:
        return flat
    return (flat[0::2] << 3) + (flat[1::2] & 15)
