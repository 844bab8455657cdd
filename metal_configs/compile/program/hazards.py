"""For what each row of a program has to wait: rows follow each other sooner than their results are there."""

__all__ = ["synchronised"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rtl_gen.golden.vec_isa import (
    LINE,
    OF_TILES,
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
)

# Cycles of the lane (rtl_gen/tiles/vec_lane.py, store.py), between elements that are read.
NEXT = 2  # from the last of a row to the first of the next
BESIDE = 3  # from the last sum of a pass to the first of the next
SOUGHT = 4  # from the first sum of a pass to that of the next, and one for each step of this
SHORTEST = 4  # from the first of a vector to the first of the next
FOUND = 12  # from the last to the first that meets what was found
WRITTEN = 16  # from an element to the line in which it can be read again
PASS = 7  # from the last of a vector to the first sum of a pass behind it
STEP = 3  # from the first of a vector to the first step behind it
FED = 14  # from the last of a vector to the first step that reads what it made
KEPT = 15  # from the last to the step that sends the exponents it found

Thing = tuple[str, int]


@dataclass(frozen=True)
class _Past:
    """A row that was begun, in the least time that it can take.

    Attributes:
        first, last: Cycles in which its elements are read.
        late: It may have so many more elements without the next row being later.
        words: Of M, that it writes.
        steady: Its elements are as many as it says, one a cycle.
        found: What it finds.
        vector, feeds: It is no pass; it makes activations.
    """

    first: int
    last: int
    late: int
    words: range
    steady: bool
    found: frozenset[Thing]
    vector: bool
    feeds: bool


def synchronised(rows: Sequence[Row], positions: int) -> tuple[Row, ...]:
    """The rows, each with the least `sync` with which it meets what rows before it make, or that it has.

    A row that takes longer than its least time only lets more time pass, but for a short one, behind which
    the next row waits for M (`late`). Rows that jump wait for all before them, so what follows a label is
    what stands before it, or nothing.

    Args:
        rows: A program, its CONTROL rows already synchronised but for ACCUMULATE.
        positions: The most elements of a row by position.
    """
    out = list(rows)
    past: list[_Past] = []
    for n, row in enumerate(rows):
        if row.op is Op.CONTROL and row.kind == Kind.ACCUMULATE and not _calm(out[n - 1]):
            out[n] = _with(row, Sync.FOUND)
            past = []
        elif row.op is Op.CONTROL and row.sync:
            past = []
        elif row.op is Op.STEPS and row.append:
            if any(_appended(row, past[-1]) < p.last + KEPT for p in past if _keeps(p)):
                out[n] = _with(row, Sync.FOUND)
        elif row.op in (Op.VECTOR, Op.DRAIN):
            of_pass = rows[n + 1] if row.op is Op.DRAIN else row
            first = 0
            if past:
                first = _next(past[-1], row, of_pass)
            if past and row.op is Op.DRAIN:  # a pass begins behind the last element, whenever that is
                past[-1] = replace(past[-1], late=0)
            sync = max(_sync(row, of_pass, first, past, positions), Sync(of_pass.sync))
            if sync:
                at = n + (row.op is Op.DRAIN)
                out[at] = _with(out[at], sync)
                if past:
                    first = max(first, past[-1].last + (WRITTEN if sync is Sync.WRITTEN else FOUND))
                    past[-1] = replace(past[-1], late=0)
                past = [replace(p, found=frozenset()) for p in past] if sync is Sync.FOUND else []
            past.append(_begun(row, of_pass, first, positions))
    return tuple(out)


def _calm(before: Row) -> bool:
    """The accumulator can be set behind a row: all before it is over, and it finds nothing itself."""
    return before.op is Op.VECTOR and before.sync == Sync.WRITTEN and not before.reduce


def _next(before: _Past, row: Row, of_pass: Row) -> int:
    """When the first element behind a row is read at the earliest."""
    if row.op is Op.VECTOR:
        return max(before.last + NEXT, before.first + SHORTEST if before.vector else 0)
    if before.vector:
        return before.last + PASS
    steps = 1 if of_pass.each or of_pass.by_position else of_pass.n
    return max(before.last + BESIDE, before.first + SOUGHT + steps)


def _with(row: Row, sync: Sync) -> Row:
    return replace(row, fields=row.fields | {"sync": int(sync)})


def _keeps(past: _Past) -> bool:
    return not past.found.isdisjoint({("register", Register.KEY), ("register", Register.VALUE)})


def _appended(row: Row, before: _Past) -> int:
    """When the exponents of a key and a value are sent at the earliest."""
    return (before.last + FED if before.feeds else before.first + STEP) + row.n


def _varies(row: Row, of_pass: Row) -> bool:
    """It has an element for each position."""
    return bool(of_pass.chunks if row.op is Op.DRAIN else row.by_position)


def _begun(row: Row, of_pass: Row, first: int, positions: int) -> _Past:
    varies = _varies(row, of_pass)
    least = 1 if varies else row.n
    step = 2 if row.walk == Walk.SPREAD else 1
    most = (positions if varies else row.n) * step
    late = min(most, SHORTEST - NEXT + 1) - least if varies and row.op is Op.VECTOR else 0
    return _Past(
        first, first + least * (2 if row.walk == Walk.PAIR else 1) - 1, late,
        range(row.d, row.d + most, step) if row.dest == Dest.MEMORY else range(0),
        not varies and row.walk not in (Walk.PAIR, Walk.SPREAD), frozenset(_found(row)), row.op is Op.VECTOR,
        row.dest in OF_TILES,
    )  # fmt: skip


def _sync(row: Row, of_pass: Row, first: int, past: Sequence[_Past], positions: int) -> Sync:
    read = list(_words(row, of_pass, positions))
    if any(first < _readable(p, row, words, ahead) for p in past for words, ahead in read):
        return Sync.WRITTEN
    met = set(_met(row))
    if any(first < p.last + p.late + FOUND and met & p.found for p in past):
        return Sync.FOUND
    return Sync.NONE


def _readable(past: _Past, row: Row, words: range, ahead: int) -> int:
    """From when on a row can read some words that another writes."""
    if not _meet(words, past.words):
        return -1
    if past.steady and row.walk != Walk.SPREAD:  # element by element, line by line
        behind = past.first + words.start - past.words.start + ahead + LINE - 1
        return min(behind, past.last) + WRITTEN
    return past.last + past.late + WRITTEN


def _meet(one: range, other: range) -> bool:
    apart = one.step == other.step and (one.start - other.start) % one.step
    return one.start < other.stop and other.start < one.stop and not apart


def _words(row: Row, of_pass: Row, positions: int) -> Iterator[tuple[range, int]]:
    """Words of M that a row reads, and how far before its element."""
    step = 2 if row.walk == Walk.SPREAD else 1
    count = (positions if _varies(row, of_pass) else row.n) * step
    joined = row.value == Value.JOIN and row.special & 1
    if not joined and not _tabled(row, Table.NORMAL):
        yield range(row.a, row.a + count, step), 0
    if row.reads_b:
        yield range(row.b, row.b + count, step), 1 << row.distance if row.walk == Walk.BUTTERFLY else 0


def _tabled(row: Row, table: Table) -> bool:
    return row.value == Value.DELTA and row.special & 3 == table


def _met(row: Row) -> Iterator[Thing]:
    """What a row needs that others find."""
    for number in {row.plus, row.minus, row.minus2} - {Register.ZERO}:
        yield _named(Register(number), row)
    if row.factor == Factor.R:
        yield "r", row.context
    if row.value == Value.DISTANCE or _tabled(row, Table.EXP_DISTANCE):
        yield "maximum", row.context
    if _tabled(row, Table.NORMAL):
        yield "sum", row.context


def _found(row: Row) -> Iterator[Thing]:
    if row.reduce == Reduce.LARGEST:
        yield _named(Register(row.to), row)
    elif row.reduce == Reduce.SUM:
        yield "sum", row.context
    elif row.reduce == Reduce.MAXIMUM:
        yield "maximum", row.context
    elif row.reduce == Reduce.EXPONENTS:
        yield "register", Register.LARGEST_VALUE
    if row.dest == Dest.R:
        yield "r", row.context


def _named(register: Register, row: Row) -> Thing:
    if register is Register.QUERY:
        return "query", row.context
    if register in (Register.SHIFTS, Register.TWICE):
        return "sum", row.context
    return "register", register
