"""A chain whose embedding and head are cut over dies says what the golden decoder says."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metal_configs.compile.placement import FACTOR
from metal_configs.compile.program.choice import Choice
from metal_configs.compile.program.die import compile_part
from metal_configs.compile.program.fit import Column, fit_dies
from metal_configs.compile.program.part import HIGH, Alone, Part, cut
from metal_configs.compile.program.places import column_placement
from metal_configs.compile.program.residual import ASKED, Message
from metal_configs.compile.program.vocabulary import cut_tokens
from rtl_gen.errors import FlowError
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.chain import ChainModel, loading
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.network import Network
from rtl_gen.golden.shape import Shape
from rtl_gen.golden.token_bytes import from_bytes, to_bytes
from rtl_gen.golden.vec_isa import Kind, Op, Sync
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize
from tests.metal_configs.test_places import bit_of
from tests.metal_configs.test_program import WORDS
from tests.metal_configs.watched import Watched
from tests.rtl_gen.test_adapter import random_adapter
from tests.rtl_gen.test_network import random_model

SHAPE = Shape(dim=20, layers=2, heads=2, kv_heads=1, head_dim=4, hidden=16, vocab=1000, context=6)
EMBEDS = (range(256), range(256, 512), range(512, 1000))
CHOOSES = (range(320), range(320, 960), range(960, 1000))
BOTH = Alone(EMBEDS, CHOOSES)


def pieces(tokens, ends):
    return tuple(itertools.starmap(range, itertools.pairwise([0, *ends, tokens])))


def images_of(model, alone, layers=2, rows=1, ranks=None):
    parts = cut(model, layers, alone)
    return [
        compile_part(part, ArrayModel((rows, 1), 16384, 32, 2, 20, 2), 8, 128, ranks, which=f"die {n}")
        for n, part in enumerate(parts)
    ]


def tokens(image, said):
    n = image.token_bytes
    return [from_bytes(said[at : at + n]) for at in range(0, len(said), n)]


def says(dies, images, prompt, beta=0, seed=1):
    say = dies.answer if len(images) > 1 else dies.send
    return tokens(images[0], say(images[0].request(prompt, beta, seed)))


shapes = st.builds(
    lambda dim, layers, heads, head_dim, vocab, context, tied: Shape(
        dim=dim, layers=layers, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, hidden=24, vocab=vocab,
        context=context, tied=tied,
    ),
    st.integers(1, 40), st.integers(1, 3), st.sampled_from([(1, 1), (4, 2)]), st.sampled_from([2, 6]),
    st.integers(769, 1100), st.sampled_from([3, 20]), st.booleans(),
)  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(
    shapes, st.sets(st.integers(1, 3), max_size=3), st.sets(st.integers(1, 768), max_size=3), st.data(),
    st.sampled_from([0.05, 1.0, 30.0]),
)  # fmt: skip
def test_any_cut_says_what_the_golden_decoder_says(shape, embeds, chooses, data, size):
    """Dies of the embedding and of the head, one or more or none; logits saturate with large factors."""
    model = random_model(shape, data.draw(st.integers(0, 999)), size=size)
    alone = Alone(
        pieces(shape.vocab, [HIGH * n for n in sorted(embeds)]) if data.draw(st.booleans()) else (),
        pieces(shape.vocab, sorted(chooses)) if data.draw(st.booleans()) else (),
    )
    beta = 0 if alone.greedy else data.draw(st.sampled_from([0, 32]))
    images = images_of(model, alone, data.draw(st.integers(1, shape.layers)), data.draw(st.integers(1, 2)))
    dies = ChainModel(images)
    for prompt in ([shape.vocab - 1], [256, 0, 511]):
        want = list(Network(model).generate(prompt, beta=beta, seed=5))
        assert says(dies, images, prompt, beta, 5) == want


@pytest.mark.parametrize(
    "alone", [Alone(EMBEDS), Alone((), CHOOSES), BOTH], ids=["embedding", "head", "both"]
)
def test_requests_follow_each_other_whatever_they_ask_for(alone):
    """Ends of texts on the first die, on others and in prompts; prompts of no token, and of too many."""
    model = dataclasses.replace(random_model(SHAPE, 5, 8), ends=(17, 230, 700))
    images = images_of(model, alone)
    dies = ChainModel(images)
    said = set()
    for prompt in ([1], [700, 3, 999], [], [256, 511], [3] * 7, [17, 512, 120], [255] * 6, [999, 999]):
        fits = 0 < len(prompt) <= 6
        want = list(Network(model).generate(prompt)) if fits else [17]
        assert says(dies, images, prompt) == want
        said |= {t >> 8 for t in want}
    assert len(said) == 4
    half = images[0].request([4, 5], 0, 1)
    assert dies.send(half[:8]) == b""
    assert tokens(images[0], dies.answer(half[8:])) == list(Network(model).generate([4, 5]))


@pytest.mark.parametrize(("prompt", "end"), [([1], 230), ([1], 276), ([5], 603), ([1], 954)])
def test_a_text_ends_whichever_die_has_its_end(prompt, end):
    """What was embedded of the end is forgotten; the next text is its own."""
    model = dataclasses.replace(random_model(SHAPE, 5, 8), ends=(end,))
    images = images_of(model, Alone(EMBEDS))
    dies = ChainModel(images)
    texts = [says(dies, images, p) for p in (prompt, [6, 7], prompt)]
    assert texts == [list(Network(model).generate(p)) for p in (prompt, [6, 7], prompt)]
    assert texts[0][-1] == end
    assert end not in texts[0][:-1]


def test_what_travels_to_dies_of_the_embedding():
    model = random_model(SHAPE, 3, 8)
    images = images_of(model, BOTH)
    first, second, third = ChainModel(images).dies[:3]
    text = bytes([ASKED + Message.TEXT, 1, 0, 0, 0, 0])
    request = images[0].request([515, 4, 258], 0, 1)
    assert request[6:] == bytes([2, 3, 2, 0, 4, 0, 1, 2, 1])
    sent = first.send(request)
    hop = 3 * SHAPE.dim
    assert sent[:6] == text
    assert sent[6:10] == bytes([2, 3, 2, ASKED + Message.MORE])
    assert sent[10] == ASKED + Message.MORE
    assert sent[11 + hop :] == bytes([1, 2, 1, ASKED + Message.LAST])
    passed = second.send(sent)
    assert passed[:10] == sent[:10]
    assert passed[10 : 11 + hop] == sent[10 : 11 + hop]
    assert passed[11 + hop] == ASKED + Message.LAST
    # Layers hear what they would hear from a die with all of the embedding.
    whole = images_of(model, Alone((range(SHAPE.vocab),)))
    heard = ChainModel(whole).dies[0].send(whole[0].request([515, 4, 258], 0, 1))
    assert third.send(passed) == heard
    assert heard[6 :: 1 + hop] == bytes([Message.MORE, Message.MORE, Message.LAST])


def test_what_travels_to_dies_of_the_head():
    """Words, the largest logit so far, and its token."""
    model = random_model(SHAPE, 3, 8)
    images = images_of(model, Alone((), CHOOSES))
    dies = ChainModel(images).dies
    sent = images[0].request([4, 5], 0, 1)
    logits = Network(model).logits(Network(model).feed([4, 5])[-1:])[0]
    for die, tokens_ in zip(dies[1:], (None, *CHOOSES), strict=True):
        sent = dies[0].send(sent) if tokens_ is None else die.send(sent)
        if tokens_ is None:
            sent = die.send(sent)
            continue
        best = int(np.argmax(logits[: tokens_.stop]))
        assert sent[-2:] == to_bytes(best, 2)
        if tokens_.stop < SHAPE.vocab:
            size = 3 * (SHAPE.dim + 1)
            assert sent[-3 - size] == Message.LAST
            words = np.frombuffer(sent[-2 - size : -2], np.int8).reshape(3, -1).astype(np.int64)
            words = (words << np.array([[16], [8], [0]])).sum(0)
            assert words[-1] == logits[best]
            exponent = max(0, int(np.abs(words[:-1]).max()).bit_length() - 7)
            assert np.abs(words[:-1]).max() < 1 << 15
            assert exponent > 0


@pytest.mark.parametrize("best", [-(1 << 23), (1 << 23) - 1])
def test_the_first_of_equals_is_chosen_wherever_they_are(best):
    """All logits alike, at both ends of their range; then one more for the last token of each die."""
    model = random_model(SHAPE, 3, 8)
    head = dataclasses.replace(
        model.head, codes=np.full_like(model.head.codes, 1), factors=Factors.of(np.ones(SHAPE.vocab), 47)
    )
    model = dataclasses.replace(model, head=head, shape=dataclasses.replace(SHAPE, tied=False))
    images = images_of(model, BOTH)
    assert says(ChainModel(images), images, [9]) == [0] * 6
    sign = int(np.sign(Network(model).logits(Network(model).feed([9])[-1:])[0][0]))
    for tokens_ in CHOOSES:
        codes = head.codes.copy()
        codes[tokens_[-1]] += sign
        changed = dataclasses.replace(model, head=dataclasses.replace(head, codes=codes))
        images = images_of(changed, BOTH)
        want = list(Network(changed).generate([9]))
        assert want[0] == tokens_[-1]
        assert says(ChainModel(images), images, [9]) == want
    huge = dataclasses.replace(head, factors=Factors.of(np.full(SHAPE.vocab, 1e3 * sign * np.sign(best)), 47))
    saturated = dataclasses.replace(model, head=huge)
    assert set(Network(saturated).logits(Network(saturated).feed([9])[-1:])[0].tolist()) == {best}
    images = images_of(saturated, BOTH)
    assert says(ChainModel(images), images, [9])[0] == 0


def test_a_temperature_is_refused_where_no_die_has_all_logits():
    model = random_model(SHAPE, 3, 8)
    for alone in (Alone(), Alone(EMBEDS), Alone((), (range(1000),))):
        assert images_of(model, alone)[0].request([1], 32, 1)
    for alone in (Alone((), CHOOSES), BOTH):
        with pytest.raises(FlowError, match="inverse temperature of 32: the head is cut") as e:
            images_of(model, alone)[0].request([1], 32, 1)
        assert "temperature 0" in e.value.hint


@pytest.mark.parametrize(
    "alone", [Alone(EMBEDS), Alone((), CHOOSES), BOTH], ids=["embedding", "head", "both"]
)
def test_an_adapter_passes_dies_without_layers(alone):
    model, adapter = random_model(SHAPE, 4, 8), random_adapter(SHAPE, 5, 4, ("q", "v"), size=0.1)
    ranks = {name: len(pair.a.codes) for name, pair in adapter.pairs.items()}
    images = images_of(model, alone, ranks=ranks)
    dies = ChainModel(images)
    assert dies.send(loading(images, adapter)) == b""
    assert says(dies, images, [2, 0, 5]) == list(Network(model, adapter=adapter).generate([2, 0, 5]))


def watched(images, prompt):
    """What is met early in the whole answer, by the number of the die."""
    dies = ChainModel(images)
    dies.dies = [Watched(image) for image in images]
    says(dies, images, prompt)
    return [die.early for die in dies.dies]


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dim", [4, 33, 64])
def test_no_row_meets_what_is_not_there(dim, tied):
    shape = dataclasses.replace(SHAPE, dim=dim, context=4, tied=tied)
    model = random_model(shape, 6, 1)
    assert not any(watched(images_of(model, BOTH), [3, 515, 300]))


def test_rows_that_wait_would_meet_something_too_early():
    """The control: a row that does not wait is found, on each kind of die."""
    images = images_of(random_model(dataclasses.replace(SHAPE, context=3), 6), BOTH)
    waits, found, kinds = 0, 0, set()
    for n in (1, 2, 5, 6, 7):
        for at, row in enumerate(images[n].program):
            of_lane = row.op in (Op.VECTOR, Op.DRAIN, Op.STEPS)
            if not row.sync or not (of_lane or row.kind == Kind.RECEIVE_TOKEN):
                continue
            program = list(images[n].program)
            program[at] = dataclasses.replace(row, fields=row.fields | {"sync": Sync.NONE})
            changed = [*images]
            changed[n] = dataclasses.replace(images[n], program=tuple(program))
            early = watched(changed, [300, 515])[n]
            waits += 1
            found += bool(early)
            kinds |= {(n, what) for what, _ in early}
    assert found > 0.7 * waits
    assert {(1, "token"), (2, "token"), (5, "found"), (5, "word"), (6, "found"), (7, "found")} <= kinds


def column(banks=2, rom_banks=3, program_banks=3, memory=1024):
    """A rom tile of `banks` has 128 rows for each."""
    rom = RomTileSize(banks=banks, rows=2, columns=32)
    return Column(
        rom, 1, RamTileSize(128), 4, VecTileSize(2, 8, 2, memory, 128, 256, program_banks, rom_banks)
    )


def roles(images):
    return [sorted({n.split(".")[0] for n in image.array.names}) for image in images]


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_takes_as_few_dies_as_hold_its_tokens(tied):
    """One die of so many rows of rom tiles has some tokens, none has all."""
    shape = dataclasses.replace(SHAPE, tied=tied)
    model = random_model(shape, 7)
    die = column()
    found = [image for image, _ in fit_dies(model, die)]
    kinds = roles(found)
    embeds, chooses = kinds.count(["embed"]), sum("head" in kind for kind in kinds)
    assert embeds > 1 < chooses
    assert [kind for kind in kinds if "layers" in kind] == [["layers"]] * (len(kinds) - embeds - chooses)
    dies = ChainModel(found)
    for prompt in ([1], [700, 3, 999]):
        assert says(dies, found, prompt) == list(Network(model).generate(prompt))
    # A die of a cut matrix could not have more: with the next tokens it does not fit.
    parts = cut_tokens(model, lambda part: lay(part, die))
    assert len(parts) == len(found)
    for part, unit in ((parts[0], HIGH), (parts[-2], 32)):
        more = range(part.embeds.start, part.embeds.stop + unit), range(0)
        if not part.embeds:
            more = range(0), range(part.chooses.start, part.chooses.stop + unit)
        with pytest.raises(FlowError):
            lay(dataclasses.replace(part, embeds=more[0], chooses=more[1]), die)


def lay(part, die):
    from metal_configs.compile.program.macros import die_macros

    image = compile_part(part, die.empty(), die.ram_rows, die.ram.words, None, die.skipped)
    return die_macros(image, die.rom, die.vec)


def test_what_is_asked_for_is_as_long():
    model = random_model(SHAPE, 7)
    assert len(fit_dies(model, column(), dies=6)) == 6
    with pytest.raises(
        FlowError, match="dies hold the embedding and the head of random, which leaves none of 3"
    ):
        fit_dies(model, column(), dies=3)


def test_a_token_needs_room_on_some_die():
    model = random_model(SHAPE, 7)
    with pytest.raises(FlowError, match="words of factors and tables"):
        fit_dies(model, dataclasses.replace(column(), vec=dataclasses.replace(column().vec, rom_banks=0)))


def test_more_tokens_than_a_chain_tells_apart_are_refused():
    shape = dataclasses.replace(WORDS, vocab=ASKED * HIGH + 1, dim=2, heads=1, kv_heads=1, hidden=4)
    with pytest.raises(FlowError, match="64,513 tokens, of which a chain tells 64,512 apart"):
        cut_tokens(random_model(shape, 1), lambda part: None)


def test_tokens_of_a_die_of_the_head_are_told_apart_by_addresses_of_m():
    model = random_model(dataclasses.replace(WORDS, vocab=8300, dim=2, heads=1, kv_heads=1, hidden=4), 1)
    alone = Alone((), (range(4096), range(4096, 8188), range(8188, 8300)))
    images = images_of(model, alone)
    for prompt in ([8299], [4096]):
        assert says(ChainModel(images), images, prompt) == list(Network(model).generate(prompt))
    alone = Alone((), (range(4096), range(4096, 8189), range(8189, 8300)))
    with pytest.raises(FlowError, match=r"4,093 tokens of the head are told apart .* there are 4,092"):
        images_of(model, alone)
    assert Choice


@pytest.mark.parametrize(
    "held",
    [
        (range(2), range(256), range(0)),
        (range(0), range(256), range(300)),
        (range(0), range(100, 256), range(0)),
    ],
)
def test_a_die_has_tokens_of_one_matrix_alone(held):
    with pytest.raises(ValueError, match="a die cannot have"):
        Part(random_model(SHAPE, 1), *held)


def test_every_bit_is_where_the_placement_says():
    """Of the matrices that are cut; there and back."""
    model, die = random_model(SHAPE, 7), column()
    found = fit_dies(model, die)
    placed = column_placement(model, die, [image for image, _ in found])
    assert [m.name for m in placed.matrices if "." not in m.name] == ["embed", "final", "head"]
    rng = np.random.default_rng(2)
    dies = set()
    for name, matrix in (("embed", model.embed), ("final", model.final), ("head", model.head)):
        number = placed.number(name)
        for output in rng.integers(len(matrix.codes), size=40).tolist():
            source = int(rng.integers(-1, SHAPE.dim))
            bits = np.arange(16 if source == FACTOR else matrix.bits)
            site = placed.site(number, np.array(output), np.array(source), bits)
            (n,) = set(site.die.tolist())
            got = [
                bit_of(found[n][1], *(int(a[b]) for a in site[1:]), f"vec_{1 + die.ram_rows}_0") for b in bits
            ]
            f = matrix.factors
            word = int(f.mantissa[output]) & 0xFFF | int(f.exponent[output]) << 12
            word = word if source == FACTOR else int(matrix.codes[output, source])
            assert got == [bool(word >> b & 1) for b in bits.tolist()], (name, output, source)
            back = placed.weight(n, *site[1:])
            assert (back.matrix == number).all()
            assert (back.output == output).all()
            assert (back.column == source).all()
            dies.add(n)
    assert dies == {n for n, kind in enumerate(roles(image for image, _ in found)) if kind != ["layers"]}
    assert len(dies) == 4
