"""Replay: passes of a die give the golden sums, through models here and through RTL in a flow test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.tile import Pass, RomTileModel, interleave
from rtl_gen.tiles.rom import RomTileSize
from signoff.readback.weights import PiecePlan, TilePlan, place_of, tile_words
from signoff.replay import Plan, Taken, build_tile_simulator, die_passes, replay_die
from signoff.replay.passes import encode
from tests.rtl_gen.tiles.bench import cycles_of

SIZE = RomTileSize()
TILE = TilePlan(2, 2, 32, 8, range(32), 32, 2, SIZE.row_step, 4, 1)
SHAPES = {"a": (70, 90, 3), "b": (40, 30, 8), "c": (128, 1100, 6), "d": (33, 61, 7)}


def model() -> tuple[dict[str, np.ndarray], np.ndarray, list[Plan]]:
    """Codes of some matrices, the words of a die that holds them, and what a token does with each."""
    from metal_configs.compile import DieSize, Matrix
    from metal_configs.compile.pack import pack_block

    size = DieSize(2, 2, SIZE.depth, 32, 2, SIZE.row_step, SIZE.most_inputs, 0, 4, 256)
    rng = np.random.default_rng(3)
    words = np.zeros((2, 2, SIZE.depth, 2, 16), np.uint8)
    codes, plans, row = {}, [], 2
    for name, (outputs, inputs, bits) in SHAPES.items():
        m = Matrix(name, outputs, inputs, bits, size)
        held = rng.integers(-(1 << bits - 1), 1 << bits - 1, (outputs, inputs)).astype(np.int8)
        padded = np.zeros((m.blocks * m.outputs_a_block, inputs), np.int8)
        padded[:outputs] = held
        piece = PiecePlan(name, row, 0, m.blocks, bits, m.each, m.spans, inputs, outputs, "", "")
        for block in padded.reshape(m.blocks, -1, inputs):
            words[:, :, row : row + m.rows_a_block] = pack_block(m, block)
            row += m.rows_a_block
        x = rng.integers(-128, 128, inputs).astype(np.int8)
        taken = Taken(x, held.astype(np.int64) @ x, look_up=37 if name == "a" else None)
        codes[name] = held
        plans.append(Plan(piece, 0, taken))
    return codes, words, plans


CODES, WORDS, PLANS = model()


def laid(words: np.ndarray) -> np.ndarray:
    """What the macros hold, of the words of all rows."""
    return np.stack([interleave(row, SIZE.banks) for row in words])


def codes_of(name: str, first: int, count: int) -> np.ndarray:
    return CODES[name][first : first + count]


class Modelled:
    """In place of the RTL: the golden tile, told which passes come; sums leave at any time."""

    def __init__(self, passes):
        self.passes, self.row = passes, 0

    def run(self, macros, steps, north):
        rows = tile_words(macros[None, :, :, None], replace(TILE, rows=1, columns=1))[0, :, :, 0]
        bits = np.unpackbits(rows, axis=2, bitorder="little")
        slots = (bits.reshape(2, SIZE.depth, 32, 4) << np.arange(4)).sum(3).swapaxes(0, 1).astype(np.uint8)
        tile = RomTileModel(slots, SIZE.sum_bits)
        sums = np.concatenate([tile.sums(p) for p in self.passes[self.row]])
        self.row = (self.row + 1) % len(self.passes)
        out = np.ones((len(sums), 2), np.int64)
        out[:, 1] = sums + (0 if north is None else north[:, 1])
        return out


def test_sums_of_every_tile_are_the_golden_ones():
    readings, passes = die_passes(PLANS, TILE)
    done = replay_die(laid(WORDS), TILE, PLANS, codes_of, Modelled(passes))
    assert done.faults == ()
    looked = len({r.source for r in readings if r.source is not None})
    assert looked == 90
    blocks = sum(p.piece.blocks * p.piece.spans for p in PLANS)
    assert done.sums == 4 * (blocks * 32 + looked)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_bit_that_meets_an_activation_is_found_and_its_tile_named(data):
    _, passes = die_passes(PLANS, TILE)
    plan = data.draw(st.sampled_from(PLANS))
    tile_row, column, output = (data.draw(st.integers(0, n)) for n in (1, 1, 31))
    parts = data.draw(st.sampled_from([p for p in passes[tile_row] if np.any(p.x) and not p.one]))
    row = data.draw(st.sampled_from(np.flatnonzero(parts.x[:, 0]).tolist() or [None]))
    if row is None:
        return
    wrong = WORDS.copy()
    bit = parts.plane.low + data.draw(st.integers(0, parts.plane.width - 1))
    wrong[tile_row, 0, parts.row + row, column, output // 2] ^= 1 << (output % 2 * 4 + bit)
    done = replay_die(laid(wrong), TILE, PLANS, codes_of, Modelled(passes))
    assert done.faults
    assert done.faults[0].startswith(f"rom {tile_row},{column}: ")
    assert plan  # drawn to vary the example


def test_a_look_up_sees_what_no_sum_does():
    """Where the activation is 0 a wrong bit changes no sum, but it does the token's own codes."""
    quiet = [
        replace(p, taken=replace(p.taken, mantissas=p.taken.mantissas * 0, sums=p.taken.sums * 0))
        for p in PLANS
    ]
    _, passes = die_passes(quiet, TILE)
    wrong = WORDS.copy()
    wrong[0, 0, 2, 1, 5 // 2] ^= 16  # output 37 is column 5 of tile column 1
    done = replay_die(laid(wrong), TILE, quiet, codes_of, Modelled(passes))
    assert [f.partition(" looked")[0] for f in done.faults] == ["rom 0,1: a, input 0", "rom 1,1: a, input 0"]


def test_steps_are_those_of_the_tiles_own_tests():
    _, passes = die_passes(PLANS, TILE)
    few = [p for p in passes[1] if not p.one][:20] + [p for p in passes[1] if p.one][:20]
    steps, counts = encode(few, TILE)
    want = []
    for step in cycles_of(SIZE, few, seek=[True]):
        if not step:
            want.append(-1)
            continue
        word = sum((v & 255) << 8 * k for k, v in enumerate(step["x"]))
        flags = ("seek", "row", "first", "last", "one")
        want.append(word | sum(step.get(f, 0) << 16 + n for n, f in enumerate(flags)))
    assert steps[: len(want)].tolist() == want
    assert (steps[len(want) :] == -1).all()
    assert counts.tolist() == [1 if p.one else 32 for p in few]


@given(st.tuples(*(st.integers(0, n) for n in (1, 1, SIZE.depth - 1, 1, 31, 3))))
def test_every_bit_of_a_row_has_its_place_in_a_macro(at):
    row, activation, address, column, output, bit = at
    words = np.zeros_like(WORDS)
    words[row, activation, address, column, output // 2] = 1 << output % 2 * 4 + bit
    macros = laid(words)
    macro, word, line = place_of(TILE, activation, address, output, bit)
    assert (macro, word, line) == (
        16 * activation + 4 * (output // 8) + address // 1024, address // 4 % 256,
        16 * (output % 8) + 4 * bit + address % 4,
    )  # fmt: skip
    assert macros[row, macro, word, column, line // 8] == 1 << line % 8
    assert np.count_nonzero(macros) == 1
    np.testing.assert_array_equal(tile_words(macros, TILE), words)


def test_sums_that_are_missing_are_a_fault():
    _, passes = die_passes(PLANS, TILE)

    class Short(Modelled):
        def run(self, macros, steps, north):
            return super().run(macros, steps, north)[:-1]

    done = replay_die(laid(WORDS), TILE, PLANS, codes_of, Short(passes), range(1))
    assert "sums left" in done.faults[0]


def test_passes_stay_within_what_sums_can_hold():
    _, passes = die_passes(PLANS, TILE)
    assert all(isinstance(p, Pass) and 2 * len(p.x) <= SIZE.most_inputs + 1 for line in passes for p in line)


@pytest.mark.flow
def test_the_rtl_of_every_tile_gives_the_golden_sums_and_shows_a_wrong_bit(tmp_path):
    import shutil

    from base_chip.arrays.spec import RomSpec
    from base_chip.arrays.views import rom_verilog
    from rtl_gen.tiles.rom import rom_tile_verilog
    from signoff.replay import TileSimulator, build_tile_simulator

    if shutil.which("verilator") is None:
        pytest.skip("no verilator")
    program = build_tile_simulator(
        rom_tile_verilog(SIZE), rom_verilog(RomSpec(256, 128, mux=4)), tmp_path / "build"
    )
    simulator = TileSimulator(program, tmp_path / "run")
    done = replay_die(laid(WORDS), TILE, PLANS, codes_of, simulator)
    assert done.faults == ()
    assert done.sums > 4 * 32
    wrong = WORDS.copy()
    x = PLANS[1].taken.mantissas
    inner = int(np.flatnonzero(x[: len(x) // 2])[0])
    wrong[0, inner % 2, PLANS[1].piece.row + inner // 2, 0, 0] ^= 1
    bad = replay_die(laid(wrong), TILE, PLANS, codes_of, simulator)
    assert bad.faults
    assert {f.split(":")[0] for f in bad.faults} == {"rom 0,0", "rom 1,0"}
    assert all(": b, block 0" in f for f in bad.faults)


@pytest.mark.parametrize("there", [(), ("verilator",)])
def test_what_compiles_the_simulator_is_named_when_it_is_not_there(tmp_path, monkeypatch, there):
    for name in there:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FlowError, match=f"{'make' if there else 'verilator'} is not installed") as e:
        build_tile_simulator("", "", tmp_path)
    assert e.value.code == ExitCode.MISSING_TOOL
    assert "g++ make" in e.value.hint
