"""The sequencer: fetches instructions from the ROM, runs their loops, talks to the host."""

__all__ = ["Sequencer"]

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed

from rtl_gen.control import CONTROLS, Count, Dst
from rtl_gen.datapath import ACC_BITS, Element
from rtl_gen.golden.arith import INDEX_BITS, NORMALISE_BITS, NORMALISE_MAX
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import ADVANCE, FIELDS, PAIR, RESTART, ROW_BITS, START_MAXIMUM, Condition, Op, Receive
from rtl_gen.host import HostPort
from rtl_gen.names import NO_SIGNAL


class Sequencer(HostPort):
    """Program counter, loop counters, addresses and the registers that a program branches on.

    Attributes:
        row, row_enable: Out, ROM row register: a row set here is read in the next cycle.
        word: In, what the ROM register holds.
        valid, element: Out, to the datapath.
        op, shift, init, pair, start_maximum: Out, the present instruction's fields.
        busy: In, the datapath still needs them.
        table_valid, table_index: In, a table row to read next.
        accumulator, maximum_index, selected, lane_exponent: In, from the datapath.
        normalise, load_factor, factor_lane, factor_exponent, beta, draw: Out, to the datapath.
    """

    def __init__(self, config: CoreConfig) -> None:
        super().__init__()
        c = self.config = config
        self.row = Signal(c.row_bits, reset_less=True)
        self.row_enable = Signal()
        self.word = Signal(ROW_BITS)
        self.valid = Signal()
        self.element = Signal(Element(c))
        self.op = Signal(Op)
        self.shift = Signal(6)
        self.init = Signal(10)
        self.pair = Signal()
        self.start_maximum = Signal()
        self.busy = Signal()
        self.table_valid = Signal()
        self.table_index = Signal(8)
        self.accumulator = Signal(signed(ACC_BITS))
        self.maximum_index = Signal(c.token_bits)
        self.selected = Signal(c.token_bits)
        self.lane_exponent = Signal(4)
        self.normalise = Signal()
        self.load_factor = Signal()
        self.factor_lane = Signal(2, reset_less=True)
        self.factor_exponent = Signal(signed(6))
        self.beta = Signal(8, reset_less=True)
        self.draw = Signal(c.draw_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        ir = {name: Signal(width, name=f"ir_{name}", reset_less=True) for name, width in FIELDS.items()}
        m.d.comb += [
            self.op.eq(ir["op"]),
            self.shift.eq(ir["sh"]),
            self.init.eq(ir["d"]),
            self.pair.eq((ir["imm"] & PAIR) != 0),
            self.start_maximum.eq((ir["imm"] & START_MAXIMUM) != 0),
        ]
        counter = Signal(c.row_bits)
        position = Signal(c.position_bits)
        token = Signal(c.token_bits, reset_less=True)
        count = Signal(c.position_bits + 1, reset_less=True)
        head = Signal(c.activation_bits)
        generator = Signal(32, reset_less=True)
        stepped = _xorshift(m, generator)
        outer = Signal(max(c.activation_bits, c.residual_bits, c.token_bits), reset_less=True)
        inner = Signal(max(c.position_bits, 4), reset_less=True)

        def read(row: object) -> list[Any]:
            return [self.row.eq(row), self.row_enable.eq(1)]

        m.d.sync += self.row_enable.eq(0)
        with m.If(self.table_valid):
            m.d.sync += read(ir["rom"] + self.table_index[3:])

        address, stop_inner, stop_outer, stream = self._addresses(m, ir, outer, inner, position, token, head)
        shifts = Signal(range(NORMALISE_MAX + 1), reset_less=True)
        index = self.accumulator[NORMALISE_BITS - INDEX_BITS : NORMALISE_BITS]
        normal = Signal()
        m.d.comb += [
            normal.eq(index[-2:].any() | (shifts == NORMALISE_MAX)),
            self.draw.eq(generator & ir["rom"]),
            self.tx_data.eq(token),
        ]
        with m.If(ir["op"] == Op.FACTOR):
            m.d.comb += self.factor_exponent.eq(-self.lane_exponent)
        with m.Elif(ir["op"] == Op.RECIP):
            m.d.comb += self.factor_exponent.eq(shifts << 1)
        with m.Else():
            m.d.comb += self.factor_exponent.eq(shifts)

        with m.FSM():
            with m.State("FETCH"):
                with m.If(~self.table_valid):
                    m.d.sync += read(counter)
                    m.next = "ACCESS"
            with m.State("ACCESS"):
                m.next = "DECODE"
            with m.State("DECODE"):
                with m.If(~self.busy):
                    at = 0
                    for name, width in FIELDS.items():
                        m.d.sync += ir[name].eq(self.word[at : at + width])
                        at += width
                    m.d.sync += [counter.eq(counter + 1), outer.eq(0), inner.eq(0), shifts.eq(0)]
                    m.next = "RUN"
            with m.State("RUN"), m.Switch(ir["op"]):
                with m.Case(Op.BRANCH):
                    m.next = "FETCH"
                    self._branch(m, ir, counter, position, token, count, head)
                with m.Case(Op.RECEIVE):
                    m.d.comb += self.rx_ready.eq(1)
                    with m.If(self.rx_valid):
                        m.next = "FETCH"
                        with m.Switch(ir["imm"]):
                            with m.Case(Receive.SEED):
                                m.d.sync += generator.eq((self.rx_data << 24) | (generator >> 8))
                            with m.Case(Receive.BETA):
                                m.d.sync += self.beta.eq(self.rx_data)
                            with m.Case(Receive.COUNT):
                                m.d.sync += count.eq(self.rx_data)
                            with m.Case(Receive.TOKEN):
                                m.d.sync += [token.eq(self.rx_data), count.eq(count - 1)]
                with m.Case(Op.EMIT):
                    m.d.comb += self.tx_valid.eq(1)
                    with m.If(self.tx_ready):
                        m.next = "FETCH"
                with m.Case(Op.RSQRT, Op.RECIP):
                    with m.If(normal):
                        # Rows before the table's first are not there: indices start at 64.
                        m.d.sync += [*read(ir["rom"] + index[2:]), self.factor_lane.eq(index[:2])]
                        m.next = "FACTOR ACCESS"
                    with m.Else():
                        m.d.comb += self.normalise.eq(1)
                        m.d.sync += shifts.eq(shifts + 1)
                with m.Case(Op.FACTOR):
                    m.d.sync += [*read(ir["rom"] + (token >> 2)), self.factor_lane.eq(token[:2])]
                    m.next = "FACTOR ACCESS"
                with m.Case(Op.DRAW):
                    m.d.sync += generator.eq(stepped)
                    m.next = "DRAW"
                with m.Case(Op.ARGMAX):
                    m.d.sync += token.eq(self.maximum_index)
                    m.next = "FETCH"
                with m.Default():
                    m.d.comb += self.valid.eq(1)
                    m.d.sync += inner.eq(inner + 1)
                    with m.If(stream):
                        m.d.sync += read(address)
                    with m.If(stop_inner):
                        m.d.sync += [inner.eq(0), outer.eq(outer + 1)]
                        with m.If(stop_outer):
                            m.next = "FETCH"
                            with m.If(ir["op"] == Op.SELECT):
                                m.next = "SELECT"
            with m.State("FACTOR ACCESS"):
                m.next = "FACTOR LOAD"
            with m.State("FACTOR LOAD"):
                m.d.comb += self.load_factor.eq(1)
                m.next = "FETCH"
            with m.State("DRAW"):
                m.next = "FETCH"
                with m.If(self.draw.as_unsigned() >= self.accumulator.as_unsigned()):
                    m.d.sync += generator.eq(stepped)
                    m.next = "DRAW"
            with m.State("SELECT"):
                # The last comparison is made one cycle after `busy` falls.
                with m.If(~self.busy):
                    m.next = "SELECT TAKE"
            with m.State("SELECT TAKE"):
                m.d.sync += token.eq(self.selected)
                m.next = "FETCH"
        return m

    def _addresses(
        self, m: Module, ir: Mapping[str, Any], outer: Signal, inner: Signal, position: Signal, token: Signal,
        head: Signal,
    ) -> tuple[Signal, Value, Value, Signal]:  # fmt: skip
        """Fill `element`; returns (ROM row, inner loop ends, outer loop ends, reads the ROM)."""
        c = self.config
        op, e = ir["op"], self.element
        loops = {n: Signal(Count, name=n) for n in ("outer_count", "inner_count")}
        stream = Signal(name=NO_SIGNAL)
        to_cache = Signal()
        with m.Switch(op):
            for key, control in CONTROLS.items():
                with m.Case(key):
                    m.d.comb += [
                        loops["outer_count"].eq(control.outer),
                        loops["inner_count"].eq(control.inner),
                        stream.eq(control.stream),
                        to_cache.eq(control.dst == Dst.CACHE),
                    ]
        n_last = Signal(len(ir["n"]))
        m.d.comb += n_last.eq(ir["n"])  # the field holds the length less one
        ends = []
        for name, value in (("outer_count", outer), ("inner_count", inner)):
            with_last = Signal(name=f"{name}_end")
            with m.Switch(loops[name]):
                for kind, last in (
                    (Count.ONE, 0),
                    (Count.N, n_last),
                    (Count.POSITIONS, position),
                    (Count.TWO, 1),
                ):
                    with m.Case(kind):
                        m.d.comb += with_last.eq(value == last)
            ends.append(with_last)
        is_rope = (op == Op.ROPE_A) | (op == Op.ROPE_KV)
        is_score, is_mix = op == Op.SCORE, op == Op.MIX
        a_index = Mux(is_score, head + inner, Mux(is_rope, (outer & ~1) + inner, outer))
        # KV: base + (position << log2 stride) + element.
        log_stride = Mux(op == Op.ROPE_KV, ir["imm"][4:], ir["imm"][:4])[: c.cache_bits.bit_length()]
        slot = Mux(is_score, outer, Mux(is_mix, inner, position))[: c.position_bits]
        cache = Signal(c.cache_bits)
        m.d.comb += cache.eq(
            Mux(is_mix, ir["a"], ir["d"]) + (slot << log_stride) + Mux(is_score, inner, outer)
        )
        log_head = ir["imm"][:3]
        within = outer[:6] & ((1 << log_head) - 1)[:6]
        offset = Signal(c.row_bits)
        with m.Switch(op):
            with m.Case(Op.MATVEC):
                m.d.comb += offset.eq(outer)
            with m.Case(Op.ROPE_A, Op.ROPE_KV):
                m.d.comb += offset.eq(((position << log_head) >> 1) + (within >> 1))
            with m.Case(Op.EMBED):
                m.d.comb += offset.eq(((token >> 3) << log_head) + outer)
            with m.Default():
                m.d.comb += offset.eq(outer >> 2)
        row = Signal(c.row_bits)
        m.d.comb += [
            row.eq(ir["rom"] + offset),
            e.first.eq((outer == 0) & (inner == 0)),
            e.start.eq(inner == 0),
            e.stop.eq(ends[1]),
            e.a.eq(ir["a"] + a_index),
            e.t.eq(Mux(is_mix, inner, outer)),
            e.x.eq(outer),
            e.cache.eq(cache),
            e.target.eq(Mux(to_cache, cache, ir["d"] + outer + Mux(is_mix, head, 0))),
        ]
        with m.If(is_rope):
            m.d.comb += e.lane.eq((outer[0] << 1) | inner[0])
        with m.Elif(op == Op.EMBED):
            m.d.comb += e.lane.eq(token[:3])
        with m.Else():
            m.d.comb += e.lane.eq(outer[:2])
        return row, ends[1], ends[0], stream

    def _branch(
        self, m: Module, ir: Mapping[str, Any], counter: Signal, position: Signal, token: Signal,
        count: Signal, head: Signal,
    ) -> None:  # fmt: skip
        """Decide a BRANCH, with its side effects."""
        taken = Signal()
        head_next = Signal(len(head))
        m.d.comb += head_next.eq(head + ir["a"])
        with m.Switch(ir["imm"]):
            with m.Case(Condition.ALWAYS):
                m.d.comb += taken.eq(1)
            with m.Case(Condition.PROMPT_LEFT):
                m.d.comb += taken.eq(count != 0)
            with m.Case(Condition.GREEDY):
                m.d.comb += taken.eq(self.beta == 0)
            with m.Case(Condition.END):
                m.d.comb += taken.eq(token == ir["d"])
            with m.Case(Condition.FULL):
                m.d.comb += taken.eq(position == ir["d"])
            with m.Case(Condition.HEAD):
                m.d.comb += taken.eq(head_next != ir["d"])
                m.d.sync += head.eq(Mux(taken, head_next, 0))
        with m.If(taken):
            m.d.sync += counter.eq(ir["rom"])
        with m.If(ir["n"] & RESTART):
            m.d.sync += position.eq(0)
        with m.Elif(ir["n"] & ADVANCE):
            m.d.sync += position.eq(position + 1)


def _xorshift(m: Module, state: Signal) -> Signal:
    """The next state of the generator (rtl_gen.golden.arith.xorshift32)."""
    a = Signal(32)
    b = Signal(32)
    out = Signal(32)
    m.d.comb += [a.eq(state ^ (state << 13)), b.eq(a ^ (a >> 17)), out.eq(b ^ (b << 5))]
    return out
