import itertools
import re

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from metal_configs.multi_die import map_model
from metal_configs.multi_die.mapping import FACTOR, FACTOR_BITS, KV_BITS, SLOT_BITS
from metal_configs.quantise.policy import WIDTHS, Format
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape

SHAPES = st.builds(
    lambda dim, layers, kv, group, head, hidden, vocab, tied: Shape(
        dim=dim, layers=layers, heads=kv * group, kv_heads=kv, head_dim=2 * head, hidden=hidden, vocab=vocab,
        context=64, tied=tied,
    ),
    st.integers(1, 40), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9),
    st.integers(1, 50), st.integers(1, 70), st.booleans(),
)  # fmt: skip
COLUMNS = 8


@st.composite
def mappings(draw):
    shape = draw(SHAPES)
    rom = RomGeometry(draw(st.integers(20, 60)), 8, COLUMNS * SLOT_BITS, draw(st.sampled_from([1, 2, 4])))
    kinds = st.sampled_from(["embed", "q", "k", "gate", "down", "head"])
    forms = draw(st.dictionaries(kinds, st.builds(Format, st.sampled_from(WIDTHS))))
    kv_bits = draw(st.integers(48, 300)) * KV_BITS * 4
    try:
        return shape, map_model(
            shape,
            lambda n: forms.get(n.rpartition(".")[2], Format(4)),
            rom,
            columns=COLUMNS,
            kv_bits=kv_bits,
            context=4,
        )
    except FlowError:
        reject()


@given(mappings(), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_every_place_found_leads_back(case, seed):
    _, mapping = case
    rng = np.random.default_rng(seed)
    for n, m in enumerate(mapping.matrices):
        output = rng.integers(0, m.outputs, 200)
        column = rng.integers(FACTOR, m.inputs, 200)
        width = np.where(column == FACTOR, FACTOR_BITS, m.slots * SLOT_BITS)
        bit = rng.integers(0, width)
        site = mapping.site(n, output, column, bit)
        for die in np.unique(site.die):
            at = site.die == die
            found = mapping.weight(int(die), site.bank[at], site.word_line[at], site.bit_line[at])
            np.testing.assert_array_equal(found, [np.full(at.sum(), n), output[at], column[at], bit[at]])


@given(mappings())
@settings(max_examples=40, deadline=None)
def test_all_bits_have_one_place_and_all_places_one_bit(case):
    _, mapping = case
    rom = mapping.rom
    places = np.indices((rom.banks, rom.word_lines, rom.bit_lines)).reshape(3, -1)
    total = 0
    for die in range(len(mapping.dies)):
        w = mapping.weight(die, *places)
        used = w.matrix >= 0
        total += int(used.sum())
        for n in np.unique(w.matrix[used]):
            at = w.matrix == n
            site = mapping.site(int(n), w.output[at], w.column[at], w.bit[at])
            np.testing.assert_array_equal(site, [np.full(at.sum(), die), *places[:, at]])
    bits = sum(m.outputs * (m.inputs * m.slots * SLOT_BITS + FACTOR_BITS) for m in mapping.matrices)
    assert total == bits == sum(m.used_bits for m in mapping.matrices)


@given(mappings())
@settings(max_examples=60, deadline=None)
def test_dies_follow_the_order_of_execution_and_keep_their_limits(case):
    shape, mapping = case
    order = [(p.matrix.name, p.first) for pieces in mapping.dies for p in pieces]
    names = list(shape.matrices())
    assert order == sorted(order, key=lambda o: (names.index(o[0]), o[1]))
    for pieces, kv in zip(mapping.dies, mapping.kv_bits, strict=True):
        assert pieces
        assert pieces[0].row == 0
        assert pieces[-1].end <= mapping.rom.rows
        assert all(a.end == b.row for a, b in itertools.pairwise(pieces))
        here = [p for p in pieces if p.matrix.name[-2:] in (".k", ".v")]
        assert sum(p.passes * p.matrix.outputs_a_pass for p in here) * 4 * KV_BITS == kv
    outputs: dict[str, int] = {}
    for pieces in mapping.dies:
        for p in pieces:
            assert p.first_output == outputs.get(p.matrix.name, 0)
            outputs[p.matrix.name] = p.first_output + p.outputs
    assert outputs == {n: o for n, (o, _) in shape.matrices().items()}


def test_a_full_key_value_memory_begins_the_next_die():
    shape = Shape(dim=8, layers=4, heads=2, kv_heads=2, head_dim=8, hidden=8, vocab=8, context=4)
    rom = RomGeometry(100, 8, 32, 1)
    one_layer = 2 * shape.kv_dim * 4 * KV_BITS
    mapping = map_model(shape, lambda n: Format(4), rom, columns=8, kv_bits=one_layer, context=4)
    assert mapping.kv_bits == (one_layer,) * 4
    roomy = map_model(shape, lambda n: Format(4), rom, columns=8, kv_bits=4 * one_layer, context=4)
    assert len(roomy.dies) < 4


@pytest.mark.parametrize(
    ("banks", "kv", "says", "code"),
    [
        (1, 1 << 20, r"1 passes of embed take 104 ROM rows, a die has 8", ExitCode.BAD_INPUT),
        (100, 256, r"layers.0.k of one head and 64 positions .* 4096 bits.*At most 4", ExitCode.USAGE),
    ],
)  # fmt: skip
def test_what_cannot_fit_says_by_how_much(banks, kv, says, code):
    shape = Shape(dim=100, layers=1, heads=2, kv_heads=2, head_dim=8, hidden=8, vocab=8, context=64)
    with pytest.raises(FlowError) as e:
        map_model(shape, lambda n: Format(4), RomGeometry(banks, 8, 32, 1), columns=8, kv_bits=kv, context=64)
    assert re.search(says, str(e.value), re.DOTALL)
    assert e.value.code == code
