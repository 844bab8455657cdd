"""Replay of a die that was built: contents from its file, refusals, faults by tile.

Steps are run by a model of the tile here, by its RTL in tests/signoff/test_replay.py.
"""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import flow.chain.check as check
import flow.chain.die as dies
import flow.chain.replay as replay
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.tile import Plane
from tests.tiny_die import TINY

SHAPE = Shape(dim=24, layers=2, heads=2, kv_heads=1, head_dim=8, hidden=40, vocab=30, context=64)


class Stepped:
    """A rom tile that knows nothing but steps: what it reads, adds and sends, whenever it does so."""

    def __init__(self, program, work):
        pass

    def run(self, macros, steps, north):
        # activation, set, macro of the set, word, column, bit, row in the word
        bits = np.unpackbits(macros, axis=2, bitorder="little").reshape(2, 4, 4, 256, 8, 4, 4)
        codes = (bits.astype(np.int64) << np.arange(4)[:, None]).sum(5)
        nibbles = codes.transpose(0, 2, 3, 5, 1, 4).reshape(2, -1, 32)
        at, column, plane, total, out = 0, 0, Plane.SIGNED4, np.zeros(32, np.int64), []
        for word in steps[steps >= 0].tolist():
            x = np.array([word & 255, word >> 8 & 255]).astype(np.uint8).view(np.int8).astype(np.int64)
            seek, row, first, last, one = (word >> 16 + n & 1 for n in range(5))
            if seek:
                column, at = word & 31, (word & 0xFFFF) >> 5 << 1
                plane = list(Plane)[row | first << 1 | last << 2 | one << 3]
                continue
            digit = nibbles[:, at] >> plane.low & (1 << plane.width) - 1
            if plane.signed:
                digit = digit - (digit >> plane.width - 1 << plane.width)
            total = (0 if first else total) + (x[:, None] * digit * plane.scale).sum(0)
            at += 1
            if last:
                out += total[column : column + 1 if one else None].tolist()
        sent = np.array([[1, v] for v in out])
        if north is not None:
            sent[:, 1] += north[:, 1]
        return sent


@pytest.fixture(params=[True, False], ids=["tied", "untied"])
def job(tmp_path, monkeypatch, request) -> replay.ReplayJob:
    for module in (dies, check, replay):
        monkeypatch.setattr(module, "load_die", lambda name: TINY)
    monkeypatch.setattr(replay, "TileSimulator", Stepped)
    shape = replace(SHAPE, tied=request.param)
    die = dies.DieJob("m", "", 1, "SYNTHETIC", asdict(shape), "tiny", 64, 0, "key", str(tmp_path / "dies"))
    replay.write_token(die.source(), die.placement(TINY), 5, tmp_path / "token.npz")
    return replay.ReplayJob(die, str(tmp_path / "token.npz"), "", str(tmp_path), control=True)


def test_every_die_gives_the_golden_sums(job):
    placed = job.die.placement(TINY)
    assert len(placed.dies) == 2
    for n in range(2):
        die = replace(job, die=replace(job.die, die=n))
        assert "error" not in dies.build_die(die.die)
        done = replay.replay_one(die)
        assert done["faults"] == []
        assert done["missed"] == []
        assert done["controlled"]
        blocks = {m.name: m.blocks for m in placed.matrices}
        names = [p.matrix.name for p in placed.dies[n]]
        tied = "final" in blocks
        multiplied = sum(p.blocks for p in placed.dies[n] if tied or p.matrix.name != "embed")
        looked = SHAPE.dim if "embed" in names else 0
        assert done["sums"] == 32 * multiplied + looked


def test_a_wrong_bit_in_the_file_is_found_and_named(job):
    """With the manifest's hash mended, as if the writer had been wrong."""
    dies.build_die(job.die)
    path, manifest = dies.die_paths(dies.Path(job.die.folder), 0)
    held = dies.quantise_die(job.die.placement(TINY), 0, job.die.source())
    piece = next(p for p in job.die.placement(TINY).dies[0] if p.matrix.name.endswith("gate"))
    with np.load(job.token) as kept:
        source = int(np.flatnonzero(kept["layers.0.gate.in"])[0])
    word, row = divmod(piece.row + source // 2, 4)
    held.rom[0, source % 2 * 16, word, 0, 0] ^= 1 << row
    dies.write_contents(path, held, TINY)
    assert "not the one" in replay.replay_one(job)["error"]["what"]
    data = json.loads(manifest.read_text())
    data["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(data))
    faults = replay.replay_one(job)["faults"]
    assert len(faults) == 1
    assert faults[0].startswith("rom 0,0: layers.0.gate, block 0, span 0: sum ")


def test_a_control_that_sees_nothing_is_missed(job, monkeypatch):
    dies.build_die(job.die)
    first = []

    class Blind(Stepped):
        def run(self, macros, steps, north):
            first.append(macros)
            return super().run(first[0], steps, north)

    monkeypatch.setattr(replay, "TileSimulator", Blind)
    done = replay.replay_one(job)
    assert done["faults"] == []
    assert done["missed"]


def test_a_die_that_is_missing_or_of_another_base(job, monkeypatch):
    assert "cannot read" in replay.replay_one(job)["error"]["what"]
    dies.build_die(job.die)
    dies.die_paths(dies.Path(job.die.folder), 0)[0].unlink()
    assert "not the one" in replay.replay_one(job)["error"]["what"]
    monkeypatch.setattr(replay, "load_die", lambda name: replace(TINY, context=9))
    assert "was made for base tiny" in replay.replay_one(job)["error"]["what"]


def test_another_seed_is_another_token(job, tmp_path):
    placed, source = job.die.placement(TINY), job.die.source()
    tokens = {replay.write_token(source, placed, seed, tmp_path / "t.npz") for seed in range(6)}
    assert len(tokens) > 1
