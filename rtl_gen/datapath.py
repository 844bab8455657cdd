"""Memories, engine and the arithmetic pipeline.

Stages, one element a cycle: 1 operands, 2 multiply (and engine), 3 accumulate, 4 shift, round,
saturate, write. The ROM row of an element is read in stage 1, or in stage 2 for a table.
"""

__all__ = ["Datapath", "Element"]

from amaranth.hdl import Array, Cat, Elaboratable, Module, Mux, Signal, signed, unsigned
from amaranth.lib.data import StructLayout

from rtl_gen.control import CONTROLS, Dst, SrcA, SrcB
from rtl_gen.engine import Engine
from rtl_gen.golden.arith import LANE_EXPONENT_BITS, LANE_MANTISSA_BITS, NORMALISE_BITS
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.decoder import SQUARE_SHIFT
from rtl_gen.golden.isa import ROW_BITS, Op
from rtl_gen.memory import ReadWriteMemory
from rtl_gen.names import NO_SIGNAL

ACC_BITS = NORMALISE_BITS + 1
X_BITS = 16
LANE_BITS = LANE_MANTISSA_BITS + LANE_EXPONENT_BITS


def Element(config: CoreConfig) -> StructLayout:
    """What the sequencer issues for one element.

    first: the instruction's first element; start, stop: first and last step of the inner loop;
    a: address in A, engine column; t: address in T; x: address in X; cache: address in KV;
    target: destination address; lane: lane, byte or pair of the ROM row.
    """
    target = max(config.activation_bits, config.residual_bits, config.cache_bits)
    return StructLayout(
        {
            "first": 1,
            "start": 1,
            "stop": 1,
            "a": max(config.activation_bits, (config.columns - 1).bit_length()),
            "t": config.scratch_bits,
            "x": config.residual_bits,
            "cache": config.cache_bits,
            "target": target,
            "lane": 3,
        }
    )


class Datapath(Elaboratable):
    """Executes the elements of vector instructions.

    Attributes:
        op, shift, init, pair, start_maximum: In, fields of the present instruction; held until
            `busy` falls.
        valid, element: In, one element.
        row: In, the ROM row register's contents, captured at the end of an access.
        table_valid, table_index: Out, the byte to look up for an element one cycle old.
        busy: Out, stages 1 to 3 hold an element: the instruction must not change yet.
        beta: In, inverse temperature.  draw: In, the drawn number.
        normalise: In, shift ACC left by two.
        load_factor, factor_lane, factor_exponent: In, take R from the ROM row and E as given.
        accumulator: Out, ACC.  maximum_index: Out.  selected: Out, result of SELECT.
        lane_mantissa, lane_exponent: Out, of lane `factor_lane` of the row.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.op = Signal(Op)
        self.shift = Signal(6)
        self.init = Signal(10)
        self.pair = Signal()
        self.start_maximum = Signal()
        self.valid = Signal()
        self.element = Signal(Element(config))
        self.row = Signal(ROW_BITS)
        self.table_valid = Signal()
        self.table_index = Signal(8)
        self.busy = Signal()
        self.beta = Signal(8)
        self.draw = Signal(config.draw_bits)
        self.normalise = Signal()
        self.load_factor = Signal()
        self.factor_lane = Signal(2)
        self.factor_exponent = Signal(signed(6))
        self.lane_exponent = Signal(LANE_EXPONENT_BITS)
        self.accumulator = Signal(signed(ACC_BITS), reset_less=True)
        self.maximum_index = Signal(config.token_bits, reset_less=True)
        self.selected = Signal(config.token_bits, reset_less=True)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.a = mem_a = ReadWriteMemory(signed(8), c.activations)
        m.submodules.t = mem_t = ReadWriteMemory(unsigned(8), c.scratch)
        m.submodules.x = mem_x = ReadWriteMemory(signed(X_BITS), c.residual)
        m.submodules.cache = mem_kv = ReadWriteMemory(signed(8), c.cache)
        m.submodules.engine = engine = Engine(c.columns, c.column_bits)
        ctl = self._decode(m)

        valid = [Signal(name=f"valid{i}") for i in range(1, 5)]
        element = [Signal(Element(c), name=f"element{i}", reset_less=True) for i in range(1, 5)]
        m.d.sync += [valid[0].eq(self.valid), element[0].eq(self.element)]
        for i in range(3):
            m.d.sync += [valid[i + 1].eq(valid[i]), element[i + 1].eq(element[i])]
        m.d.comb += self.busy.eq(Cat(valid[:3]).any())
        e1, e2, e3, e4 = element

        # Stage 1: operands.
        x_read, t_read = mem_x.read_data, mem_t.read_data
        a_read = mem_a.read_data
        maximum = Signal(signed(X_BITS), reset_less=True)
        factor = Signal(signed(LANE_MANTISSA_BITS), reset_less=True)
        exponent = Signal(signed(6), reset_less=True)
        m.d.comb += [
            mem_a.read_address.eq(e1.a),
            mem_t.read_address.eq(e1.t),
            mem_x.read_address.eq(Mux(ctl["dst"] == Dst.X_ADD, e4.target, e1.x)),
            mem_kv.read_address.eq(e1.cache),
        ]
        operand_a = Signal(signed(c.operand_bits), reset_less=True)
        operand_b = Signal(signed(LANE_MANTISSA_BITS), reset_less=True)
        even = Array(engine.sums[0::2])[e1.a[: (c.columns // 2 - 1).bit_length()]]
        halves = e1.a[1 : (c.columns - 1).bit_length()]
        single = Mux(e1.a[0], Array(engine.sums[1::2])[halves], Array(engine.sums[0::2])[halves])
        odd = Array(engine.sums[1::2])[e1.a[: (c.columns // 2 - 1).bit_length()]]
        column = Signal(signed(c.operand_bits))
        m.d.comb += column.eq(Mux(self.pair, (even << 3) + odd, single))
        with m.Switch(ctl["a"]):
            for source, value in (
                (SrcA.A, a_read),
                (SrcA.A_UNSIGNED, a_read.as_unsigned()),
                (SrcA.T_UNSIGNED, t_read),
                (SrcA.X, x_read),
                (SrcA.DISTANCE, maximum - x_read),
                (SrcA.COLUMN, column),
                (SrcA.R, factor),
            ):
                with m.Case(source):
                    m.d.sync += operand_a.eq(value)
        with m.Switch(ctl["b"]):
            for source_b, value in (
                (SrcB.CACHE, mem_kv.read_data),
                (SrcB.T, t_read.as_signed()),
                (SrcB.X, x_read >> SQUARE_SHIFT),
                (SrcB.R, factor),
                (SrcB.BETA, self.beta),
                (SrcB.ONE, 1),
            ):
                with m.Case(source_b):
                    m.d.sync += operand_b.eq(value)
        byte_in = Mux(ctl["distance"], (maximum - t_read)[:8], a_read.as_unsigned())
        m.d.comb += [
            self.table_valid.eq(valid[0] & ctl["table"]),
            self.table_index.eq(byte_in),
        ]
        table_lane = [Signal(3, name=f"table_lane{i}", reset_less=True) for i in (2, 3)]
        m.d.sync += [table_lane[0].eq(self.table_index[:3]), table_lane[1].eq(table_lane[0])]

        # Stage 2: multiply.
        lane_at = Mux(self.load_factor, self.factor_lane, e2.lane[:2])
        lane = self.row.word_select(lane_at, LANE_BITS)
        mantissa = lane[:LANE_MANTISSA_BITS].as_signed()
        m.d.comb += self.lane_exponent.eq(lane[LANE_MANTISSA_BITS:])
        digits = self.row.word_select(e2.lane, 8)
        weight = Signal(signed(8))
        m.d.comb += weight.eq((digits[:4].as_signed() << 3) + digits[4:].as_signed())
        second = Signal(signed(LANE_MANTISSA_BITS))
        m.d.comb += second.eq(operand_b)
        with m.If(ctl["b"] == SrcB.LANE):
            m.d.comb += second.eq(mantissa)
        with m.Elif(ctl["b"] == SrcB.PAIR):
            m.d.comb += second.eq(weight)
        product = Signal(signed(ACC_BITS - 1), reset_less=True)
        shift3 = Signal(6, reset_less=True, name=NO_SIGNAL)
        shift4 = Signal(5, reset_less=True)
        m.d.sync += [
            product.eq(operand_a * second),
            shift3.eq(
                self.shift
                + Mux(ctl["lane_shift"], self.lane_exponent, 0)
                - Mux(ctl["scalar_shift"], exponent, 0)
            ),
            shift4.eq(shift3 - 1),
        ]
        with m.If(self.load_factor):
            m.d.sync += [factor.eq(mantissa), exponent.eq(self.factor_exponent)]
        m.d.comb += [
            engine.activation.eq(operand_a[:8].as_signed()),
            engine.weights.eq(self.row),
            engine.enable.eq(valid[1] & (self.op == Op.MATVEC)),
            engine.first.eq(e2.first),
        ]

        # Stage 3: accumulate.
        looked_up = Signal(8, reset_less=True)
        table_byte = self.row.word_select(table_lane[1], 8)
        start = Mux(ctl["running"], e3.first, e3.start)
        base = Mux(start, Mux(self.op == Op.SUMSQ, self.init, 0), self.accumulator)
        with m.If(valid[2]):
            m.d.sync += [
                self.accumulator.eq(base + Mux(ctl["table"], table_byte, product)),
                looked_up.eq(table_byte),
            ]
        with m.Elif(self.normalise):
            m.d.sync += self.accumulator.eq(self.accumulator << 2)

        # Stage 4: shift, round, saturate, write.
        shifted = Signal(signed(ACC_BITS + 1))
        m.d.comb += shifted.eq(((self.accumulator >> shift4) + 1) >> 1)
        byte = Signal(8)
        word = Signal(signed(X_BITS))
        m.d.comb += word.eq(_saturate(shifted, X_BITS))
        with m.If(ctl["table"]):
            m.d.comb += byte.eq(looked_up)
        with m.Elif(ctl["unsigned"]):
            m.d.comb += byte.eq(Mux(shifted < 0, 0, Mux(shifted[8:].any(), 255, shifted[:8])))
        with m.Else():
            m.d.comb += byte.eq(_saturate(shifted, 8))
        write = Signal()
        m.d.comb += write.eq(valid[3] & e4.stop)
        for memory, dst in (
            (mem_a, (Dst.A,)),
            (mem_t, (Dst.T,)),
            (mem_kv, (Dst.CACHE,)),
            (mem_x, (Dst.X, Dst.X_ADD)),
        ):
            chosen = Signal()
            m.d.comb += [
                chosen.eq(Cat(ctl["dst"] == d for d in dst).any()),
                memory.write_enable.eq(write & chosen),
                memory.write_address.eq(e4.t if memory is mem_t else e4.target),
                memory.write_data.eq(byte),
            ]
        total = Mux(ctl["dst"] == Dst.X_ADD, x_read, 0) + word
        m.d.comb += mem_x.write_data.eq(_saturate(total, X_BITS))
        candidate = Signal(signed(X_BITS))
        m.d.comb += candidate.eq(Mux(ctl["dst"] == Dst.T, byte.as_signed(), word))
        # The first result of an instruction that starts a maximum is one whatever came before.
        fresh = Signal(reset_less=True)
        with m.If(write & ctl["maximum"]):
            m.d.sync += fresh.eq(0)
            with m.If((fresh & self.start_maximum) | (candidate > maximum)):
                m.d.sync += [maximum.eq(candidate), self.maximum_index.eq(e4.target)]
        found = Signal(reset_less=True)
        with m.If(valid[3] & (self.op == Op.SELECT)):
            with m.If((~found | e4.first) & (self.accumulator > self.draw)):
                m.d.sync += [self.selected.eq(e4.x), found.eq(1)]
            with m.Elif(e4.first):
                m.d.sync += found.eq(0)
        with m.If(self.valid & self.element.first):
            m.d.sync += fresh.eq(1)
        return m

    def _decode(self, m: Module) -> dict[str, Signal]:
        """Control signals of the present instruction."""
        ctl = {
            "a": Signal(SrcA),
            "b": Signal(SrcB),
            "dst": Signal(Dst),
            "table": Signal(),
            "distance": Signal(),
            "running": Signal(),
            "lane_shift": Signal(),
            "scalar_shift": Signal(),
            "unsigned": Signal(),
            "maximum": Signal(),
        }
        m.d.comb += ctl["distance"].eq(self.op == Op.EXP_T)
        with m.Switch(self.op):
            for op, control in CONTROLS.items():
                with m.Case(op):
                    m.d.comb += [
                        signal.eq(getattr(control, name))
                        for name, signal in ctl.items()
                        if name != "distance"
                    ]
        return ctl


def _saturate(value: Signal, bits: int) -> Signal:
    """Signed saturation as an expression."""
    top = value[bits - 1 :]
    limit = Cat((~value[-1]).replicate(bits - 1), value[-1])
    return Mux(top.all() | ~top.any(), value[:bits], limit).as_signed()
