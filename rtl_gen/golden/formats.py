"""Widths and formats of every value of the arithmetic: the one table that golden model and RTL read.

A **vector** enters an array as `ACTIVATION` bit mantissas with one exponent of two, the least with which the
largest element fits. All other vectors are fixed point. docs/arithmetic.md says what is computed in which
order.
"""

__all__ = [
    "ACTIVATION", "ADAPTER", "CODE_BITS", "DISTANCE", "DOWN_EXPONENT", "EXPONENTIAL", "FACTOR",
    "GATE_UNITS", "HADAMARD", "HIDDEN", "INTERVALS", "LARGEST_HADAMARD", "LARGEST_SHIFT",
    "LEFT_SHIFT", "NORM_SHIFT", "PROBABILITY", "PROBABILITY_DIGIT", "PRODUCT_SHIFT", "RESIDUAL", "ROTARY",
    "SCORE_FRACTION", "SIGMOID_INTERVALS", "SIGMOID_SPAN", "SQUARE", "SQUARES", "SUM", "TABLE", "VALUES",
    "WORD", "WORD_EXPONENT", "Value",
]  # fmt: skip

from dataclasses import dataclass

from rtl_gen.golden.arith import LANE_MANTISSA_BITS

ACTIVATION = 8  # mantissas that enter an array: signed
CODE_BITS = (3, 4, 5, 6, 7, 8)  # of a weight
ADAPTER = 8  # of a weight of an adapter
SUM = 24  # exact sums of an array, also of all its tiles together
WORD = 16  # q, k, v, gate, up and what follows them; the normalised residual
RESIDUAL = 24
FACTOR = LANE_MANTISSA_BITS  # mantissa of an output's factor: signed
LARGEST_SHIFT = 47  # to the right, of a product
LEFT_SHIFT = 16  # bits below the operand of the barrel shifter; it shifts to the left by one less
SQUARE = 12  # mantissas that are squared for the norm: signed
SQUARES = 40  # their sum, and what is normalised for a reciprocal
NORM_SHIFT = SQUARES // 2 - 1  # of residual / rms, less the double shifts of the sum
TABLE = 16  # entries of function tables: signed, none negative
INTERVALS = 96  # of 1 / sqrt(v) and 1 / v over v = 1 .. 4, interpolated with 8 bits
ROTARY = 12  # cosine and sine: signed
SCORE_FRACTION = 8  # bits of a score below a factor of two of its exponential
DISTANCE = 16  # of a score from the largest: unsigned
EXPONENTIAL = 15  # unsigned
PROBABILITY = 14  # unsigned; sums of them over all positions are about one
PROBABILITY_DIGIT = 7  # two passes through the array, each of digits that fit a mantissa
GATE_UNITS = (3, 12)  # log2 of 1.0 in the words of a gate
SIGMOID_SPAN = 8  # the sigmoid's table holds 0 .. 8
SIGMOID_INTERVALS = 64
HIDDEN = 24  # silu(gate) * up
PRODUCT_SHIFT = 2 * WORD - 1 - HIDDEN  # of that product
HADAMARD = 18  # what enters the Hadamard blocks; their sums have SUM bits
LARGEST_HADAMARD = 1 << (SUM - HADAMARD)
WORD_EXPONENT = WORD - ACTIVATION + 1  # the largest of a vector of words
DOWN_EXPONENT = (
    HIDDEN - HADAMARD + 1 + SUM - ACTIVATION + 1
)  # of the input of down: before and behind the blocks


@dataclass(frozen=True)
class Value:
    """One line of the table.

    Attributes:
        name: What it is.
        bits: Width.
        signed: Two's complement, or unsigned.
        bound: Why it cannot leave that width: "saturates", or what bounds it.
    """

    name: str
    bits: int
    signed: bool
    bound: str


VALUES = (
    Value("weight code", max(CODE_BITS), True, "as stored"),
    Value("mantissa of an array's input", ACTIVATION, True, "exponent chosen for the largest element"),
    Value("exponent of a word vector", 4, False, "0 .. WORD_EXPONENT"),
    Value("exponent of the input of down", 5, False, "0 .. DOWN_EXPONENT"),
    Value(
        "sum",
        SUM,
        True,
        "sum of |code| * 128 of every output, an adapter's too, < 2**23: checked",
    ),
    Value("inner mantissa of an adapter", ACTIVATION, True, "saturates"),
    Value("sum of scores", SUM, True, "head_dim * 2**14 < 2**23: head_dim <= 256"),
    Value("sum of mixed values", SUM, True, "probabilities sum to 2**14 + positions / 2 at most, times 128"),
    Value("factor mantissa", FACTOR, True, "as stored"),
    Value("product of a lane", SUM + WORD, True, "24 by 16 bits"),
    Value("residual", RESIDUAL, True, "saturates"),
    Value("logit", SUM, True, "saturates"),
    Value("square mantissa", SQUARE, True, "exponent chosen for the largest element"),
    Value("sum of squares", SQUARES, False, "dim * 2**22 + 2**39 < 2**40: dim <= 2**16"),
    Value("normalised residual; q, k, v, gate, up, silu, mix, head input", WORD, True, "saturates"),
    Value("score", SUM, True, "saturates"),
    Value("distance of a score", DISTANCE, False, "saturates"),
    Value("exponential", EXPONENTIAL, False, "table of 2**15 - 1 at most"),
    Value("sum of exponentials", SQUARES, False, "positions * 2**15 < 2**40"),
    Value("probability", PROBABILITY, False, "saturates"),
    Value("silu * up", HIDDEN, True, "saturates"),
    Value("input of the Hadamard blocks", HADAMARD, True, "exponent chosen for the largest element"),
    Value("output of the Hadamard blocks", SUM, True, "64 * 2**17 = 2**23"),
)
