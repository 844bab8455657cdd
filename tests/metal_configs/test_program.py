"""A model compiled for one die: the program of its vec tile says what the golden decoder says."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.compile.program.die import compile_die
from metal_configs.compile.program.layers import Most
from metal_configs.compile.program.part import Part
from rtl_gen.errors import FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.formats import LARGEST_SHIFT
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.vec import VecModel
from rtl_gen.golden.vec_isa import Op, Row
from tests.metal_configs.watched import watched
from tests.rtl_gen.exact import KINDS
from tests.rtl_gen.test_adapter import random_adapter
from tests.rtl_gen.test_network import random_model

WORDS = Shape(dim=32, layers=2, heads=8, kv_heads=2, head_dim=4, hidden=80, vocab=28, context=16)


def die(model, rows=1, ram_rows=2, ram_words=64, depth=4096):
    return compile_die(model, ArrayModel((rows, 1), depth, 32, 2, 20, 2), ram_rows, ram_words)


def tokens(image, said):
    n = image.token_bytes
    return [int.from_bytes(said[at : at + n], "little") for at in range(0, len(said), n)]


def says(vec, image, prompt, beta=0, seed=1):
    return tokens(image, vec.send(image.request(prompt, beta, seed)))


shapes = st.builds(
    lambda dim, heads, head_dim, hidden, vocab, context, tied: Shape(
        dim=dim, layers=2, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=hidden, vocab=vocab,
        context=context, tied=tied,
    ),
    st.integers(1, 40), st.sampled_from([(1, 1), (3, 1), (4, 2)]), st.sampled_from([2, 6, 10]),
    st.sampled_from([4, 12, 48]), st.sampled_from([11, 70, 300]), st.sampled_from([3, 40]), st.booleans(),
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(shapes, st.integers(1, 3), st.sampled_from([1, 4]), st.integers(0, 999), st.sampled_from([0, 1, 32]))
def test_any_model_on_any_rows_of_tiles_says_what_the_golden_decoder_says(shape, rows, hadamard, seed, beta):
    model = random_model(shape, seed, hadamard)
    image = die(model, rows, 8, 128, 16384)
    vec = VecModel(image)
    for prompt in ([1], [2, 0, 5]):
        # The cache is checked beyond its first chunk of 32 positions; tokens behind are the same in kind.
        assert says(vec, image, prompt, beta, seed + 1) == list(
            Network(model).generate(prompt, beta=beta, seed=seed + 1)
        )


def test_a_model_whose_hidden_vectors_fill_m_gates_them_slice_by_slice():
    shape = Shape(dim=24, layers=1, heads=2, kv_heads=1, head_dim=4, hidden=1536, vocab=20, context=8)
    model = random_model(shape, 5, 16)
    image = die(model)
    assert 3 * shape.hidden > image.memory
    assert says(VecModel(image), image, [2, 7]) == list(Network(model).generate([2, 7]))


wide_or_long = st.builds(
    lambda heads, head_dim, context, tied: Shape(
        dim=14, layers=1, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=12, vocab=11,
        context=context, tied=tied,
    ),
    st.sampled_from([(1, 1), (3, 1), (4, 2)]), st.sampled_from([6, 34, 64, 128]), st.sampled_from([30, 75]),
    st.booleans(),
)  # fmt: skip
few = st.sampled_from([Most(), Most(ram_bytes=128)])


@settings(max_examples=6, deadline=None)
@given(wide_or_long, few, st.integers(0, 999), st.sampled_from([0, 32]))
def test_heads_may_be_wide_and_texts_longer_than_a_ram_tile(shape, most, seed, beta):
    model = random_model(shape, seed)
    array = ArrayModel((1, 1), 16384, 32, 2, 20, 2)
    image = compile_die(model, array, 30, 24 if shape.head_dim < 64 else 64, most=most)
    vec = VecModel(image)
    prompt = np.random.default_rng(seed).integers(0, shape.vocab, shape.context - 9).tolist()
    for asked in ([1], prompt):  # what the longer text left behind does not matter to the first
        want = list(itertools.islice(Network(model).generate(asked, beta=beta, seed=seed + 1), 30))
        assert says(vec, image, asked, beta, seed + 1)[:30] == want
    assert says(vec, image, [1], beta, seed + 1)[:9] == list(
        itertools.islice(Network(model).generate([1], beta=beta, seed=seed + 1), 9)
    )


def test_what_lies_behind_the_position_in_its_part_would_be_heard():
    """The control: exponentials there are not cleared, and meet values of the text before."""
    shape = dataclasses.replace(WORDS, heads=2, kv_heads=1, context=50)
    model = random_model(shape, 3)
    image = die(model, 1, 8, 32)

    def behind(row):
        return row.op is Op.VECTOR and row.shift == LARGEST_SHIFT and row.n == 50 - 28

    kept = [dataclasses.replace(r, fields=r.fields | {"shift": 0}) if behind(r) else r for r in image.program]
    assert sum(map(behind, image.program)) == 2 * shape.layers  # two heads side by side
    want = list(Network(model).generate([1], seed=5, beta=32))
    said = []
    for each in (image, dataclasses.replace(image, program=tuple(kept))):
        vec = VecModel(each)
        says(vec, each, [7] * 49, 32, 1)
        said.append(says(vec, each, [1], 32, 5))
    assert said[0] == want
    assert said[1][:28] == want[:28]
    assert said[1] != want


@pytest.mark.parametrize(
    ("most", "ram_bytes", "memory"),
    [
        (Most(), 128, 0),
        (Most(ram_bytes=100), 96, -16),
        (Most(memory=200), 64, -32),
        (Most(ram_bytes=9), 32, -48),
    ],
)
def test_as_many_heads_go_side_by_side_as_the_vec_tile_has_room_for(most, ram_bytes, memory):
    model = random_model(dataclasses.replace(WORDS, hidden=16), 3, 16)
    image = compile_die(model, ArrayModel((1, 1), 4096, 32, 2, 20, 2), 2, 64, most=most)
    assert (image.activations[1], image.memory - die(model).memory) == (ram_bytes, memory)
    assert says(VecModel(image), image, [3, 1], 32, 5) == list(
        Network(model).generate([3, 1], beta=32, seed=5)
    )


def test_a_text_ends_with_any_of_its_ends_and_the_next_request_is_its_own():
    model = random_model(WORDS, 3, 16)
    first, second = 17, 2
    model = dataclasses.replace(model, ends=(first, second))
    image = die(model)
    vec = VecModel(image)
    for prompt, seed in (([3, 1], 1), ([5], 9), ([3, 1], 1)):
        want = list(Network(model).generate(prompt, beta=32, seed=seed))
        assert says(vec, image, prompt, 32, seed) == want


def test_a_request_without_tokens_or_with_too_many_is_answered_by_an_end():
    model = dataclasses.replace(random_model(WORDS, 3, 16), ends=(7,))
    image = die(model)
    vec = VecModel(image)
    assert says(vec, image, []) == [7]
    assert says(vec, image, [1] * 17) == [7]
    assert says(vec, image, [1] * 16) == list(Network(model).generate([1] * 16))
    half = image.request([4, 5], 0, 1)
    assert vec.send(half[:7]) == b""
    assert tokens(image, vec.send(half[7:])) == list(Network(model).generate([4, 5]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"depth": 512}, r"random does not fit the rom tiles: 5\d\d rows of each are needed, 512 are there"),
        ({"ram_rows": 1, "ram_words": 20}, "need 2 ram tiles of 20 rows; there are 1"),
        ({"ram_words": 8}, "keys and values of 16 positions need 6 ram tiles of 8 rows; there are 2"),
        ({"ram_words": 2}, "in 2 pieces, need 3 rows of 32 bytes for each, a ram tile has 2"),
    ],
)
def test_what_does_not_fit_is_named(change, says):
    with pytest.raises(FlowError, match=says):
        die(random_model(WORDS, 3, 16), **change)


def test_a_memory_of_the_vec_tile_that_is_too_small_is_named():
    shape = dataclasses.replace(WORDS, hidden=1920)
    with pytest.raises(
        FlowError, match=r"memory of the vec tile is too small: 4,176 words are needed, 4,096"
    ):
        die(random_model(shape, 3, 16), depth=16384)


def test_fields_that_do_not_fit_a_row_are_refused():
    with pytest.raises(ValueError, match="VECTOR: n = 3000 does not fit 11 bits"):
        Row(Op.VECTOR, {"n": 3000})
    with pytest.raises(ValueError, match="STEPS has no field shift"):
        Row(Op.STEPS, {"shift": 1})
    assert Row(Op.VECTOR, {"shift": -1}).encode() >> 127 == 0


def test_codes_take_digits_of_four_bits_where_the_tiles_have_room_and_fewer_passes():
    model = random_model(WORDS, 3, 16)
    tight, roomy = die(model, depth=600), die(model)
    bits = {name: matrix.bits for name, matrix in Part.whole(model).matrices().items()}
    assert set(bits.values()) == {3, 4, 5, 6}
    assert {name: tight.array.bits(name) for name in bits} == bits
    assert {name: roomy.array.bits(name) for name in bits} == {n: 4 if b <= 4 else 8 for n, b in bits.items()}
    cycles = []
    for image in (tight, roomy):
        assert not watched(image)
        vec = VecModel(image)
        assert says(vec, image, [3, 1], 32, 5) == list(Network(model).generate([3, 1], beta=32, seed=5))
        cycles.append(vec.clock.now)
    assert cycles[1] < 0.9 * cycles[0]


def test_rows_are_told_apart_by_their_bits():
    image = die(random_model(WORDS, 3, 16))
    told = {(r.op, tuple(sorted((k, v) for k, v in r.fields.items() if v))) for r in image.program}
    assert len({r.encode() for r in image.program}) == len(told)
    assert np.all(image.words < 1 << 16)


def adapted(model, adapter, rows, ram_rows, ram_words, depth=16384):
    ranks = {name: len(pair.a.codes) for name, pair in adapter.pairs.items()}
    return compile_die(model, ArrayModel((rows, 1), depth, 32, 2, 20, 2), ram_rows, ram_words, ranks)


@settings(max_examples=8, deadline=None)
@given(
    shapes, st.integers(1, 2), st.sampled_from([1, 4]), st.integers(0, 99), st.sampled_from([1, 4, 5, 16]),
    st.sets(st.sampled_from(KINDS), min_size=1), st.sampled_from([41, 128]),
)  # fmt: skip
def test_an_adapter_that_the_host_loads_says_what_the_golden_decoder_says(
    shape, rows, hadamard, seed, rank, kinds, ram_words
):
    model, adapter = random_model(shape, seed, hadamard), random_adapter(shape, seed, rank, kinds)
    image = adapted(model, adapter, rows, 80, ram_words)  # of 41 rows A of a `down` needs two
    for loaded in (adapter, None):
        vec = VecModel(image)
        data = image.adapters.load(loaded)
        assert len(data) == image.adapters.size
        assert vec.send(data[:100]) == vec.send(data[100:]) == b""
        for prompt in ([1], [2, 0, 5]):
            want = list(Network(model, adapter=loaded).generate(prompt, beta=16, seed=3))
            assert says(vec, image, prompt, 16, 3) == want


@pytest.mark.parametrize("ram_words", [64, 41])
def test_a_of_an_adapter_may_be_taller_than_a_ram_tile(ram_words):
    model, adapter = random_model(WORDS, 4, 16), random_adapter(WORDS, 4, 4)
    image = adapted(model, adapter, 1, 40, ram_words)
    assert {len(group.slices) for group in image.adapters.inner} == {1, 2}  # down has 80 inputs
    vec = VecModel(image)
    vec.send(image.adapters.load(adapter))
    assert says(vec, image, [3, 1], 16, 3) == list(
        Network(model, adapter=adapter).generate([3, 1], beta=16, seed=3)
    )


def test_adapters_of_another_shape_or_without_room_are_refused():
    model, adapter = random_model(WORDS, 1), random_adapter(WORDS, 1, 4)
    image = adapted(model, adapter, 1, 12, 128)
    with pytest.raises(FlowError, match=r"layers\.0\.down has rank 8, the die was built for 4"):
        image.adapters.load(random_adapter(WORDS, 1, 8))
    with pytest.raises(FlowError, match=r"layers\.0\.gate has rank 0, the die was built for 4"):
        image.adapters.load(random_adapter(WORDS, 1, 4, ("q", "k", "v", "o", "down")))
    with pytest.raises(FlowError, match=r"layers\.0\.q: sums of A are shifted by 3\d to 3\d; 10 to 28"):
        image.adapters.load(random_adapter(WORDS, 1, 4, size=1e-4))
    with pytest.raises(FlowError, match=r"an adapter beside keys and values need \d+ ram tiles of 128 rows"):
        adapted(model, adapter, 1, 1, 128)
