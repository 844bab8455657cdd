"""A row of the program for the array, turned into steps: one a cycle, and when their sums may come."""

__all__ = ["COLUMN_BITS", "Issue"]

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.vec_isa import BLOCK, LANE, STEPS, Place, Write, X
from rtl_gen.golden.vec_time import FEWEST, LANE_GAP
from rtl_gen.tiles.vec_steps import Order, Source

COLUMN_BITS = BLOCK.bit_length() - 1
CHUNK_BITS = LANE["n"] - COLUMN_BITS


class StepsRow(data.StructLayout):
    """A row of the program for the array."""

    def __init__(self) -> None:
        super().__init__(dict(STEPS))


class Issue(wiring.Component):
    """Does one row after another.

    Args:
        rom_rows: Rows of rom tiles.
        row_step: Between rows of a rom tile that can be addressed.

    Attributes:
        row, go, done: The row that is to be done, and that it has been.
        busy: It has begun.
        position, chunk_rows, token, token_rows: What is added to its addresses.
        packed: Exponents of a key and a value, as a byte.
        sums, pause: Of a pass that the lane takes, and idle cycles that it needs behind them.
        holds: Activations are still written.
        waits: The lane has not taken up the last commit yet, or works on a vector.
        host: Bytes of the host, for rows that write them.
        fetch: Of a row that sends bytes: the word of A of `order` is read, whatever else that says.
        says, high, said: Its byte is at hand, it is the upper one of its word, it is taken.
        commit: The last step of a pass leaves: in a fixed time its first sum is here.
        count, offset: Behind a commit, how many sums the lane takes, and what it adds to its addresses.
        order: Steps.
    """

    def __init__(self, rom_rows: int, row_step: int) -> None:
        self.rom_rows, self.row_step = rom_rows, row_step
        super().__init__(
            {
                "row": In(StepsRow()), "go": In(1), "done": Out(1), "busy": Out(1), "position": In(LANE["n"]),
                "chunk_rows": In(STEPS["row"]), "token": In(16), "token_rows": In(STEPS["row"]),
                "packed": In(8), "sums": In(LANE["n"]), "pause": In(2),
                "waits": In(1), "holds": In(1), "host": In(stream.Signature(8)), "commit": Out(1),
                "fetch": Out(1), "says": Out(1), "high": Out(1), "said": In(1),
                "count": Out(LANE["n"]),
                "offset": Out(LANE["a"]), "order": Out(Order()),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        row: Any = self.row
        order = self.order
        base = Signal(STEPS["row"], reset_less=True)
        column = Signal(COLUMN_BITS, reset_less=True)
        t = Signal(STEPS["n"], reset_less=True)
        length = Signal(STEPS["n"], reset_less=True)
        chunk = Signal(CHUNK_BITS, reset_less=True)
        rom = row.only <= self.rom_rows
        left = Signal(LANE["n"], reset_less=True)  # positions in this chunk and behind
        # Registers, as there is a cycle for them between PLACE and RUN: how many sums the lane takes of a
        # pass, and how long it does.
        last_chunk = Signal(reset_less=True)
        count = Signal(LANE["n"], reset_less=True)
        taking = Signal(LANE["n"] + 1, reset_less=True)
        taken = Mux(row.chunks & (left <= BLOCK), left, self.sums)
        m.d.sync += [
            last_chunk.eq(~row.chunks | (left <= BLOCK)), count.eq(taken),
            taking.eq(Mux(taken < FEWEST, FEWEST, taken) + LANE_GAP + self.pause),
        ]  # fmt: skip
        # Cycles until the lane can take sums, and until tiles that a pass does not address send none.
        gap = Signal(LANE["n"] + 1)
        tail = Signal(LANE["n"])
        before = Signal.like(row.only, reset_less=True)
        for counter in (gap, tail):
            with m.If(counter != 0):
                m.d.sync += counter.eq(counter - 1)
        ready = (gap == 0) & ~self.waits & ((tail == 0) | (row.only == before))
        bytes_ = (row.x == X.BYTES) | (row.write != Write.NONE)
        end = t == length - 1
        word = Signal(STEPS["offset"])
        m.d.comb += [
            order.only.eq(row.only), word.eq(row.offset + Mux(bytes_, t >> 1, t)), self.high.eq(t[0]),
        ]  # fmt: skip
        with m.If(self.go):
            m.d.sync += self.busy.eq(~self.done)
            with m.FSM(name="steps"):
                with m.State("PLACE"):
                    m.d.sync += [base.eq(row.row), column.eq(row.column), t.eq(0), chunk.eq(0)]
                    m.d.sync += left.eq(self.position + 1)
                    m.d.sync += length.eq(Mux(row.by_position, self.position + 1, row.n))
                    with m.Switch(row.place):
                        with m.Case(Place.TOKEN):
                            m.d.sync += [
                                base.eq(row.row + self.token_rows), column.eq(self.token[:COLUMN_BITS]),
                            ]  # fmt: skip
                        with m.Case(Place.POSITION):
                            m.d.sync += base.eq(row.row + self.position)
                        with m.Case(Place.CHUNK):
                            m.d.sync += base.eq(row.row + self.chunk_rows)
                    with m.If(row.at_position):
                        m.d.sync += column.eq(self.position[:COLUMN_BITS])
                    m.next = "SEEK"
                    with m.If(row.write == Write.SEND):
                        m.next = "FETCH"
                    with m.Elif(row.write != Write.NONE):
                        m.next = "SELECT"
                with m.State("SELECT"):
                    m.d.comb += [order.valid.eq(1), order.source.eq(Source.LITERAL), order.one.eq(1)]
                    m.next = "SEEK"
                with m.State("SEEK"):
                    low = base >> (self.row_step.bit_length() - 1)
                    m.d.comb += [
                        order.valid.eq(1), order.source.eq(Source.LITERAL), order.seek.eq(1),
                        order.at.eq(Cat(column, Mux(rom, low, base))),
                        Cat(order.row, order.first, order.last, order.one).eq(Mux(rom, row.plane, 0)),
                    ]  # fmt: skip
                    m.next = "RUN"
                with m.State("RUN"):
                    takes = (row.drain & (end | row.each & (t == 0))) & ~(row.each & (t != 0))
                    of_host = row.x == X.HOST
                    go = ~self.holds & (~takes | ready)
                    m.d.comb += self.host.ready.eq(go & of_host)
                    with m.If(go & (~of_host | self.host.valid)):
                        m.d.comb += order.valid.eq(1)
                        m.d.sync += t.eq(t + 1)
                        with m.If(takes):
                            m.d.comb += self.commit.eq(1)
                            m.d.sync += [
                                self.count.eq(count), self.offset.eq(chunk << COLUMN_BITS),
                                gap.eq(taking),
                                tail.eq(Mux(row.each, row.n, BLOCK - column)),
                                before.eq(row.only),
                            ]  # fmt: skip
                        with m.If(end):
                            m.next = "PLACE"
                            with m.If(row.append):
                                m.next = "APPEND"
                            with m.Elif(~last_chunk):
                                m.d.sync += [
                                    chunk.eq(chunk + 1), base.eq(base + row.stride), t.eq(0),
                                    left.eq(left - BLOCK),
                                ]  # fmt: skip
                                m.next = "SEEK"
                            with m.Else():
                                m.d.comb += self.done.eq(1)
                    with m.If(row.write != Write.NONE):
                        m.d.comb += [
                            order.first.eq(row.write == Write.DOWN),
                            order.last.eq(row.write == Write.ALONG),
                        ]
                    with m.Else():
                        m.d.comb += [
                            order.row.eq(1), order.first.eq((t == 0) | row.each),
                            order.last.eq(end | row.each),
                            order.one.eq(row.each),
                        ]  # fmt: skip
                    m.d.comb += order.at.eq(word)
                    with m.If(of_host):
                        m.d.comb += [order.source.eq(Source.LITERAL), order.at.eq(self.host.payload)]
                    with m.Elif(bytes_):
                        m.d.comb += order.source.eq(Mux(t[0], Source.HIGH, Source.LOW))
                    with m.Else(), m.Switch(row.x):
                        with m.Case(X.LOW):
                            m.d.comb += order.source.eq(Source.LOW)
                        with m.Case(X.HIGH):
                            m.d.comb += order.source.eq(Source.HIGH)
                        with m.Case(X.ONE0, X.ONE1):
                            m.d.comb += [
                                order.source.eq(Source.LITERAL),
                                order.at.eq(Mux(row.x == X.ONE1, 256, 1)),
                            ]
                # Two bytes that are sent: their word is read until both are taken, as nothing keeps it.
                with m.State("FETCH"):
                    m.d.comb += [order.at.eq(word), self.fetch.eq(~self.holds)]
                    with m.If(self.fetch):
                        m.next = "READ"
                with m.State("READ"):
                    m.d.comb += [order.at.eq(word), self.fetch.eq(1)]
                    m.next = "SAY"
                with m.State("SAY"):
                    m.d.comb += [order.at.eq(word), self.fetch.eq(1), self.says.eq(1)]
                    with m.If(self.said):
                        m.d.sync += t.eq(t + 1)
                        with m.If(end):
                            m.d.comb += self.done.eq(1)
                            m.next = "PLACE"
                        with m.Elif(t[0]):
                            m.next = "FETCH"
                with m.State("APPEND"):
                    m.d.comb += [
                        order.valid.eq(1), order.source.eq(Source.LITERAL), order.at.eq(self.packed),
                        order.first.eq(row.write == Write.DOWN), order.last.eq(row.write == Write.ALONG),
                        self.done.eq(1),
                    ]  # fmt: skip
                    m.next = "PLACE"
        return m
