"""What an element of the lane becomes before it is multiplied."""

__all__ = ["operands", "scaled", "table_entry"]

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, signed

from rtl_gen.golden.formats import DISTANCE, EXPONENTIAL, SCORE_FRACTION, SUM, WORD
from rtl_gen.golden.vec_isa import Element, Factor, Table, Value
from rtl_gen.golden.vec_tables import LEADING, SIGMOID_REST
from rtl_gen.golden.vector import EXP_INDEX, REST
from rtl_gen.tiles.vec_totals import Totals


def table_entry(
    m: Module, totals: Totals, row: Any, a: Signal, index: Signal, rest: Signal, late: Signal
) -> Signal:
    """Which entry, where behind it, and how far an exponential is shifted; returns the distance."""
    table, align = row.special[:2], row.special[2:]
    size = Signal(SUM)
    limit = Signal(WORD)
    wide = Signal(WORD)
    m.d.comb += [
        size.eq(Mux(a < 0, -a, a)), limit.eq((0x8000 >> align) - 1),
        wide.eq(Mux(size > limit, limit, size) << align),
    ]  # fmt: skip
    beyond = Signal(signed(SUM + 1))
    distance = Signal(DISTANCE)
    most = (1 << DISTANCE) - 1
    m.d.comb += [
        beyond.eq(Array(totals.maximum)[row.context] - a),
        distance.eq(Mux(table == Table.EXP, a, Mux(beyond > most, most, beyond))),
    ]  # fmt: skip
    bits = SCORE_FRACTION - EXP_INDEX
    normal = Array(totals.normal)[row.context]
    with m.Switch(table):
        with m.Case(Table.SIGMOID):
            m.d.comb += [index.eq(wide >> SIGMOID_REST), rest.eq(wide[:SIGMOID_REST])]
        with m.Case(Table.NORMAL):
            m.d.comb += [index.eq(normal[REST:] - (1 << (LEADING - 2))), rest.eq(normal[:REST])]
        with m.Default():
            m.d.comb += [index.eq(distance[bits:SCORE_FRACTION]), rest.eq(distance[:bits])]
    far = distance[SCORE_FRACTION:]
    m.d.comb += late.eq(Mux(far > EXPONENTIAL, EXPONENTIAL, far))
    return beyond


def scaled(m: Module, row: Any, total: Signal) -> Signal:
    """A sum that came, as it is joined with those of other planes."""
    out = Signal(signed(SUM))
    m.d.comb += out.eq(Mux(row.special[1], total >> 2, total) << row.special[2:])
    return out


def operands(
    m: Module, totals: Totals, beta: Signal, row: Any, now: dict[str, Signal], word: Signal, words: Signal,
    value: Signal, factor: Signal,
) -> None:  # fmt: skip
    """Operands of the multiplier, registered."""
    a, b = now["a"], now["b"]
    joined = Signal(signed(SUM))
    m.d.comb += joined.eq(Mux(row.special[0], 0, a) + now["sum"])
    with m.Switch(row.value):
        with m.Case(Value.JOIN):
            m.d.sync += value.eq(joined)
        with m.Case(Value.DISTANCE):
            m.d.sync += value.eq(now["far"])
        with m.Case(Value.BUTTERFLY):
            m.d.sync += value.eq(Mux(now["upper"], a - b, a + b))
        with m.Case(Value.DELTA):
            m.d.sync += value.eq(words[WORD:].as_signed())
        with m.Default():
            m.d.sync += value.eq(a)
    turned = word.as_signed()
    with m.If(row.value == Value.DELTA):
        m.d.sync += factor.eq(now["rest"])
    with m.Else(), m.Switch(row.factor):
        with m.Case(Factor.ONE):
            m.d.sync += factor.eq(1)
        with m.Case(Factor.ROM):
            m.d.sync += factor.eq(word[:12].as_signed())
        with m.Case(Factor.ROTARY):
            m.d.sync += factor.eq(Mux(now["minus"], -turned, turned))
        with m.Case(Factor.R):
            m.d.sync += factor.eq(Array(totals.r)[row.context])
        with m.Case(Factor.B):
            m.d.sync += factor.eq(Mux(row.element == Element.KEY, b >> 4, b))
        with m.Case(Factor.A):
            m.d.sync += factor.eq(a)
        with m.Case(Factor.SIGMOID):
            m.d.sync += factor.eq(Mux(a < 0, (1 << (WORD - 1)) - b, b))
        with m.Case(Factor.BETA):
            m.d.sync += factor.eq(beta)
