"""What each vector instruction asks of the datapath: one table, decoded once."""

__all__ = ["Control", "Dst", "SrcA", "SrcB", "decode"]

import enum
from dataclasses import dataclass

from rtl_gen.golden.isa import Op


class SrcA(enum.IntEnum):
    A = 0  # activation memory, signed byte
    A_UNSIGNED = 1
    T_UNSIGNED = 2
    X = 3
    DISTANCE = 4  # running maximum less X
    COLUMN = 5  # engine accumulator or pair
    R = 6  # scalar factor


class SrcB(enum.IntEnum):
    LANE = 0  # ROM lane mantissa
    PAIR = 1  # ROM weight pair
    CACHE = 2
    T = 3
    X = 4  # X >> 4
    R = 5
    BETA = 6
    ONE = 7


class Dst(enum.IntEnum):
    NONE = 0
    A = 1
    T = 2
    CACHE = 3
    X = 4
    X_ADD = 5


class Count(enum.IntEnum):
    """Length of a loop."""

    ONE = 0
    N = 1
    POSITIONS = 2  # POSITION + 1
    TWO = 3


@dataclass(frozen=True)
class Control:
    """One vector instruction.

    Attributes:
        a, b, dst: Operands and destination.
        outer, inner: Loop lengths.
        table: The result is a ROM byte addressed by the operand, not a product.
        running: ACC runs over the outer loop too.
        lane_shift: The ROM lane's exponent adds to the shift.
        scalar_shift: E is taken off the shift.
        unsigned: Saturate to 0 .. 255.
        maximum: Track the running maximum of the results.
        stream: Reads a ROM row for every element.
    """

    a: SrcA
    b: SrcB
    dst: Dst
    outer: Count = Count.N
    inner: Count = Count.ONE
    table: bool = False
    running: bool = False
    lane_shift: bool = False
    scalar_shift: bool = False
    unsigned: bool = False
    maximum: bool = False
    stream: bool = False


def _drain(dst: Dst, maximum: bool = False) -> Control:
    return Control(SrcA.COLUMN, SrcB.LANE, dst, lane_shift=True, stream=True, maximum=maximum)


CONTROLS: dict[Op, Control] = {
    Op.MATVEC: Control(SrcA.A, SrcB.ONE, Dst.NONE, stream=True),
    Op.DRAIN_A: _drain(Dst.A),
    Op.DRAIN_T: _drain(Dst.T),
    Op.DRAIN_KV: _drain(Dst.CACHE),
    Op.DRAIN_ADD: _drain(Dst.X_ADD),
    Op.DRAIN_X: _drain(Dst.X, maximum=True),
    Op.SUMSQ: Control(SrcA.X, SrcB.X, Dst.NONE, running=True),
    Op.SCALE_A: Control(SrcA.X, SrcB.R, Dst.A, scalar_shift=True),
    Op.SCALE_X: Control(SrcA.X, SrcB.R, Dst.X, scalar_shift=True),
    Op.GAIN_A: Control(SrcA.X, SrcB.LANE, Dst.A, lane_shift=True, stream=True),
    Op.ROPE_A: Control(SrcA.A, SrcB.LANE, Dst.A, inner=Count.TWO, lane_shift=True, stream=True),
    Op.ROPE_KV: Control(SrcA.A, SrcB.LANE, Dst.CACHE, inner=Count.TWO, lane_shift=True, stream=True),
    Op.SCORE: Control(SrcA.A, SrcB.CACHE, Dst.T, outer=Count.POSITIONS, inner=Count.N, maximum=True),
    Op.EXP_T: Control(
        SrcA.T_UNSIGNED, SrcB.ONE, Dst.T, outer=Count.POSITIONS, table=True, running=True, unsigned=True
    ),
    Op.SCALE_T: Control(
        SrcA.T_UNSIGNED, SrcB.R, Dst.T, outer=Count.POSITIONS, scalar_shift=True, unsigned=True
    ),
    Op.MIX: Control(SrcA.T_UNSIGNED, SrcB.CACHE, Dst.A, inner=Count.POSITIONS),
    Op.TABLE_A: Control(SrcA.A, SrcB.ONE, Dst.A, table=True),
    Op.MUL: Control(SrcA.A, SrcB.T, Dst.A),
    Op.EMBED: Control(SrcA.R, SrcB.PAIR, Dst.X, scalar_shift=True, stream=True),
    Op.HEAT: Control(SrcA.DISTANCE, SrcB.BETA, Dst.A, unsigned=True),
    Op.EXP_A: Control(SrcA.A, SrcB.ONE, Dst.A, table=True, running=True, unsigned=True),
    Op.SELECT: Control(SrcA.A_UNSIGNED, SrcB.ONE, Dst.NONE, running=True),
}


def decode(op: Op) -> Control:
    """The controls of a vector instruction; KeyError for the scalar ones."""
    return CONTROLS[op]
