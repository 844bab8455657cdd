"""The tiles of a die, one after the other, and whether their sums are the golden model's."""

__all__ = ["Replayed", "replay_die"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from signoff.readback.weights import TilePlan
from signoff.replay.passes import Plan, Reading, die_passes, encode
from signoff.replay.simulator import TileSimulator

_Key = tuple[int, int, int, int | None]  # number of the piece, block, span, input looked up
Codes = Callable[[str, int, int], np.ndarray]  # int8 [outputs, inputs] of a matrix from an output on


@dataclass(frozen=True)
class Replayed:
    """What a die did in a token.

    Attributes:
        sums: Sums that were compared, of all tiles.
        cycles: Simulated, of all tiles.
        faults: In words, each with its tile and matrix.
    """

    sums: int
    cycles: int
    faults: tuple[str, ...]


def replay_die(
    macros: np.ndarray,
    tile: TilePlan,
    plans: Sequence[Plan],
    codes: Codes,
    simulator: TileSimulator,
    columns: range | None = None,
) -> Replayed:
    """Run what a token does on a die.

    Args:
        macros: uint8 [rows of tiles, macros, words, columns of tiles, bytes of a word], as read back.
        tile: How the die is made.
        plans: What is on it, and what the golden model says.
        codes: The model's own, for what leaves single tiles.
        simulator: Of the tile.
        columns: Columns of tiles to run; all by default.
    """
    readings, passes = die_passes(plans, tile)
    if not readings:
        return Replayed(0, 0, ())
    programs = [encode(line, tile) for line in passes]
    faults: list[str] = []
    compared = cycles = 0
    for column in columns or range(tile.columns):
        wanted = [_expected(plan, tile, column, codes) for plan in plans]
        looked = {n: _looked(plan, tile, column, codes) for n, plan in enumerate(plans)}
        north = None
        for row, (steps, counts) in enumerate(programs):
            north = simulator.run(macros[row, :, :, column], steps, north)
            left = north[north[:, 0] != 0, 1].astype(np.int64)
            cycles += len(steps)
            if len(left) != counts.sum():
                faults.append(f"rom {row},{column}: {len(left)} sums left, {counts.sum()} were to")
                break
            found = _joined(left, counts, readings)
            bad = _differing(found, wanted, row, plans) + _differing_codes(found, looked, row, tile, plans)
            compared += sum(v.size for v in found.values())
            faults += [f"rom {row},{column}: {text}" for text in bad]
    return Replayed(compared, cycles, tuple(faults))


def _expected(plan: Plan, tile: TilePlan, column: int, codes: Codes) -> np.ndarray:
    """What leaves each row of tiles in a column, with those to its north: int64 [rows, blocks, spans,
    outputs of a tile]."""
    p = plan.piece
    out = np.zeros((tile.rows, p.blocks, p.spans, tile.outputs), np.int64)
    if not len(plan.taken.mantissas):
        return out
    for block in range(p.blocks):
        first = (block * tile.columns + column) * tile.outputs
        count = min(tile.outputs, p.outputs - first)
        if count <= 0:
            continue
        held = codes(p.matrix, plan.first + first, count).astype(np.float32)
        padded = np.zeros((count, p.spans * tile.rows * p.chunk), np.float32)
        padded[:, : p.inputs] = held * plan.taken.mantissas.astype(np.float32)
        each = padded.reshape(count, p.spans, tile.rows, p.chunk).sum(3, dtype=np.float64).astype(np.int64)
        out[:, block, :, :count] = each.cumsum(axis=2).transpose(2, 1, 0)
        total = out[-1, block, :, :count].sum(0)
        golden = plan.taken.sums[plan.first + first : plan.first + first + count]
        if (total != golden).any():  # its own check: these are the golden model's sums
            raise ValueError(f"{p.matrix}: the codes' sums are not the golden model's")
    return out


def _looked(plan: Plan, tile: TilePlan, column: int, codes: Codes) -> np.ndarray:
    """Codes of the output of this column that a look-up reads: int64 [inputs]; 0 where there is none."""
    p, asked = plan.piece, plan.taken.look_up
    if asked is None or not 0 <= asked - plan.first < p.outputs:
        return np.zeros(p.inputs, np.int64)
    block, within = divmod(asked - plan.first, tile.columns * tile.outputs)
    here = (block * tile.columns + column) * tile.outputs + within % tile.outputs
    if here >= p.outputs:
        return np.zeros(p.inputs, np.int64)
    found: np.ndarray = codes(p.matrix, plan.first + here, 1)[0].astype(np.int64)
    return found


def _joined(left: np.ndarray, counts: np.ndarray, readings: Sequence[Reading]) -> dict[_Key, np.ndarray]:
    """Sums of each block and span, or of each input that was looked up, from those of its passes."""
    found: dict[_Key, np.ndarray] = {}
    ends = np.cumsum(counts)
    for reading, end, count in zip(readings, ends.tolist(), counts.tolist(), strict=True):
        key = reading.plan, reading.block, reading.span, reading.source
        quarters = left[end - count : end] * reading.weight
        found[key] = found[key] + quarters if key in found else quarters
    return {key: quarters >> 2 for key, quarters in found.items()}


def _differing(
    found: dict[_Key, np.ndarray], wanted: Sequence[np.ndarray], row: int, plans: Sequence[Plan]
) -> list[str]:
    faults = []
    for (number, block, span, source), sums in found.items():
        if source is not None:
            continue
        want = wanted[number][row, block, span]
        if (wrong := np.flatnonzero(sums != want)).size:
            faults.append(
                f"{plans[number].piece.matrix}, block {block}, span {span}: sum {sums[wrong[0]]} of output"
                f" {wrong[0]} of the tile, expected {want[wrong[0]]}"
            )
    return faults


def _differing_codes(
    found: dict[_Key, np.ndarray],
    looked: dict[int, np.ndarray],
    row: int,
    tile: TilePlan,
    plans: Sequence[Plan],
) -> list[str]:
    faults = []
    for (number, _, _, source), sums in found.items():
        if source is None:
            continue
        p = plans[number].piece
        # Tiles to the north have added their own; those to the south have not yet.
        want = looked[number][source] if source // p.chunk % tile.rows <= row else 0
        if sums.tolist() != [want]:
            faults.append(f"{p.matrix}, input {source} looked up: {sums.tolist()}, expected {want}")
    return faults
