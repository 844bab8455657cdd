"""A model cut over a chain of dies says what the golden decoder says."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.compile.program.die import compile_chain
from metal_configs.compile.program.fit import Column, fit_dies
from metal_configs.compile.program.part import Part, cut
from metal_configs.compile.program.residual import Message
from rtl_gen.errors import FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.chain import ChainModel, loading
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.metal_configs.test_program import WORDS, tokens
from tests.rtl_gen.test_adapter import random_adapter
from tests.rtl_gen.test_network import random_model

STORY = Shape(dim=64, layers=5, heads=8, kv_heads=4, head_dim=8, hidden=160, vocab=512, context=64)


def chain(model, dies=2, rows=1, ram_rows=2, ram_words=64, depth=4096):
    arrays = [ArrayModel((rows, 1), depth, 32, 2, 20, 2) for _ in range(dies)]
    return compile_chain(model, arrays, ram_rows, ram_words)


def adapted_chain(model, adapter, dies):
    arrays = [ArrayModel((1, 1), 4096, 32, 2, 20, 2) for _ in range(dies)]
    ranks = {name: len(pair.a.codes) for name, pair in adapter.pairs.items()}
    return compile_chain(model, arrays, 6, 128, ranks)


def says(dies, images, prompt, beta=0, seed=1):
    return tokens(images[0], dies.answer(images[0].request(prompt, beta, seed)))


def first_layer(model):
    return dataclasses.replace(
        model, shape=dataclasses.replace(model.shape, layers=1), layers=model.layers[:1]
    )


shapes = st.builds(
    lambda dim, layers, heads, head_dim, hidden, vocab, context, tied: Shape(
        dim=dim, layers=layers, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=hidden,
        vocab=vocab, context=context, tied=tied,
    ),
    st.integers(1, 40), st.integers(3, 5), st.sampled_from([(1, 1), (4, 2)]), st.sampled_from([2, 6, 10]),
    st.sampled_from([4, 48]), st.sampled_from([11, 70, 300]), st.sampled_from([3, 35]), st.booleans(),
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(
    shapes, st.integers(2, 3), st.integers(1, 2), st.integers(0, 999), st.sampled_from([0, 32]),
    st.sampled_from([0.05, 1.0, 30.0]),
)  # fmt: skip
def test_any_model_on_a_chain_says_what_the_golden_decoder_says(shape, dies, rows, seed, beta, size):
    """With factors that are too large residuals saturate."""
    model = random_model(shape, seed, size=size)
    images = chain(model, dies, rows, 8, 128, 16384)
    said = ChainModel(images)
    for prompt in ([1], [2, 0, 5]):
        assert says(said, images, prompt, beta, seed + 1) == list(
            Network(model).generate(prompt, beta=beta, seed=seed + 1)
        )


@settings(max_examples=4, deadline=None)
@given(st.integers(2, 3), st.sampled_from([6, 64]), st.integers(0, 99), st.sampled_from([0, 32]))
def test_dies_remember_what_they_were_told_while_the_token_says_where_values_lie(dies, head_dim, seed, beta):
    shape = Shape(
        dim=10, layers=3, heads=2, kv_heads=1, head_dim=head_dim, hidden=12, vocab=11, context=50, tied=False
    )
    model = random_model(shape, seed)
    images = chain(model, dies, 2, 60, 24)
    said = ChainModel(images)
    assert all("parts" in image.at for image in images)
    for prompt in ([1], np.random.default_rng(seed).integers(0, 11, 44).tolist(), [2, 0, 5]):
        want = list(Network(model).generate(prompt, beta=beta, seed=seed + 1))
        assert says(said, images, prompt, beta, seed + 1) == want


def test_residuals_are_whole_at_the_ends_of_their_range():
    model = random_model(WORDS, 3, size=30.0)
    images = chain(model)
    sent = Network(first_layer(model)).feed(range(WORDS.context))
    assert (sent.min(), sent.max()) == (-(1 << 23), (1 << 23) - 1)
    for token in range(0, WORDS.context, 9):
        assert says(ChainModel(images), images, [token]) == list(Network(model).generate([token]))


def test_requests_follow_each_other_whatever_they_ask_for():
    model = dataclasses.replace(random_model(WORDS, 3, 16), ends=(17, 2))
    images = chain(model)
    dies = ChainModel(images)
    for prompt, seed in (([3, 1], 1), ([], 1), ([5], 9), ([1] * 17, 2), ([3, 1], 1), ([1] * 16, 4)):
        fits = 0 < len(prompt) <= 16
        want = list(Network(model).generate(prompt, beta=32, seed=seed)) if fits else [17]
        assert says(dies, images, prompt, 32, seed) == want
    half = images[0].request([4, 5], 0, 1)
    assert dies.send(half[:7]) == b""
    assert tokens(images[0], dies.answer(half[7:])) == list(Network(model).generate([4, 5]))


def test_what_travels_is_a_byte_and_three_for_each_word():
    model = random_model(WORDS, 3, 16)
    images = chain(model)
    first, second = ChainModel(images).dies
    text = bytes([Message.TEXT, 1, 0, 0, 0, 0])
    sent = first.send(images[0].request([4, 5], 0, 1))
    size = 1 + 3 * WORDS.dim
    assert sent[:6] == text
    assert sent[6::size] == bytes([Message.MORE, Message.LAST])
    assert len(sent) == 6 + 2 * size
    words = np.frombuffer(sent[7 : 6 + size], np.int8).reshape(3, -1).astype(np.int64)
    residual = Network(first_layer(model)).feed(4)[0]
    assert np.array_equal(words[0] * 65536 + words[1] * 256 + words[2], residual)
    assert len(second.send(sent)) == 1


def test_parts_are_as_even_as_can_be():
    shape = dataclasses.replace(WORDS, layers=7)
    model = random_model(shape, 3)

    def bits(part):
        return sum(m.codes.size * m.bits for m in part.matrices().values())

    parts = cut(model, 3)
    assert [n for p in parts for n in p.layers] == list(range(7))
    largest = max(bits(p) for p in parts)
    for a in range(1, 6):
        for b in range(a + 1, 7):
            others = [Part.of_layers(model, range(*r)) for r in ((0, a), (a, b), (b, 7))]
            assert max(bits(p) for p in others) >= largest


def test_weights_of_a_chain_are_those_of_a_die():
    """An embedding that is tied lies on the first die and, as the head, on the last."""
    for tied in (True, False):
        model = random_model(dataclasses.replace(WORDS, tied=tied), 3)
        first, last = cut(model, 2)
        assert list(first.matrices())[-1] == "embed"
        assert [n for n in last.matrices() if "." not in n] == (["final", "head"] if tied else ["head"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"depth": 256}, r"die 0 of 2, layers 0 to 0: random does not fit the rom tiles: .* 256 are there"),
        (
            {"ram_rows": 1, "ram_words": 26},
            "die 1 of 2, layers 1 to 1: keys and values beside a row for residuals need 2 ram tiles",
        ),
        (
            {"ram_words": 8},
            "die 0 of 2, layers 0 to 0: .* 16 positions need 4 ram tiles of 8 rows; there are 2",
        ),
        ({"dies": 3}, "has 2 layers, which cannot be cut for 3 dies"),
    ],
)
def test_what_does_not_fit_is_named(change, says):
    with pytest.raises(FlowError, match=says):
        chain(random_model(WORDS, 3, 16), **change)


@pytest.mark.parametrize("shape", [WORDS, STORY], ids=["words", "story"])
def test_a_hop_costs_six_cycles_a_word_and_what_two_dies_do_at_its_ends(shape):
    """Tokens at the third position; with -s, what docs/fabric.md says of them."""
    model = random_model(dataclasses.replace(shape, context=4), 3)
    cycles = []
    for dies in range(1, min(shape.layers, 3) + 1):
        images = chain(model, dies, 2, 6, 128)
        said = ChainModel(images)
        request = images[0].request([0, 1], 0, 1)
        answer = said.send(request) if dies == 1 else said.answer(request)
        assert tokens(images[0], answer) == list(Network(model).generate([0, 1]))
        cycles.append(said.said_at[images[0].token_bytes] - said.said_at[0])
        print(dies, cycles[-1], [(len(i.program), i.array.used) for i in images])
    hops = np.diff(cycles)
    assert np.all((6 * shape.dim < hops) & (hops < 6 * shape.dim + 420))


def column(program_banks=5):
    rom = RomTileSize(banks=32, rows=2, columns=32)
    return Column(rom, 1, RamTileSize(128), 2, VecTileSize(2, 8, 2, 1024, 128, 256, program_banks, 3))


def test_a_model_takes_as_few_dies_as_hold_it():
    shape = dataclasses.replace(WORDS, layers=4, context=16)
    model = random_model(shape, 7)
    assert len(fit_dies(model, column())) == 1
    small = column(program_banks=2)
    found = fit_dies(model, small)
    assert len(found) == 2
    said = ChainModel([image for image, _ in found])
    images = [image for image, _ in found]
    assert says(said, images, [1]) == list(Network(model).generate([1], beta=0, seed=1))
    assert len({frozenset(macros) for _, macros in found}) == 1
    assert len(fit_dies(model, small, dies=4)) == 4
    with pytest.raises(FlowError, match="rows of program"):
        fit_dies(model, small, dies=1)


def test_the_same_dies_hold_wider_heads_and_longer_texts():
    """On tiles as they ship: 128 rows of a ram tile, 256 activations."""
    for head_dim, context in ((64, 64), (128, 24), (8, 160)):
        shape = dataclasses.replace(
            WORDS, layers=2, heads=2, kv_heads=1, head_dim=head_dim, context=context, hidden=16
        )
        die = dataclasses.replace(column(), rom_rows=2, ram_rows=8)
        images = [image for image, _ in fit_dies(random_model(shape, 7), die)]
        assert max(image.activations[1] for image in images) <= 256


def test_what_no_number_of_dies_holds_says_what_the_longest_chain_lacks():
    model = random_model(dataclasses.replace(WORDS, context=16, hidden=960), 7)
    with pytest.raises(FlowError, match="rows of program") as e:
        fit_dies(model, column(program_banks=1))
    assert e.value.where == "die 2 of 4, layers 1 to 1"


def test_a_chain_keeps_room_for_an_adapter():
    model = random_model(dataclasses.replace(WORDS, context=16), 7)
    found = fit_dies(model, column(), {"layers.0.q": 2, "layers.1.v": 4}, dies=2)
    assert [next(iter(image.adapters.outer.values())).rank for image, _ in found] == [2, 4]


@pytest.mark.parametrize("kinds", [("q", "v", "down"), ("o",)])
@pytest.mark.parametrize("dies", [2, 3])
def test_each_die_takes_its_part_of_an_adapter(dies, kinds):
    """The first block for later dies is longer than a block can be."""
    shape = dataclasses.replace(WORDS, layers=3)
    model, adapter = random_model(shape, 4, 16), random_adapter(shape, 5, 4, kinds, size=0.1)
    images = adapted_chain(model, adapter, dies)
    sent = loading(images, adapter)
    assert sum(die.adapters.size for die in images[1:]) > 255
    texts = []
    for loaded, begin in ((adapter, sent), (None, loading(images, None))):
        chain_of = ChainModel(images)
        assert chain_of.send(begin) == b""
        texts.append(says(chain_of, images, [2, 0, 5], 16, 3))
        assert texts[-1] == list(Network(model, adapter=loaded).generate([2, 0, 5], beta=16, seed=3))
    assert texts[0] != texts[1]


def test_an_adapter_of_one_die_passes_the_others():
    shape = dataclasses.replace(WORDS, layers=3)
    model, adapter = random_model(shape, 4, 16), random_adapter(shape, 5, 4, ("v",), size=0.1)
    for n in range(3):
        alone = dataclasses.replace(
            adapter, pairs={k: p for k, p in adapter.pairs.items() if k.startswith(f"layers.{n}.")}
        )
        images = adapted_chain(model, alone, 3)
        assert [die.adapters.size > 0 for die in images] == [n == k for k in range(3)]
        dies = ChainModel(images)
        dies.send(loading(images, alone))
        assert says(dies, images, [7]) == list(Network(model, adapter=alone).generate([7]))


def test_an_adapter_of_another_shape_is_refused_by_the_die_that_lacks_room():
    shape = dataclasses.replace(WORDS, layers=3)
    model, adapter = random_model(shape, 4, 16), random_adapter(shape, 5, 4, ("v",))
    images = adapted_chain(model, adapter, 3)
    with pytest.raises(FlowError, match=r"layers\.2\.v has rank 0, the die was built for 4"):
        loading(
            images, dataclasses.replace(adapter, pairs={k: adapter.pairs[k] for k in list(adapter.pairs)[:2]})
        )
    with pytest.raises(FlowError, match=r"layers\.0\.q has rank 4, the die was built for 0"):
        loading(images, random_adapter(shape, 5, 4, ("q", "v")))


def test_a_chain_without_an_adapter_is_sent_nothing_before_requests():
    assert loading(chain(random_model(WORDS, 3)), None) == b""
