"""Key/value memory, cycles, tokens a second and energy of a model on a chain of dies."""

__all__ = ["SLOW", "TYPICAL", "bank_ns", "memory_lines", "speed_lines"]

from collections.abc import Mapping as Table

import numpy as np

from base_chip.bank import BankSpec
from base_chip.bank.liberty import bit_line_arc
from base_chip.bank.timing import BankTiming, load_timing
from base_chip.planned import PlannedBase
from flow.planning.lines import Line
from metal_configs.multi_die import Mapping, Piece
from metal_configs.multi_die.mapping import KV_BITS
from rtl_gen.golden.shape import Shape

RESIDUAL_BYTES = 2
SLOW, TYPICAL = "ss_n40C_1v40", "tt_025C_1v80"
SLEW_NS = 0.5  # of a word line; a slower one adds less than 0.1 ns a ns to the read


def memory_lines(shape: Shape, base: PlannedBase, mapping: Mapping, context: int) -> list[Line]:
    """Keys and values of all layers."""
    total = 2 * shape.layers * context * shape.kv_dim * KV_BITS
    g = "keys and values"
    return [
        Line(
            g, "for the context", total, "bit",
            f"2 * {shape.layers} layers * {context} positions * {shape.kv_dim} * {KV_BITS} bits",
        ),
        Line(
            g, "on the fullest die", max(mapping.kv_bits), "bit",
            f"of {base.kv_bits}, kv_bit um2 each; flip-flops, as in nano, would take kv_bit_flipflop",
            ("kv_bit", "kv_bit_flipflop"),
        ),
    ]  # fmt: skip


def _cycles(shape: Shape, base: PlannedBase, pieces: tuple[Piece, ...], context: int) -> tuple[float, float]:
    """Cycles a token of one die: ROM rows, and attention."""
    per_bank = base.rom.word_lines * base.rom.mux
    rows = attention = 0.0
    for p in pieces:
        kind = p.matrix.name.rpartition(".")[2]
        if kind == "embed" and not shape.tied:
            rows += per_bank if p.first == 0 else 0  # one output is looked up: its pass lies on many engines
            continue
        bank = np.arange(p.row // per_bank, (p.end - 1) // per_bank + 1)
        held = np.minimum(p.end, (bank + 1) * per_bank) - np.maximum(p.row, bank * per_bank)
        rows += float(np.bincount(bank % base.engines, held).max())
        if kind in ("k", "v"):
            attention += shape.q_dim * context / base.attention_lanes * p.outputs / shape.kv_dim
    return rows, attention


def speed_lines(
    shape: Shape, base: PlannedBase, mapping: Mapping, context: int, c: Table[str, float]
) -> list[Line]:
    """From the bank's timing to tokens a second, and the energy of reading the ROM."""
    each = [_cycles(shape, base, pieces, context) for pieces in mapping.dies]
    dies, hop = len(each), shape.dim * RESIDUAL_BYTES / base.link_bytes
    rows, attention = (sum(e[k] for e in each) for k in (0, 1))
    cycles, slowest = rows + attention + dies * hop, max(a + b + hop for a, b in each)
    spec = BankSpec.of(base.rom, base.pdk)
    timing = load_timing(spec)
    table = f"timing_{spec.name}.json"
    precharge, read_out = bank_ns(timing, SLOW, c["bit_line_load"])
    typical = bank_ns(timing, TYPICAL, c["bit_line_load"])
    hertz = 1e9 / (2 * max(precharge, read_out + c["read_logic"]))
    hertz_typical = 1e9 / (2 * max(typical[0], typical[1] + c["read_logic_typical"]))
    read = sum(m.passes * m.rows_a_pass for m in mapping.matrices if m.name != "embed" or shape.tied)
    gates = timing.corners[TYPICAL].word_line_ff + timing.corners[TYPICAL].precharge_ff
    charged = base.rom.bit_lines * c["ones"] * (c["bit_line"] + c["bit_line_load"]) + gates
    millijoule = read * charged * 1e-15 * c["supply"] ** 2 * 1e3
    g = "speed and energy"
    return [
        Line(g, "bank's precharge", precharge, "ns", f"{table}, {SLOW}: least low pulse of PRE_N, any load"),
        Line(
            g, "bank's read", read_out, "ns",
            f"{table}, {SLOW}: word line to bit line, {SLEW_NS} ns, bit_line_load", ("bit_line_load",),
        ),
        Line(
            g, "clock", hertz / 1e6, "MHz",
            f"1 / (2 max(bank's precharge, bank's read + read_logic)), {SLOW}",
            ("read_logic",),
        ),
        Line(
            g, "clock of typical silicon", hertz_typical / 1e6, "MHz",
            f"the same of {TYPICAL}: max({typical[0]:.1f}, {typical[1]:.1f} + read_logic_typical)",
            ("read_logic_typical",),
        ),
        Line(
            g, "cycles of ROM rows", rows, "",
            "for each matrix, the most rows that one engine of a die reads, one a cycle",
        ),
        Line(
            g, "cycles of attention", attention, "",
            f"2 * {shape.layers} * {shape.q_dim} * {context} / {base.attention_lanes} lanes, last position",
        ),
        Line(
            g, "cycles between dies", dies * hop, "",
            f"{dies} hops of {shape.dim} * {RESIDUAL_BYTES} bytes / {base.link_bytes} a cycle",
        ),
        Line(g, "cycles a token", cycles, "", "sum of the three"),
        Line(g, "tokens/s of one stream", hertz / cycles, "1/s", "clock / cycles a token"),
        Line(
            g, "tokens/s pipelined", hertz / slowest, "1/s",
            f"clock / {slowest:.0f} cycles of the slowest die; {dies} streams share the memory above",
        ),
        Line(
            g, "ROM energy a token", millijoule, "mJ",
            f"{read} rows * ({base.rom.bit_lines} ones (bit_line + bit_line_load) + {gates:.0f} fF of WL and"
            " PRE_N) * supply^2",
            ("ones", "bit_line", "bit_line_load", "supply"),
        ),
        Line(g, "ROM power, one stream", millijoule * hertz / cycles, "mW", "ROM energy a token * tokens/s"),
    ]  # fmt: skip


def bank_ns(timing: BankTiming, corner: str, load_ff: float) -> tuple[float, float]:
    """A bank's least precharge, and its read as liberty states it, in a corner."""
    found = timing.corners[corner]
    delay, _ = bit_line_arc(found, "fall")
    return found.precharge_ns, float(
        np.interp(load_ff, timing.loads_ff, delay[timing.slews_ns.index(SLEW_NS)])
    )
