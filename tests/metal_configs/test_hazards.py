"""Rows wait for what they need of rows before them, and for nothing else."""

import pytest

from metal_configs.compile.program.hazards import synchronised
from rtl_gen.golden.vec_isa import (
    Dest,
    Factor,
    Kind,
    Op,
    Reduce,
    Register,
    Row,
    Sync,
    Table,
    Value,
    Walk,
    joining,
    special,
)


def vector(n, a=0, d=64, **fields):
    return Row(Op.VECTOR, {"n": n, "a": a, "d": d, "dest": Dest.MEMORY} | fields)


def waits(*rows, positions=16):
    return [Sync(r.sync) for r in synchronised(rows, positions)]


FINDS = vector(4, reduce=Reduce.LARGEST, to=Register.QUERY, context=1)
OTHER = vector(4, a=200, d=300)


def test_a_long_vector_is_read_behind_itself_and_a_short_one_when_it_is_there():
    assert waits(vector(32), vector(32, a=64, d=128)) == [Sync.NONE, Sync.NONE]
    assert waits(vector(8), vector(8, a=64, d=128)) == [Sync.NONE, Sync.WRITTEN]
    assert waits(vector(8), OTHER, OTHER, vector(8, a=64, d=128))[-1] is Sync.NONE
    assert waits(vector(8), vector(8, a=72, d=128)) == [Sync.NONE, Sync.NONE]


def test_butterflies_read_ahead():
    butterfly = {"b": 64, "walk": Walk.BUTTERFLY, "value": Value.BUTTERFLY}
    assert waits(vector(24), vector(16, a=64, d=128, distance=0, **butterfly))[-1] is Sync.NONE
    assert waits(vector(16), vector(16, a=64, d=128, distance=3, **butterfly))[-1] is Sync.WRITTEN


def test_what_is_found_is_met_in_its_context():
    assert waits(FINDS, vector(4, a=200, plus=Register.QUERY, context=1))[-1] is Sync.FOUND
    assert waits(FINDS, vector(4, a=200, plus=Register.QUERY, context=2))[-1] is Sync.NONE
    assert waits(FINDS, OTHER, OTHER, vector(4, a=200, plus=Register.QUERY, context=1))[-1] is Sync.NONE


@pytest.mark.parametrize(
    ("finds", "meets"),
    [
        ({"reduce": Reduce.SUM}, {"value": Value.DELTA, "special": special(table=Table.NORMAL)}),
        ({"reduce": Reduce.SUM}, {"minus": Register.TWICE}),
        ({"reduce": Reduce.MAXIMUM}, {"value": Value.DELTA, "special": special(table=Table.EXP_DISTANCE)}),
        ({"reduce": Reduce.MAXIMUM}, {"value": Value.DISTANCE}),
        ({"dest": Dest.R}, {"factor": Factor.R}),
        ({"reduce": Reduce.EXPONENTS}, {"plus": Register.LARGEST_VALUE}),
    ],
)
def test_each_thing_that_is_found(finds, meets):
    assert waits(vector(4, **finds), vector(4, a=200, **meets))[-1] is Sync.FOUND
    assert waits(vector(4), vector(4, a=200, **meets))[-1] is Sync.NONE


def test_rows_by_position_may_be_short():
    first = vector(1, by_position=1)
    assert waits(first, vector(1, a=64, d=200, by_position=1))[-1] is Sync.WRITTEN


def test_a_row_by_position_of_three_elements_ends_later_than_one_but_is_followed_as_soon():
    sums = vector(1, by_position=1, reduce=Reduce.SUM, clear=1)
    other = vector(1, a=200, d=300)
    meets = vector(1, a=204, d=304, value=Value.DELTA, special=special(table=Table.NORMAL))
    assert waits(sums, other, other, meets)[-1] is Sync.FOUND
    assert waits(sums, other, other, meets, positions=1)[-1] is Sync.NONE
    assert waits(sums, other, other, other, meets)[-1] is Sync.NONE


def test_a_pass_waits_before_its_steps():
    drain = Row(Op.DRAIN, {"n": 8, "a": 64, "d": 64, "value": Value.JOIN, "dest": Dest.MEMORY})
    begin = Row(Op.DRAIN, drain.fields | {"special": joining(begin=True, high=False, left=0)})
    steps = Row(Op.STEPS, {"n": 4, "drain": 1})
    assert waits(begin, steps, drain, steps) == [Sync.NONE, Sync.NONE, Sync.NONE, Sync.WRITTEN]
    longer = Row(Op.DRAIN, begin.fields | {"n": 32}), Row(Op.DRAIN, drain.fields | {"n": 32})
    assert waits(longer[0], steps, longer[1], steps)[-1] is Sync.NONE


def test_passes_of_many_steps_are_further_apart_than_their_sums():
    begin = joining(begin=True, high=False, left=0)
    made = Row(Op.DRAIN, {"n": 4, "d": 64, "value": Value.JOIN, "special": begin, "dest": Dest.MEMORY})
    other = Row(Op.DRAIN, made.fields | {"d": 200})
    read = Row(Op.DRAIN, {"n": 4, "a": 64, "d": 64, "value": Value.JOIN, "dest": Dest.MEMORY})
    short, long = (Row(Op.STEPS, {"n": n, "drain": 1}) for n in (1, 16))
    assert waits(made, short, other, short, read, short)[-1] is Sync.WRITTEN
    assert waits(made, short, other, long, read, short)[-1] is Sync.NONE
    # What varies with the position has one step at least.
    varies = Row(Op.STEPS, long.fields | {"by_position": 1})
    assert waits(made, short, other, varies, read, short)[-1] is Sync.WRITTEN


def test_a_pass_reads_as_many_words_as_it_has_sums():
    made = vector(4, d=68)
    read = Row(Op.DRAIN, {"n": 4, "a": 64, "d": 200, "value": Value.JOIN, "dest": Dest.MEMORY})
    assert waits(made, read, Row(Op.STEPS, {"n": 4, "drain": 1}))[-1] is Sync.NONE
    assert waits(made, read, Row(Op.STEPS, {"n": 4, "drain": 1, "chunks": 1}))[-1] is Sync.WRITTEN


def test_every_other_word_is_not_the_one_between():
    spread = {"n": 4, "value": Value.JOIN, "walk": Walk.SPREAD, "dest": Dest.MEMORY}
    steps = Row(Op.STEPS, {"n": 4, "drain": 1, "each": 1})
    made = Row(Op.DRAIN, spread | {"d": 64, "special": joining(begin=True, high=False, left=0)})
    for a, sync in ((64, Sync.WRITTEN), (65, Sync.NONE)):
        assert waits(made, steps, Row(Op.DRAIN, spread | {"a": a, "d": 200}), steps)[-1] is sync


def test_the_accumulator_is_set_when_all_before_it_is_over():
    row = Row(Op.CONTROL, {"kind": Kind.ACCUMULATE})
    waited = vector(4, a=200, d=300, sync=Sync.WRITTEN)
    assert waits(FINDS, OTHER, row)[-1] is Sync.FOUND
    assert waits(FINDS, waited, row) == [Sync.NONE, Sync.WRITTEN, Sync.NONE]
    assert waits(FINDS, vector(4, a=200, sync=Sync.FOUND), row)[-1] is Sync.FOUND
    assert waits(vector(4, reduce=Reduce.SUM, sync=Sync.WRITTEN), row)[-1] is Sync.FOUND


def test_the_sequencer_has_waited_for_all_before_it():
    row = Row(Op.CONTROL, {"kind": Kind.ADVANCE, "sync": 1})
    assert waits(FINDS, row, vector(4, a=64, plus=Register.QUERY, context=1))[-1] is Sync.NONE


def test_exponents_that_are_written_to_a_ram_tile_are_there():
    finds = vector(4, reduce=Reduce.LARGEST, to=Register.KEY)
    appended = Row(Op.STEPS, {"n": 1, "append": 1, "write": 1})
    assert waits(finds, appended)[-1] is Sync.FOUND
    assert waits(finds, vector(4, a=200, dest=Dest.RAM_BYTES), appended)[-1] is Sync.NONE
