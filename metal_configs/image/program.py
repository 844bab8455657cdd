"""The sequencer's program for one model: the decoder as a list of instructions."""

__all__ = ["Program", "write_program"]

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from metal_configs.image.rows import RowAllocator, bytes_to_rows, weights_to_rows
from rtl_gen.golden.arith import TABLE_FIRST
from rtl_gen.golden.decoder import RECIP_SHIFT
from rtl_gen.golden.factors import Factors, pack_lanes
from rtl_gen.golden.isa import ADVANCE, PAIR, RESTART, START_MAXIMUM, Condition, Instruction, Op, Receive
from rtl_gen.golden.params import IntLayer, IntMatrix, IntModel
from rtl_gen.golden.sampling import DRAW_BITS

LANES = 4
Drain = Callable[..., None]  # first output, then fields of the instruction that drains a pass
SEED_BYTES = 4


@dataclass
class Program:
    """Instructions with labels; branch targets are resolved by `encode`."""

    code: list[tuple[Instruction, str]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)

    def emit(self, op: Op, **fields: int) -> None:
        """Append an instruction."""
        self.code.append((Instruction(op, **fields), ""))

    def label(self, name: str) -> None:
        self.labels[name] = len(self.code)

    def branch(self, condition: Condition, target: str, *, a: int = 0, d: int = 0, n: int = 0) -> None:
        """Append a branch to a label."""
        self.code.append((Instruction(Op.BRANCH, a=a, d=d, n=n, imm=condition), target))

    def encode(self) -> np.ndarray:
        """uint64 [instructions]; the program starts at row 0."""
        rows = []
        for instruction, target in self.code:
            if target:
                instruction = replace(instruction, rom=self.labels[target])
            rows.append(instruction.encode())
        return np.array(rows, np.uint64)


@dataclass(frozen=True)
class Scratch:
    """Where vectors lie in the activation memory A: bytes from its start.

    normed serves both norms, the attention's result and the exponentials of sampling; the
    attention's q, rotated q and k lie where the hidden vector is later.
    """

    normed: int
    hidden: int
    q: int
    rotated: int
    k: int
    size: int

    @classmethod
    def of(cls, model: IntModel) -> "Scratch":
        s = model.shape
        width = max(s.dim, s.q_dim, s.vocab)
        q, rotated, k = width, width + s.q_dim, width + 2 * s.q_dim
        return cls(0, width, q, rotated, k, max(k + s.kv_dim, width + s.hidden))


def write_program(model: IntModel, columns: int, rows: RowAllocator) -> Program:
    """Emit the decoder, placing weights, factors and tables as they are named.

    Args:
        model: The integer model.
        columns: Slots on a ROM row.
        rows: Allocator of the rows behind the program. Row numbers do not depend on the program,
            so a first run with any start tells its length.
    """
    return _Writer(model, columns, rows).write()


class _Writer:
    def __init__(self, model: IntModel, columns: int, rows: RowAllocator) -> None:
        self.model, self.columns, self.rows = model, columns, rows
        self.at = Scratch.of(model)
        self.p = Program()
        t = model.tables
        self.rsqrt = self._factor_table("rsqrt", t.rsqrt)
        self.recip = self._factor_table("recip", t.recip)
        self.exp2 = rows.place("exp2", "tables", bytes_to_rows(t.exp2))
        self.rope = rows.place("rope", "tables", pack_lanes(t.rope.mantissa, t.rope.exponent))

    def write(self) -> Program:
        m, s, p = self.model, self.model.shape, self.p
        p.label("start")
        for _ in range(SEED_BYTES):
            p.emit(Op.RECEIVE, imm=Receive.SEED)
        p.emit(Op.RECEIVE, imm=Receive.BETA)
        p.emit(Op.RECEIVE, imm=Receive.COUNT)
        p.label("prompt")
        p.emit(Op.RECEIVE, imm=Receive.TOKEN)
        p.label("token")
        embed = self._place_matrix("embed", m.embed, pair=True)
        p.emit(Op.FACTOR, rom=self._place_factors("embed", m.embed.factors))
        log_dim = _log2(s.dim, "model dimension")
        p.emit(Op.EMBED, rom=embed[0], n=s.dim - 1, sh=m.embed.factors.shift, imm=log_dim)
        for n, layer in enumerate(m.layers):
            self._layer(n, layer)
        p.branch(Condition.PROMPT_LEFT, "more")
        self._head(embed)
        p.emit(Op.EMIT)
        for token in m.ends:
            p.branch(Condition.END, "end", d=token)
        p.branch(Condition.FULL, "end", d=s.context - 1)
        p.branch(Condition.ALWAYS, "token", n=ADVANCE)
        p.label("more")
        p.branch(Condition.ALWAYS, "prompt", n=ADVANCE)
        p.label("end")
        p.branch(Condition.ALWAYS, "start", n=RESTART)
        return p

    def _factor_table(self, name: str, mantissa: np.ndarray) -> int:
        """Place a table of factors; returns the row its index 0 would have."""
        start = self.rows.place(name, "tables", pack_lanes(mantissa, np.zeros_like(mantissa)))
        return start - TABLE_FIRST // LANES

    def _place_matrix(self, name: str, matrix: IntMatrix, pair: bool) -> list[int]:
        passes = weights_to_rows(matrix.codes, self.columns, pair)
        return [self.rows.place(f"{name}[{i}]", "weights", rows) for i, rows in enumerate(passes)]

    def _place_factors(self, name: str, factors: Factors) -> int:
        return self.rows.place(name, "factors", pack_lanes(factors.mantissa, factors.exponent))

    def _norm(self) -> None:
        """A[normed] = RMSNorm of X in 8 bits."""
        p, m = self.p, self.model
        p.emit(Op.SUMSQ, n=m.shape.dim - 1, d=m.norm_init)
        p.emit(Op.RSQRT, rom=self.rsqrt)
        p.emit(Op.SCALE_A, n=m.shape.dim - 1, d=self.at.normed, sh=m.norm_shift)

    def _passes(self, name: str, matrix: IntMatrix, source: int, drain: Drain) -> None:
        """One MATVEC a pass, then `drain(first output, outputs, factors' row, shift, imm)`."""
        pair = matrix.bits > 4
        step = self.columns // 2 if pair else self.columns
        f = matrix.factors
        for number, start in enumerate(self._place_matrix(name, matrix, pair)):
            first = number * step
            outputs = min(step, len(matrix.codes) - first)
            self.p.emit(Op.MATVEC, rom=start, a=source, n=matrix.codes.shape[1] - 1)
            drain(
                first=first,
                n=outputs - 1,
                rom=self._place_factors(f"{name}[{number}]", f.part(first, outputs)),
                sh=f.shift,
                imm=PAIR if pair else 0,
            )

    def _layer(self, n: int, layer: IntLayer) -> None:
        self._norm()
        self._attention(n, layer)
        self._passes(f"layers.{n}.o", layer.o, self.at.normed, self._drain(Op.DRAIN_ADD, 0))
        self._norm()
        self._swiglu(n, layer)
        self._passes(f"layers.{n}.down", layer.down, self.at.hidden, self._drain(Op.DRAIN_ADD, 0))

    def _drain(self, op: Op, base: int) -> Drain:
        def drain(first: int, imm: int = 0, **fields: int) -> None:
            self.p.emit(op, d=base + first, imm=imm, **fields)

        return drain

    def _attention(self, n: int, layer: IntLayer) -> None:
        p, s, at = self.p, self.model.shape, self.at
        log_stride = (s.kv_dim - 1).bit_length()
        keys = (2 * n * s.context) << log_stride
        values = keys + (s.context << log_stride)
        log_head = _log2(s.head_dim, "head dimension")
        rope = self.model.tables.rope.shift
        self._passes(f"layers.{n}.q", layer.q, at.normed, self._drain(Op.DRAIN_A, at.q))
        self._passes(f"layers.{n}.k", layer.k, at.normed, self._drain(Op.DRAIN_A, at.k))

        def keep(first: int, imm: int, **fields: int) -> None:
            p.emit(Op.DRAIN_KV, d=values + first, imm=imm | log_stride, **fields)

        self._passes(f"layers.{n}.v", layer.v, at.normed, keep)
        p.emit(Op.ROPE_A, rom=self.rope, a=at.q, d=at.rotated, n=s.q_dim - 1, sh=rope, imm=log_head)
        p.emit(
            Op.ROPE_KV,
            rom=self.rope,
            a=at.k,
            d=keys,
            n=s.kv_dim - 1,
            sh=rope,
            imm=log_head | log_stride << 4,
        )
        for g in range(s.kv_heads):
            label = f"layers.{n}.group.{g}"
            first, offset = g * s.group * s.head_dim, g * s.head_dim
            p.label(label)
            p.emit(
                Op.SCORE,
                a=at.rotated + first,
                d=keys + offset,
                n=s.head_dim - 1,
                sh=layer.score_shift,
                imm=log_stride | START_MAXIMUM,
            )
            p.emit(Op.EXP_T, rom=self.exp2)
            p.emit(Op.RECIP, rom=self.recip)
            p.emit(Op.SCALE_T, sh=RECIP_SHIFT)
            p.emit(
                Op.MIX,
                a=values + offset,
                d=at.normed + first,
                n=s.head_dim - 1,
                sh=layer.value_shift,
                imm=log_stride,
            )
            p.branch(Condition.HEAD, label, a=s.head_dim, d=s.group * s.head_dim)

    def _swiglu(self, n: int, layer: IntLayer) -> None:
        p, at = self.p, self.at
        silu = self.rows.place(f"layers.{n}.silu", "tables", bytes_to_rows(layer.silu))
        self._passes(f"layers.{n}.gate", layer.gate, at.normed, self._drain(Op.DRAIN_A, at.hidden))
        hidden = self.model.shape.hidden
        p.emit(Op.TABLE_A, rom=silu, a=at.hidden, d=at.hidden, n=hidden - 1)

        def multiply(first: int, n: int, **fields: int) -> None:
            p.emit(Op.DRAIN_T, n=n, **fields)
            p.emit(Op.MUL, a=at.hidden + first, d=at.hidden + first, n=n, sh=layer.product_shift)

        self._passes(f"layers.{n}.up", layer.up, at.normed, multiply)

    def _head(self, embed: list[int]) -> None:
        p, m, s, at = self.p, self.model, self.model.shape, self.at
        if m.final_gain is None:
            self._norm()
        else:
            p.emit(Op.SUMSQ, n=s.dim - 1, d=m.norm_init)
            p.emit(Op.RSQRT, rom=self.rsqrt)
            p.emit(Op.SCALE_X, n=s.dim - 1, sh=m.final_shift)
            gain = self._place_factors("final_gain", m.final_gain)
            p.emit(Op.GAIN_A, rom=gain, d=at.normed, n=s.dim - 1, sh=m.final_gain.shift)
        pair = s.tied or m.head.bits > 4
        starts = embed if s.tied else self._place_matrix("head", m.head, pair)
        step = self.columns // 2 if pair else self.columns
        f = m.head.factors
        for number, start in enumerate(starts):
            first = number * step
            outputs = min(step, s.vocab - first)
            p.emit(Op.MATVEC, rom=start, a=at.normed, n=s.dim - 1)
            p.emit(
                Op.DRAIN_X,
                rom=self._place_factors(f"head[{number}]", f.part(first, outputs)),
                d=first,
                n=outputs - 1,
                sh=f.shift,
                imm=(PAIR if pair else 0) | (START_MAXIMUM if number == 0 else 0),
            )
        mask = (1 << (DRAW_BITS + (s.vocab - 1).bit_length())) - 1
        p.branch(Condition.GREEDY, "greedy")
        p.emit(Op.HEAT, d=at.normed, n=s.vocab - 1, sh=m.beta_shift)
        p.emit(Op.EXP_A, rom=self.exp2, a=at.normed, d=at.normed, n=s.vocab - 1)
        p.emit(Op.DRAW, rom=mask)
        p.emit(Op.SELECT, rom=mask, a=at.normed, n=s.vocab - 1)
        p.branch(Condition.ALWAYS, "chosen")
        p.label("greedy")
        p.emit(Op.ARGMAX)
        p.label("chosen")


def _log2(value: int, what: str) -> int:
    """Exponent of a power of two; ValueError names `what` when it is not one."""
    if value & (value - 1):
        raise ValueError(f"the {what} must be a power of two, got {value}")
    return value.bit_length() - 1
