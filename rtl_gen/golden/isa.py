"""The sequencer's instructions, and how numbers lie in a ROM row of 64 bits.

A vector instruction runs over elements o = 0 .. n (for some an inner loop k), one per cycle, through
the pipeline: operands, multiply, accumulate, shift-round-saturate-write. Memories: A (int8
activations), T (one byte per column or position), X (int16 residual and logits), KV (int8).
"""

__all__ = [
    "PAIR",
    "ROW_BITS",
    "START_MAXIMUM",
    "Condition",
    "Instruction",
    "Op",
    "Receive",
    "pair_digits",
]

import enum
from dataclasses import dataclass

import numpy as np

ROW_BITS = 64

FIELDS = {"op": 5, "rom": 16, "a": 10, "d": 10, "n": 9, "sh": 6, "imm": 8}  # from bit 0 up

# Bits of `imm`; instructions that use a log2 there use bits 3..0.
PAIR = 1 << 7  # a weight takes two columns: 8 * first + second
START_MAXIMUM = 1 << 6  # forget the running maximum first


class Op(enum.IntEnum):
    """Instructions. Unless it says otherwise, a result is shifted by sh, rounded and saturated."""

    BRANCH = 0  # imm: Condition; rom: target; d, a: operand and side effects of the condition
    RECEIVE = 1  # a byte from the host into the register named by imm (Receive)
    EMIT = 2  # TOKEN to the host
    MATVEC = 3  # engine: column[j] = sum over o of weight(rom + o, j) * A[a + o]
    DRAIN_A = 4  # A[d + o] = column[a + o] * lane(rom, o)
    DRAIN_T = 5  # T[o] = the same
    DRAIN_KV = 6  # KV[d + (POSITION << imm) + o] = the same
    DRAIN_ADD = 7  # X[d + o] += the same
    DRAIN_X = 8  # X[d + o] = the same; running maximum and its index
    SUMSQ = 9  # ACC = d + sum of X[o] * (X[o] >> 4)
    RSQRT = 10  # R, E = table at rom of normalised ACC
    RECIP = 11  # the same with E doubled
    SCALE_A = 12  # A[d + o] = X[o] * R, shifted by sh - E
    SCALE_X = 13  # X[o] = X[o] * R, shifted by sh - E
    GAIN_A = 14  # A[d + o] = X[o] * lane(rom, o)
    ROPE_A = 15  # A[d + o] = sum over k < 2 of A[a + pair of o + k] * coefficient; imm: log2 head_dim
    ROPE_KV = 16  # KV[d + (POSITION << imm[7:4]) + o] = the same
    SCORE = 17  # T[t] = sum over k <= n of A[a + H + k] * KV[d + (t << imm) + k], t <= POSITION
    EXP_T = 18  # T[t] = byte(rom, maximum - T[t]); ACC = their sum
    SCALE_T = 19  # T[t] = T[t] * R unsigned, shifted by sh - E
    MIX = 20  # A[d + H + o] = sum over t <= POSITION of T[t] * KV[a + (t << imm) + o]
    TABLE_A = 21  # A[d + o] = byte(rom, A[a + o])
    MUL = 22  # A[d + o] = A[a + o] * T[o]
    FACTOR = 23  # R, E = lane(rom, TOKEN), E negated
    EMBED = 24  # X[o] = R * weight pair (rom + (TOKEN >> 3 << imm) + o, TOKEN & 7), shifted by sh - E
    HEAT = 25  # A[d + o] = (maximum - X[o]) * BETA, unsigned
    EXP_A = 26  # A[d + o] = byte(rom, A[a + o]); ACC = their sum
    DRAW = 27  # step the generator until the draw, its bits under the mask rom, is below ACC
    SELECT = 28  # TOKEN = first o at which the running sum of A[a + o] exceeds the draw (mask rom)
    ARGMAX = 29  # TOKEN = index of the running maximum


class Condition(enum.IntEnum):
    """When a BRANCH is taken."""

    ALWAYS = 0
    PROMPT_LEFT = 1  # tokens of the prompt remain (COUNT != 0)
    GREEDY = 2  # BETA == 0
    END = 3  # TOKEN == d
    FULL = 4  # POSITION == d
    HEAD = 5  # H += a; taken unless H has become d, which clears it


class Receive(enum.IntEnum):
    """Destination of a received byte."""

    SEED = 0  # shifted into the generator, least significant byte first
    BETA = 1
    COUNT = 2
    TOKEN = 3  # counts COUNT down


# Side effects of a BRANCH, bits of its field n, whether it is taken or not.
ADVANCE = 1  # POSITION += 1
RESTART = 2  # POSITION = 0


@dataclass(frozen=True)
class Instruction:
    """One instruction; `encode` gives its ROM row. `n` is the last element: the length less one."""

    op: Op
    rom: int = 0
    a: int = 0
    d: int = 0
    n: int = 0
    sh: int = 0
    imm: int = 0

    def encode(self) -> int:
        """The row as an integer.

        Raises:
            ValueError: A field does not fit; the message names it.
        """
        word, at = 0, 0
        for name, width in FIELDS.items():
            value = int(getattr(self, name))
            if not 0 <= value < 1 << width:
                raise ValueError(f"{self.op.name}: field {name} = {value} does not fit {width} bits")
            word |= value << at
            at += width
        return word


def pair_digits(codes: np.ndarray) -> np.ndarray:
    """Codes of up to 6 bits as two 4-bit digits with code = 8 * first + second.

    Args:
        codes: int [outputs, inputs].

    Returns:
        int [2 * outputs, inputs]: first and second digit interleaved.
    """
    c = codes.astype(np.int64)
    return np.stack([c >> 3, c & 7], axis=1).reshape(2 * c.shape[0], c.shape[1])
