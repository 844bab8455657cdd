"""No row meets what is not yet there, in the golden model's cycles."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl_gen.golden.vec_isa import Kind, Op, Sync
from tests.metal_configs.test_program import WORDS, adapted, die, shapes
from tests.metal_configs.watched import watched
from tests.rtl_gen.exact import KINDS
from tests.rtl_gen.test_adapter import random_adapter
from tests.rtl_gen.test_network import random_model


@settings(max_examples=10, deadline=None)
@given(
    shapes, st.sampled_from([(1, 1), (3, 1), (4, 1), (8, 2), (6, 1)]), st.integers(1, 3),
    st.sampled_from([1, 4]), st.sampled_from([0, 32]),
)  # fmt: skip
def test_no_row_of_any_model_meets_what_is_not_there(shape, heads, rows, hadamard, beta):
    shape = dataclasses.replace(shape, heads=heads[0], kv_heads=heads[1], context=min(shape.context, 20))
    assert not watched(die(random_model(shape, 1, hadamard), rows, 12, 128, 16384), beta)


@pytest.mark.parametrize(
    ("heads", "head_dim", "context", "ram_words"),
    [((4, 1), 6, 75, 24), ((2, 2), 64, 40, 64), ((3, 1), 34, 70, 64)],
)
def test_nor_of_wide_heads_and_long_texts(heads, head_dim, context, ram_words):
    shape = dataclasses.replace(
        WORDS, heads=heads[0], kv_heads=heads[1], head_dim=head_dim, context=context, hidden=16, layers=1
    )
    assert not watched(die(random_model(shape, 1), 1, 60, ram_words, 16384))


def test_nor_with_an_adapter():
    adapter = random_adapter(WORDS, 1, 4, KINDS)
    image = adapted(random_model(WORDS, 1, 16), adapter, 1, 12, 128)
    assert not watched(image, load=image.adapters.load(adapter))


@pytest.mark.parametrize("hadamard", [1, 16])
def test_most_rows_that_wait_would_meet_something_too_early(hadamard):
    """The control: a row of the lane that does not wait is found, whatever it waits for."""
    image = die(random_model(WORDS, 3, hadamard))
    kinds, found, waits = set(), 0, 0
    for n, row in enumerate(image.program):
        squares = row.op is Op.VECTOR and image.program[n + 1].op is Op.CONTROL
        if not row.sync or (row.op is Op.CONTROL and row.kind != Kind.ACCUMULATE):
            continue
        program = list(image.program)
        fields = row.fields | {"sync": Sync.FOUND if squares and row.sync == Sync.WRITTEN else Sync.NONE}
        program[n] = dataclasses.replace(row, fields=fields)
        early = watched(dataclasses.replace(image, program=tuple(program)))
        waits += 1
        found += bool(early)
        kinds |= {what for what, _ in early}
    assert kinds == {"word", "found", "accumulate"}
    assert found > 0.9 * waits
