"""Which rows of a program meet what is not yet there, in the golden model's cycles.

Written without a look at `hazards`.
"""

import numpy as np

from rtl_gen.golden.vec import VecModel
from rtl_gen.golden.vec_isa import (
    BLOCK,
    CONTEXTS,
    LINE,
    Dest,
    Factor,
    Kind,
    Op,
    Reduce,
    Register,
    RomWalk,
    Table,
    Value,
    Walk,
)

# Cycles from an element of the lane that is read: to one that can meet what was found, to one that can read
# what was written, to the sequencer's own use of a register (rtl_gen/tiles/vec_lane.py).
FOUND, WRITTEN, KEPT = 12, 16, 15
LOOKED_UP = 4  # to one in which the token may become another
TOKENS = (Kind.RECEIVE_TOKEN, Kind.TOKEN, Kind.ARGMAX)


class Watched(VecModel):
    """A die whose rows are watched.

    Attributes:
        early: (what, row of the program) of all that is met too early: "word", "found", "accumulate",
            "append", or "token", which becomes another.
    """

    def __init__(self, image):
        super().__init__(image)
        self.early = set()
        self._there = np.full(image.memory, -(1 << 40))  # from when on an element can read a word of M
        self._ends = {}  # of what was found: the last element of the row that found it
        self._chunk = 0
        self._takes, self._drains = self.clock.vector, self.clock._pass
        self.clock.vector, self.clock._pass = self._on_vector, self._on_pass

    def _do(self):
        row, now = self.image.program[self._at], self.clock.now
        number = self._at
        self._chunk = 0
        done = super()._do()
        if done and row.op is Op.CONTROL and row.kind == Kind.ACCUMULATE and not row.sync:
            kept = [self._ends.get(("sum", n), -KEPT) for n in range(CONTEXTS)]
            self._expect("accumulate", number, now, max(kept) + KEPT)
            self._expect("accumulate", number, now + 1, self._ends[Register.RESIDUAL] + KEPT)
        elif done and row.op is Op.CONTROL and row.kind in TOKENS and not row.sync:
            self._expect("token", number, now, self._ends.get("token", -LOOKED_UP) + LOOKED_UP)
        elif done and row.op is Op.STEPS and row.append:
            kept = max(self._ends[Register.KEY], self._ends[Register.VALUE])
            self._expect("append", number, self.clock.now - 1, kept + KEPT)
        return done

    def one_token(self, data):
        """Run until a token is said behind these bytes."""
        self._heard.extend((byte, 0) for byte in data)
        while len(self.said_at) < len(data):
            assert self._do()

    def _expect(self, what, number, cycle, there):
        if cycle < there:
            self.early.add((what, number))

    def _on_vector(self, row, n):
        self._takes(row, n)
        self._watch(row, n, 0)

    def _on_pass(self, row, sent, count, column):
        self._drains(row, sent, count, column)
        self._watch(self.clock._pending, count, BLOCK * self._chunk)
        self._chunk += 1

    def _watch(self, row, n, off):
        number, o = self._at - 1, np.arange(n)
        each = 2 if row.walk == Walk.PAIR else 1
        last = self.clock._last
        at = last - each * (n - 1 - o)
        spread = 2 * o if row.walk == Walk.SPREAD else o
        table = Table(row.special & 3) if row.value == Value.DELTA else None
        if not (table is Table.NORMAL or (row.value == Value.JOIN and row.special & 1)):
            far = 1 << row.distance if row.walk == Walk.BUTTERFLY else 0
            self._read(number, row.a + off + (spread & ~far), at)
        if row.reads_b:
            far = 1 << row.distance if row.walk == Walk.BUTTERFLY else 0
            self._read(number, row.b + off + (spread | far), at)
        for thing in self._met(row, table):
            self._expect("found", number, at[0] - each + 1, self._ends.get(thing, -FOUND) + FOUND)
        for thing in self._finds(row):
            self._ends[thing] = last
        if row.rom_walk == RomWalk.TOKEN:
            self._ends["token"] = last
        if row.dest == Dest.MEMORY:
            words = row.d + off + spread
            whole = row.walk in (Walk.PAIR, Walk.SPREAD)
            for line in set(words // LINE):
                inside = words // LINE == line
                self._there[words[inside]] = (last if whole else at[inside].max()) + WRITTEN

    def _read(self, number, words, at):
        """A line is read as its first element is."""
        for line in set(words // LINE):
            inside = words // LINE == line
            self._expect("word", number, at[inside].min(), self._there[words[inside]].max())

    def _met(self, row, table):
        for register in (Register(row.plus), Register(row.minus), Register(row.minus2)):
            of_sum = register in (Register.SHIFTS, Register.TWICE)
            of_context = register is Register.QUERY
            yield ("sum", row.context) if of_sum else ("query", row.context) if of_context else register
        if row.factor == Factor.R:
            yield "r", row.context
        if row.value == Value.DISTANCE or table is Table.EXP_DISTANCE:
            yield "maximum", row.context
        if table is Table.NORMAL:
            yield "sum", row.context

    def _finds(self, row):
        if row.reduce == Reduce.LARGEST:
            yield ("query", row.context) if row.to == Register.QUERY else Register(row.to)
        elif row.reduce == Reduce.SUM:
            yield "sum", row.context
        elif row.reduce == Reduce.MAXIMUM:
            yield "maximum", row.context
        elif row.reduce == Reduce.EXPONENTS:
            yield Register.LARGEST_VALUE
        if row.dest == Dest.R:
            yield "r", row.context


def watched(image, beta=32, load=b""):
    """What is met early in a token at some positions, near and far."""
    early = set()
    request = image.request([1], beta, 1)
    tokens = image.token_bytes
    for position in (0, 1, image.context // 2, image.context - 1):
        vec = Watched(image)
        vec.send(load + request[:-tokens])
        vec.skip_to(position)
        vec.one_token(request[-tokens:])
        early |= vec.early
    return early
