"""Whole dies in Verilator: tokens, whoever waits, whatever is cut off (with -s: cycles a token)."""

import dataclasses

import numpy as np
import pytest

from metal_configs.compile.program.attention import BEGIN
from rtl_gen.golden import vec_time
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec import VecModel
from rtl_gen.golden.vec_isa import Condition, Dest, Kind, Op, Row, Sync, Value, Width, Write, X
from rtl_gen.tiles.die import die_verilog
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.whole import Simulator, Whole, image_of

ROM = RomTileSize(banks=8)
SHAPE = Shape(dim=36, layers=2, heads=4, kv_heads=2, head_dim=6, hidden=48, vocab=70, context=40)
ENDS = (5, 18, 61, 66)


@pytest.fixture(scope="module")
def model():
    """More positions than a chunk of keys has."""
    return dataclasses.replace(random_model(SHAPE, 8, 16), ends=ENDS)


@pytest.fixture(scope="module")
def words():
    """The built-in model, quantised."""
    from flow.api import load_model, quantise
    from metal_configs.lower import lower

    done = quantise(load_model("words"))
    return lower(done.model, done.calibration, 16)


def image(model):
    return image_of(model, ROM, 2, 3, 64, skipped=1)


@pytest.fixture(scope="module")
def die(model, words, tmp_path_factory):
    """Two rom tiles and three ram tiles; the vec tile holds both models, and sends steps to more tiles."""
    return Simulator(Whole.of(ROM, [image(model), image(words)]), tmp_path_factory.mktemp("die"))


def says(model, prompt, beta, seed):
    return list(Network(model).generate(prompt, beta=beta, seed=seed))


@pytest.mark.flow
def test_a_die_says_what_the_golden_decoder_says(model, die):
    held = image(model)
    die.load(held)
    long = np.random.default_rng(1).integers(0, SHAPE.vocab, 36).tolist()
    requests = [([3, 1], 0, 1), ([7], 32, 99), (long, 40, 5), ([], 0, 1), ([2, 2], 16, 8)]
    want = [says(model, *r) if r[0] else [ENDS[0]] for r in requests]
    sent = [held.request(*r) for r in requests]
    all_of_them = [token for each in want for token in each]

    plain = "\n".join(f"send {s.hex()} wait {len(w)}" for s, w in zip(sent, want, strict=True))
    got, cycles, speed = die.run(plain)
    assert got == all_of_them
    print(f"{np.median(np.diff(cycles)):.0f} cycles a token; {speed:,.0f} cycles a second")

    # A host that is slow to send and to take; all requests are on their way at once.
    got, _, _ = die.run(f"pace 7 911\nsend {b''.join(sent).hex()} wait {len(all_of_them)}")
    assert got == all_of_them

    # A request that stops half way, and one in the middle of an answer; after a reset the next is its own.
    cut = f"send {sent[0][:6].hex()} run 9000 reset send {sent[1].hex()} wait 3 run 1234 reset\n" + plain
    got, _, _ = die.run(cut)
    assert got == want[1][:3] + all_of_them

    # Reset whenever: while the request comes, while passes run, while sums leave, between tokens.
    moments = [*range(1, 60, 7), *range(1000, 6000, 997)]
    whole = f"send {sent[1].hex()} run"
    got, _, _ = die.run("".join(f"{whole} {n} reset " for n in moments) + plain)
    assert got[-len(all_of_them) :] == all_of_them

    # What is cut off is only waited for: the rest may come late.
    got, _, _ = die.run(f"send {sent[0][:7].hex()} run 5000 send {sent[0][7:].hex()} wait {len(want[0])}")
    assert got == want[0]


@pytest.mark.flow
def test_the_same_die_with_another_model_in_its_vias_tells_words(words, die):
    held = image(words)
    die.load(held)
    requests = [([0], 0, 1), *(([0], 32, seed) for seed in range(2, 12)), ([0, 3], 40, 77)]
    want = [says(words, *r) for r in requests]
    script = "\n".join(
        f"send {held.request(*r).hex()} wait {len(w)}" for r, w in zip(requests, want, strict=True)
    )
    got, cycles, _ = die.run(script)
    assert got == [token for each in want for token in each]
    golden = VecModel(held)
    for request in requests:
        golden.send(held.request(*request))
    within = np.ones(len(got) - 1, bool)
    within[np.cumsum([len(w) for w in want])[:-1] - 1] = False  # not from one text to the next
    assert np.array_equal(np.diff(cycles)[within], np.diff(golden.said_at)[within])
    print(f"{np.median(np.diff(cycles)):.0f} cycles a token of words")


@pytest.mark.flow
def test_a_wrong_bit_in_a_rom_is_heard(words, die):
    """The control: a factor that is twice as large, and the tokens are others."""
    held = image(words)
    wrong = held.words.copy()
    wrong[:32] += 1 << 12
    die.load(dataclasses.replace(held, words=wrong))
    want = says(words, [0], 0, 1)
    got, _, _ = die.run(f"send {held.request([0], 0, 1).hex()} wait 1 run 20000")
    assert got != want[: len(got)] or len(got) != len(want)


def echo(held):
    """A die whose program writes bytes to a ram tile, makes others in their place as soon as it may, and says
    what the ram tile holds."""
    ram = 1 + held.skipped + held.array.grid[0]
    word = {"value": Value.JOIN, "special": BEGIN, "width": Width.SUM, "dest": Dest.MEMORY}
    mantissas = {"n": 8, "d": 0, "width": Width.MANTISSA, "dest": Dest.RAM_BYTES}
    rows = [
        held.program[0],
        Row(Op.CONTROL, {"kind": Kind.RECEIVE_TOKEN}),
        Row(Op.DRAIN, word | {"n": 32, "a": 0, "d": 0}),
        Row(Op.STEPS, {"row": 0, "n": 1, "x": X.ONE0, "drain": 1}),
        Row(Op.DRAIN, word | {"n": 32, "a": 32, "d": 32}),
        Row(Op.STEPS, {"row": 2, "n": 1, "x": X.ONE0, "drain": 1}),
        Row(Op.VECTOR, mantissas | {"a": 0, "sync": Sync.WRITTEN}),
        Row(Op.STEPS, {"only": ram, "n": 8, "write": Write.ALONG}),
        Row(Op.VECTOR, mantissas | {"a": 32}),
        Row(Op.DRAIN, word | {"n": 8, "a": 64, "d": 64}),
        Row(Op.STEPS, {"only": ram, "n": 1, "x": X.ONE0, "drain": 1}),
        Row(Op.VECTOR, mantissas | {"a": 64, "sync": Sync.WRITTEN}),
        Row(Op.STEPS, {"n": 8, "write": Write.SEND}),
        Row(Op.CONTROL, {"kind": Kind.BRANCH, "condition": Condition.ALWAYS, "target": 1}),
    ]
    return dataclasses.replace(held, program=tuple(rows), phases=("head",) * len(rows))


@pytest.mark.flow
def test_a_die_of_many_rows_reads_activations_before_the_lane_makes_the_next(model, tmp_path, monkeypatch):
    held = image_of(model, ROM, 12, 3, 64)
    die = Simulator(Whole.of(ROM, [held]), tmp_path)

    def golden(image, *requests):
        vec = VecModel(image)
        return [b"".join(vec.send(r) for r in requests), vec.said_at]

    die.load(held)
    requests = [held.request([3, 1], 0, 1), held.request([7], 32, 99)]
    want, at = golden(held, *requests)
    assert list(want) == says(model, [3, 1], 0, 1) + says(model, [7], 32, 99)
    got, cycles, _ = die.run(f"send {b''.join(requests).hex()} wait {len(want)}")
    assert bytes(got) == want
    first = len(says(model, [3, 1], 0, 1))  # the second request is there before the first has its answer
    assert np.array_equal(np.diff(cycles[:first]), np.diff(at[:first]))

    die.load(said := echo(held))
    want, at = golden(said, b"x", b"x")
    got, cycles, _ = die.run("send 7878 wait 16")
    assert bytes(got) == want
    assert len(set(want[:8])) > 1
    assert np.array_equal(np.diff(cycles), np.diff(at))
    monkeypatch.setattr(vec_time, "read_late", lambda rows: 0)
    assert golden(said, b"x")[1][0] < at[0]  # the lane has to wait for it


def test_verilog_of_a_die_is_the_same_each_time(model):
    size = Whole.of(ROM, [image(model)])
    first, second = (die_verilog(size.rom, size.ram, size.vec, size.rows) for _ in range(2))
    assert first == second
    assert first.count("scf_rom_256x128 macro") == 2 * ROM.banks + size.vec.program_banks + size.vec.rom_banks
