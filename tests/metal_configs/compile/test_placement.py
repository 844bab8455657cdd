"""Where weights lie: every bit has one place and every place one bit, whatever the model and the die."""

import itertools

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from metal_configs.compile import DieSize, place_model
from metal_configs.compile.matrix import FACTOR_BITS, LANES
from metal_configs.compile.place import kv_rows
from metal_configs.compile.placement import FACTOR, VEC
from metal_configs.quantise.policy import Format
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.shape import Shape

SHAPES = st.builds(
    lambda dim, layers, kv, group, head, hidden, vocab, tied: Shape(
        dim=dim, layers=layers, heads=kv * group, kv_heads=kv, head_dim=2 * head, hidden=hidden, vocab=vocab,
        context=64, tied=tied,
    ),
    st.integers(1, 40), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9),
    st.integers(1, 50), st.integers(1, 70), st.booleans(),
)  # fmt: skip
SIZES = st.builds(
    lambda rows, columns, macros, align, most, vec, factor: DieSize(
        rows, columns, depth=16 * macros, outputs=8, activations=2, align=align, most_inputs=most,
        ram_rows=200,       vec_columns=vec, factor_rows=16 * factor, words=16,
    ),
    st.integers(1, 3), st.integers(1, 3), st.sampled_from([2, 4, 8, 16]), st.sampled_from([1, 2]),
    st.sampled_from([7, 31]), st.integers(1, 4), st.integers(1, 6),
)  # fmt: skip


@st.composite
def placements(draw):
    shape, size = draw(SHAPES), draw(SIZES)
    kinds = ["embed", "q", "k", "v", "gate", "down", "head", "final"]
    bits = draw(st.fixed_dictionaries({k: st.integers(3, 8) for k in kinds}))
    names = [*shape.matrices(), *(["final"] if shape.tied else [])]
    forms = {n: Format(bits.get(n.rpartition(".")[2], 4)) for n in names}
    try:
        return shape, place_model(shape, size, 4, forms)
    except FlowError:
        reject()


def places(size: DieSize) -> np.ndarray:
    """Every ROM bit of a die: row, column, macro, word line, bit line."""
    rom = np.indices((size.rows, size.columns, size.macros, size.words, 128)).reshape(5, -1)
    vec = np.indices((size.vecs, size.factor_rows // size.words, size.words, 128)).reshape(4, -1)
    return np.concatenate([rom, np.concatenate([np.full((1, vec.shape[1]), VEC), vec])], axis=1)


@given(placements(), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_every_place_found_leads_back(case, seed):
    _, placed = case
    rng = np.random.default_rng(seed)
    for n, m in enumerate(placed.matrices):
        output = rng.integers(0, m.outputs, 100)
        column = rng.integers(FACTOR, m.inputs, 100)
        bit = rng.integers(0, np.where(column == FACTOR, FACTOR_BITS, m.bits))
        site = placed.site(n, output, column, bit)
        for die in np.unique(site.die):
            at = site.die == die
            found = placed.weight(int(die), *(a[at] for a in site[1:]))
            np.testing.assert_array_equal(found, [np.full(at.sum(), n), output[at], column[at], bit[at]])


@given(placements())
@settings(max_examples=25, deadline=None)
def test_all_bits_have_one_place_and_all_places_one_bit(case):
    _, placed = case
    where = places(placed.die)
    total = 0
    for die in range(len(placed.dies)):
        w = placed.weight(die, *where)
        used = w.matrix >= 0
        total += int(used.sum())
        for n in np.unique(w.matrix[used]):
            at = w.matrix == n
            site = placed.site(int(n), w.output[at], w.column[at], w.bit[at])
            np.testing.assert_array_equal(site, [np.full(at.sum(), die), *where[:, at]])
    assert total == sum(m.used_bits for m in placed.matrices)
    assert total == sum(m.outputs * (m.inputs * m.bits + FACTOR_BITS) for m in placed.matrices)


@given(placements())
@settings(max_examples=60, deadline=None)
def test_dies_follow_the_order_of_execution_and_keep_their_limits(case):
    shape, placed = case
    size = placed.die
    names = [m.name for m in placed.matrices]
    assert set(names) == {*shape.matrices()} | ({"final"} if shape.tied else set())
    order = [(names.index(p.matrix.name), p.first) for pieces in placed.dies for p in pieces]
    assert order == sorted(order)
    for pieces, ram in zip(placed.dies, placed.ram_rows, strict=True):
        assert pieces
        assert (pieces[0].row, pieces[0].factor_row) == (0, 0)
        assert pieces[-1].end <= size.depth
        assert pieces[-1].factor_end <= size.factor_rows
        assert all((a.end, a.factor_end) == (b.row, b.factor_row) for a, b in itertools.pairwise(pieces))
        layers = [p.matrix.name for p in pieces if p.matrix.name.endswith(".k")]
        assert layers == [p.matrix.name[:-1] + "k" for p in pieces if p.matrix.name.endswith(".v")]
        assert ram == len(layers) * kv_rows(shape, size, 4) <= size.ram_rows
    outputs: dict[str, int] = {}
    for p in itertools.chain(*placed.dies):
        assert p.first_output == outputs.get(p.matrix.name, 0)
        outputs[p.matrix.name] = p.first_output + p.outputs
    assert outputs == {m.name: m.outputs for m in placed.matrices}


@given(placements())
@settings(max_examples=60, deadline=None)
def test_no_pass_can_overflow_a_sum_and_every_plane_can_be_sought(case):
    _, placed = case
    for m in placed.matrices:
        assert m.each <= placed.die.most_inputs
        assert m.each * placed.die.rows * m.spans >= m.inputs
        assert all(p.row % placed.die.align == 0 for p in m.parts)
    assert all(p.row % placed.die.align == 0 for pieces in placed.dies for p in pieces)


def sized(**changed) -> DieSize:
    given = {
        "rows": 2, "columns": 1, "depth": 64, "outputs": 8, "activations": 2, "align": 1, "most_inputs": 31,
        "ram_rows": 64, "vec_columns": 1, "factor_rows": 32, "words": 16,
    }  # fmt: skip
    return DieSize(**given | changed)


@pytest.mark.parametrize(
    ("changed", "says", "code"),
    [
        ({"depth": 16}, r"rom: 8 outputs of embed take 26 rows of every rom tile, 10 more than the 16",
         ExitCode.BAD_INPUT),
        ({"ram_rows": 63}, r"(?s)ram: keys and values of a layer and 64 positions take 256 rows of ram tiles,"
         r" 193 more than the 63 of a die.*At most 15 positions fit: pass --context 15", ExitCode.USAGE),
        ({"ram_rows": 5}, "No position fits", ExitCode.USAGE),
        ({"factor_rows": 0, "ram_rows": 256}, r"vec: the factors of 8 outputs of embed take 1 rows of a vec"
         " tile's ROM, 1 more than the 0", ExitCode.BAD_INPUT),
    ],
)  # fmt: skip
def test_what_cannot_fit_says_which_memory_and_by_how_much(changed, says, code):
    shape = Shape(dim=100, layers=1, heads=2, kv_heads=2, head_dim=8, hidden=8, vocab=8, context=64)
    size = sized(**{"ram_rows": 256} | changed)
    with pytest.raises(FlowError, match=says) as e:
        place_model(shape, size, 64, {n: Format(4) for n in [*shape.matrices(), "final"]})
    assert e.value.code == code


def test_full_ram_tiles_begin_the_next_die():
    shape = Shape(dim=8, layers=4, heads=2, kv_heads=2, head_dim=8, hidden=8, vocab=8, context=4)
    one_layer = kv_rows(shape, sized(), 4)
    placed = place_model(shape, sized(depth=1024, factor_rows=1024, ram_rows=one_layer), 4)
    assert placed.ram_rows == (one_layer,) * 4
    assert len(place_model(shape, sized(depth=1024, factor_rows=1024, ram_rows=4 * one_layer), 4).dies) == 1


def test_a_row_of_a_macro_has_as_many_factors_as_fit():
    assert LANES * FACTOR_BITS == 128
