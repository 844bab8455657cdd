"""A chain of whole dies in Verilator: tokens, and cycles, whoever waits and whatever is cut off."""

import dataclasses

import numpy as np
import pytest

from metal_configs.compile.program.die import compile_part
from metal_configs.compile.program.part import Alone, cut
from rtl_gen.golden.chain import ChainModel
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.token_bytes import from_bytes
from rtl_gen.golden.vec import VecModel
from rtl_gen.tiles.rom import RomTileSize
from tests.rtl_gen.test_network import random_model
from tests.rtl_gen.tiles.chain import chain_verilog
from tests.rtl_gen.tiles.whole import Simulator, Whole, array_of, images_of

ROM = RomTileSize(banks=8)
SHAPE = Shape(dim=36, layers=3, heads=2, kv_heads=1, head_dim=6, hidden=48, vocab=300, context=40)
END = 31
ROOM = 16  # of the links: as much as lets no die wait for the next, but in a prompt


@pytest.fixture(scope="module")
def model():
    """Its tokens take two bytes."""
    return dataclasses.replace(random_model(SHAPE, 8, 16), ends=(END, 77))


@pytest.fixture(scope="module")
def spread():
    """A chain of two dies of the embedding, one of layers, and two of the head."""
    shape = dataclasses.replace(SHAPE, layers=1, vocab=600, context=8)
    model = dataclasses.replace(random_model(shape, 8, 16), ends=(END,))
    alone = Alone((range(256), range(256, 600)), (range(320), range(320, 600)))
    return model, [compile_part(part, array_of(ROM, 1), 2, 64, skipped=1) for part in cut(model, 1, alone)]


@pytest.fixture(scope="module")
def chain(model, spread, tmp_path_factory):
    """Two dies of one rom tile and two ram tiles, for any two beside each other of two, three or five."""
    images = {n: images_of(model, n, ROM, 1, 2, 64, skipped=1) for n in (2, 3)}
    size = Whole.of(ROM, [*images[2], *images[3], *spread[1]])
    return images, Simulator(size, tmp_path_factory.mktemp("chain"), 2, ROOM)


def says(model, prompt, beta, seed):
    return list(Network(model).generate(prompt, beta=beta, seed=seed))


def tokens(got):
    return [low | high << 8 for low, high in zip(got[::2], got[1::2], strict=True)]


@pytest.mark.flow
def test_a_chain_says_what_the_golden_decoder_says(model, chain):
    images, simulator = chain[0][2], chain[1]
    simulator.load(*images)
    long = np.random.default_rng(1).integers(0, SHAPE.vocab, 37).tolist()
    requests = [([3, 1], 0, 1), ([7], 32, 99), (long, 40, 5), ([], 0, 1), ([2] * 41, 0, 1), ([2, 2], 16, 8)]
    want = [says(model, *r) if 0 < len(r[0]) <= 40 else [END] for r in requests]
    sent = [images[0].request(*r) for r in requests]
    all_of_them = [token for each in want for token in each]

    plain = "\n".join(f"send {s.hex()} wait {2 * len(w)}" for s, w in zip(sent, want, strict=True))
    got, cycles, speed = simulator.run("return " + plain)
    assert tokens(got) == all_of_them
    print(f"{np.median(np.diff(cycles[::2])):.0f} cycles a token; {speed:,.0f} cycles a second")
    golden = ChainModel(images)
    for request in sent:
        golden.answer(request)
    within = np.ones(len(got) - 1, bool)
    within[np.cumsum([2 * len(w) for w in want])[:-1] - 1] = False  # not from one text to the next
    assert np.array_equal(np.diff(cycles)[within], np.diff(golden.said_at)[within])

    # A host that is slow to send and to take.
    got, _, _ = simulator.run(f"return pace 7 911\n{plain}")
    assert tokens(got) == all_of_them

    # A request that stops half way, and one in the middle of an answer; after a reset the next is its own.
    cut = f"return send {sent[0][:6].hex()} run 9000 reset send {sent[1].hex()} wait 6 run 1234 reset\n"
    got, _, _ = simulator.run(cut + plain)
    assert tokens(got) == want[1][:3] + all_of_them

    # Reset whenever: while the request comes, while a residual goes from die to die, between tokens.
    moments = [*range(1, 60, 7), *range(1000, 9000, 697)]
    whole = f"send {sent[1].hex()} run"
    got, _, _ = simulator.run("return " + "".join(f"{whole} {n} reset " for n in moments) + plain)
    assert tokens(got[-2 * len(all_of_them) :]) == all_of_them

    # What is cut off is only waited for: the rest may come late.
    late = f"return send {sent[0][:7].hex()} run 5000 send {sent[0][7:].hex()} wait {2 * len(want[0])}"
    got, _, _ = simulator.run(late)
    assert tokens(got) == want[0]


@pytest.mark.flow
def test_a_die_in_the_middle_passes_on_what_is_for_the_last(model, chain):
    """The golden first die of three speaks to the others."""
    images, simulator = chain[0][3], chain[1]
    simulator.load(*images[1:])
    first, script, want = VecModel(images[0]), "", []
    for request in (([3, 1], 0, 1), ([], 0, 1), ([7], 32, 99)):
        said = says(model, *request) if request[0] else [END]
        sent = first.send(images[0].request(*request))
        for token in said:
            script += f"send {sent.hex()} wait 2\n"
            sent = first.send(token.to_bytes(2, "little"))
        script += f"send {sent.hex()}\n" if sent else ""
        want += said
    got, _, _ = simulator.run(script)
    assert tokens(got) == want


@pytest.mark.flow
@pytest.mark.parametrize("first", [0, 1, 3], ids=["embedding", "embedding and layers", "head"])
def test_dies_of_a_cut_embedding_and_head_say_what_the_golden_ones_say(spread, chain, first):
    """Tokens of either die of the embedding, of either of the head, and refused ones; behind prompts in the
    same cycles.

    What comes to the first of two is what the golden dies before it say.
    """
    (model, images), simulator = spread, chain[1]
    two = slice(first, first + 2)
    simulator.load(*images[two])
    dies, golden = ChainModel(images), ChainModel(images[two])
    sent, within, chosen, asked = [], [], set(), set()
    for prompt in ([3, 599, 300], [], [7], [2] * 9, [511, 4]):
        data, answer = images[0].request(prompt, 0, 1), []
        while data:
            for n, die in enumerate(dies.dies):
                if n == first:
                    said = golden.send(data)
                    sent.append((data, said))
                    within += [bool(answer)] * (len(said) - 1) + [False] * bool(said)
                data = die.send(data)
            answer += [from_bytes(data)] if data else []
        fits = 0 < len(prompt) <= 8
        assert answer == (list(Network(model).generate(prompt)) if fits else [END])
        chosen |= {token >= 320 for token in answer if fits}
        asked |= {token >= 256 for token in [*prompt, *answer[:-1]] if fits}
    assert chosen == asked == {False, True}
    want = b"".join(said for _, said in sent)
    assert sum(within) > len(sent)
    plain = "".join(f"send {d.hex()} " + (f"wait {len(s)}\n" if s else "run 900\n") for d, s in sent)
    got, cycles, _ = simulator.run(plain)
    assert bytes(got) == want
    assert np.array_equal(np.diff(cycles)[within[:-1]], np.diff(golden.said_at)[within[:-1]])

    # A slow host; and reset while bytes come, go, and between.
    got, _, _ = simulator.run(f"pace 3 5\n{plain}")
    assert bytes(got) == want
    begin = b"".join(d for d, _ in sent[:2])
    cut_off = "".join(f"send {begin.hex()} run {n} reset " for n in (5, 40, 160, 1500, 2600, 3300, 5000))
    got, _, _ = simulator.run(cut_off + plain)
    assert bytes(got[-len(want) :]) == want


@pytest.mark.flow
def test_a_wrong_bit_in_the_last_die_is_heard(model, chain):
    """The control: a factor that is twice as large, and the tokens are others."""
    images, simulator = chain[0][2], chain[1]
    wrong = images[-1].words.copy()
    wrong[:32] += 1 << 12
    simulator.load(*images[:-1], dataclasses.replace(images[-1], words=wrong))
    request = [3, 1], 0, 1
    want = says(model, *request)
    got, _, _ = simulator.run(f"return send {images[0].request(*request).hex()} wait 2 run 40000")
    assert tokens(got[: len(got) // 2 * 2]) != want


def test_verilog_of_a_chain_is_the_same_each_time_and_has_its_dies():
    first, second = (chain_verilog(3, ROOM) for _ in range(2))
    assert first == second
    assert first.count("scf_die die") == 3
