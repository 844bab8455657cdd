"""Replay of a token on the dies of a chain: what the golden model says, and a die through its tiles' RTL."""

__all__ = ["LARGEST", "ReplayJob", "replay_one", "write_token"]

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from base_chip.dies import load_die
from flow.chain.check import checked_manifest, die_plan, pieces_of, tile_plan
from flow.chain.die import DieJob, die_paths, told
from flow.files import sha256_file
from flow.stopwatch import Stopwatch
from metal_configs.compile import Placement
from metal_configs.compile.source import Source
from metal_configs.lower import lower
from rtl_gen.errors import FlowError
from rtl_gen.golden.network import Network
from rtl_gen.golden.quantised import QuantMatrix, QuantModel
from signoff.readback.die import read_die
from signoff.readback.weights import TilePlan, place_of, tile_macros
from signoff.replay import Plan, Taken, TileSimulator, replay_die

LARGEST = 300_000_000  # weights: the golden model has all of them in memory, as floats too
TOKENS = 4  # the last of them is replayed


@dataclass(frozen=True)
class ReplayJob:
    """A die to replay; plain values, so that it travels.

    Attributes:
        token: What `write_token` wrote.
        program: The tile's simulator.
        scratch: Folder for what it reads and writes.
        control: Spoil one bit in one ROM afterwards, which has to be found.
    """

    die: DieJob
    token: str
    program: str
    scratch: str
    control: bool = False


def write_token(source: Source, placed: Placement, seed: int, path: Path) -> int:
    """Run the golden model for some tokens, and keep what enters and leaves every matrix in the last.

    Args:
        source: Of codes.
        placed: Says how wide they are.
        seed: Of the tokens, which are random.
        path: Written: for each matrix `<name>.in`, int8 [inputs], and `<name>.sum`, int64 [outputs]; `token`.

    Returns:
        The token.
    """
    matrices = {
        m.name: QuantMatrix(m.bits, c.codes, c.scale)
        for m in placed.matrices
        for c in (source.coded(m.name, m.bits, 0, m.outputs),)
    }
    shape = source.shape
    model = QuantModel("replay", shape, matrices, np.ones(shape.dim), hadamard=source.hadamard)
    tokens = np.random.default_rng(seed).integers(0, shape.vocab, min(TOKENS, shape.context)).tolist()
    seen: dict[str, np.ndarray] = {}
    network = Network(lower(model, [tokens], len(tokens)), seen.__setitem__)
    if tokens[:-1]:
        network.feed(tokens[:-1])
    seen.clear()
    network.logits(network.feed(tokens[-1]))
    kept = {k: v[0].astype(np.int8) for k, v in seen.items() if k.endswith(".in")}
    kept |= {k: v[0].astype(np.int64) for k, v in seen.items() if k.endswith(".sum")}
    with path.open("wb") as f:
        np.savez(f, token=np.int64(tokens[-1]), tied=np.bool_(shape.tied), **kept)
    return int(tokens[-1])


def replay_one(job: ReplayJob) -> dict[str, Any]:
    """Replay the token on one die.

    Returns:
        `die`, `sums` that were compared, `cycles` simulated, `faults`, `missed` (what the control, if asked
        for, did not find), `seconds`, `cpu`; or `error`, the fields of a FlowError.
    """
    try:
        return _replay(job)
    except FlowError as e:
        return told(job.die.die, e)


def _replay(job: ReplayJob) -> dict[str, Any]:
    began = Stopwatch()
    die, base = job.die, load_die(job.die.base)
    path, _ = die_paths(Path(die.folder), die.die)
    data = checked_manifest(die, base)
    if not path.is_file() or sha256_file(path) != data["files"].get(path.name):
        raise FlowError(
            "the die's file is not the one that its manifest tells of", where=str(path),
            hint="Run the same command again: the die is built anew, and read back, before it is replayed.",
        )  # fmt: skip
    tile = tile_plan(data)
    macros = tile_macros(read_die(path, die_plan(base), die.threads).banks(), tile)
    plans = _plans(data, Path(job.token))
    source = die.source()
    bits = {p.piece.matrix: p.piece.bits for p in plans}
    held = {p.piece.matrix: (p.first, p.piece.outputs) for p in plans}

    @lru_cache(2)
    def whole(name: str) -> np.ndarray:
        return source.coded(name, bits[name], *held[name]).codes

    def codes(name: str, first: int, count: int) -> np.ndarray:
        start = first - held[name][0]
        return whole(name)[start : start + count]

    with tempfile.TemporaryDirectory(dir=job.scratch) as folder:
        simulator = TileSimulator(Path(job.program), Path(folder))
        done = replay_die(macros, tile, plans, codes, simulator)
        missed = []
        if job.control and (place := _place(plans, tile)):
            row, activation, address = place
            macro, word, line = place_of(tile, activation, address, 0, 0)
            spoiled = macros.copy()
            spoiled[row, macro, word, 0, line // 8] ^= 1 << line % 8
            bad = replay_die(spoiled, tile, plans, codes, simulator, range(1))
            if not any(f.startswith(f"rom {row},0:") for f in bad.faults):
                missed.append(f"a wrong bit in rom {row},0 of die {die.die}, row {address}")
    return {
        "die": die.die,
        "sums": done.sums,
        "cycles": done.cycles,
        "faults": list(done.faults),
        "controlled": job.control and place is not None,
        "missed": missed,
        **began.read(),
    }


def _plans(data: dict[str, Any], token: Path) -> list[Plan]:
    with np.load(token) as kept:
        tied, asked = bool(kept["tied"]), int(kept["token"])
        nothing = np.zeros(0, np.int64)

        def taken(name: str) -> Taken:
            if name != "embed":
                return Taken(kept[f"{name}.in"], kept[f"{name}.sum"])
            if tied:
                return Taken(kept["head.in"], kept["head.sum"], asked)
            return Taken(nothing, nothing, asked)

        return [
            Plan(piece, p["first_output"], taken(piece.matrix))
            for piece, p in zip(pieces_of(data), data["pieces"], strict=True)
        ]


def _place(plans: list[Plan], tile: TilePlan) -> tuple[int, int, int] | None:
    """Row of tiles, activation and address of a word whose lowest bit matters to the token, or None."""
    for plan in plans:
        p, x = plan.piece, plan.taken.mantissas
        for source in np.flatnonzero(x).tolist():
            chunk, inner = divmod(source, p.chunk)
            _, rows = p.planes(tile)[0]
            if inner < rows * tile.activations and chunk < tile.rows:
                return chunk, inner % tile.activations, p.row + inner // tile.activations
    return None
