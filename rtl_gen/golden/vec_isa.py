"""The program of a `vec` tile: rows of 128 bits, each about a whole vector or a pass of the array.

Memories of the tile: M, words of 24 bits; A, bytes of activations, a bank for each row of rom tiles and one
for all ram tiles; the ROM of factors and tables, words of 16 bits. docs/fabric.md says what happens when.
"""

__all__ = [
    "BLOCK", "CONTEXTS", "CONTROL", "LANE", "LESS", "LINE", "OF_TILES", "ROW_BITS", "STEPS", "Condition",
    "Control", "Dest", "Element", "Factor", "Kind", "Op", "Place", "Post", "Reduce", "Register", "RomWalk",
    "Row", "Sync", "Table", "Value", "Walk", "Width", "Write", "X",
]  # fmt: skip

import enum
from dataclasses import dataclass, field

from rtl_gen.golden.formats import (
    ACTIVATION,
    DISTANCE,
    HADAMARD,
    PROBABILITY,
    SQUARE,
    SUM,
    WORD,
)

ROW_BITS = 128
BLOCK = 32  # columns of a tile, and so positions of a chunk of keys
LINE = 4  # words of M that are read and written together


class Sync(enum.IntEnum):
    """For what a row waits."""

    NONE = 0
    FOUND = 1  # for what rows before it find: registers, sums, the largest
    WRITTEN = 2  # for all that rows before it write to M, too


class Op(enum.IntEnum):
    """What a row is."""

    CONTROL = 0  # the sequencer itself
    VECTOR = 1  # the lane, over n elements of M
    DRAIN = 2  # the lane, over the sums of the pass that the next row asks for
    STEPS = 3  # a pass of the array, or bytes that are written to a ram tile, or sent


class Value(enum.IntEnum):
    """First operand of the multiplier; a and b are words of M."""

    A = 0
    JOIN = 1  # a, if not `begin`, plus the sum that came, less its two lowest bits if `high`, << left
    DISTANCE = 2  # the largest so far less a
    BUTTERFLY = 3  # sum of the elements o and o ^ 2 ** distance, or their difference
    DELTA = 4  # of a table: from an entry to the next


class Factor(enum.IntEnum):
    """Second operand; with DELTA it is always where between two entries."""

    ONE = 0
    ROM = 1  # 12 bits of a word of the ROM
    ROTARY = 2  # cosine, sine, or minus that
    R = 3
    B = 4  # without its lowest four bits where element is KEY
    A = 5
    SIGMOID = 6  # b, or 2 ** 15 - b where a is negative
    BETA = 7


class Table(enum.IntEnum):
    """What addresses a table, with DELTA."""

    SIGMOID = 0  # size of a << align
    EXP_DISTANCE = 1  # the largest less a, at most 65535
    EXP = 2  # a
    NORMAL = 3  # the normalised accumulator


class Walk(enum.IntEnum):
    """Which words of M the elements are."""

    LINEAR = 0
    PAIR = 1  # two products an element: of the even and of the odd word of its pair
    BUTTERFLY = 2
    SPREAD = 3  # every other word; such rows stand between rows of the sequencer that wait


class RomWalk(enum.IntEnum):
    """Which word of the ROM an element reads."""

    LINEAR = 0
    TOKEN = 1  # rom + token, for all
    ROTARY = 2  # of the pair, for the position


class Element(enum.IntEnum):
    """What an element adds to the shift of its instruction."""

    NONE = 0
    ROM = 1  # the exponent beside its factor
    KEY = 2  # less the low half of the byte b
    VALUE = 3  # less the high half


class Width(enum.IntEnum):
    """To how many bits a result saturates, signed."""

    MANTISSA = 0
    SQUARE = 1
    PROBABILITY = 2
    WORD = 3
    DISTANCE = 4
    HADAMARD = 5
    SUM = 6

    @property
    def bits(self) -> int:
        return (ACTIVATION, SQUARE, PROBABILITY + 1, WORD, DISTANCE + 1, HADAMARD, SUM)[self]


class Post(enum.IntEnum):
    """What follows rounding and saturation."""

    NONE = 0
    ADD = 1  # b, saturating: the residual
    DRAW = 2  # of an exponential the bits that a draw compares


class Dest(enum.IntEnum):
    """Where results go."""

    NONE = 0
    MEMORY = 1
    ROM_BYTES = 2  # A, from bank 0 on, b bytes each
    RAM_BYTES = 3  # the bank of ram tiles, byte d on
    RAM_DIGITS = 4  # two digits of 7 bits in bytes 2 * d, 2 * d + 1 on
    R = 5


OF_TILES = Dest.ROM_BYTES, Dest.RAM_BYTES, Dest.RAM_DIGITS  # activations


class Reduce(enum.IntEnum):
    """What is found as results pass."""

    NONE = 0
    # Bits of the largest; at the end register `to` is that less LESS[less], at
    # least 0. There are two of them: `aside` is for a vector that is made while others are.
    LARGEST = 1
    SUM = (
        2  # added to the accumulator; at the end that is normalised, for Table.NORMAL and the register SHIFTS
    )
    MAXIMUM = 3  # the largest, and of all contexts where the last one is, the first of equals
    EXPONENTS = 4  # the largest high half of a byte
    SELECT = 5  # the first element at which the running sum exceeds the draw becomes the token


LESS = (ACTIVATION - 1, SQUARE - 1, HADAMARD - 1)


class Register(enum.IntEnum):
    """Small numbers that shifts are made of. QUERY, SHIFTS and TWICE are those of the row's context."""

    ZERO = 0
    RESIDUAL = 1
    INPUT = 2
    HIDDEN = 3
    QUERY = 4
    KEY = 5
    VALUE = 6
    SHIFTS = 8  # double shifts that normalise the accumulator: one of its two highest bits is set
    TWICE = 9  # two times that
    LARGEST_VALUE = 10  # what EXPONENTS found


WRITABLE = 7
CONTEXTS = 4  # heads under way: what is found for each is kept


class X(enum.IntEnum):
    """Activations of a step."""

    PAIRS = 0  # two bytes of A
    BYTES = 1  # one
    LOW = 2  # the lower digit of a pair
    HIGH = 3
    ONE0 = 4  # 1, 0
    ONE1 = 5  # 0, 1
    HOST = 6  # a byte that the host sends, to be written


class Place(enum.IntEnum):
    """What is added to the row of a pass."""

    ROW = 0
    TOKEN = 1  # rows to the block of the token
    POSITION = 2
    CHUNK = 3  # rows to the chunk of the position


class Write(enum.IntEnum):
    """Where bytes go that a row of STEPS does not multiply."""

    NONE = 0
    DOWN = 1  # a column of a ram tile
    ALONG = 2  # a row of one
    SEND = 3  # of the bank of ram tiles to the host, or the next die


class Kind(enum.IntEnum):
    """Rows for the sequencer."""

    BRANCH = 0  # to `target`, on `condition`
    RECEIVE_SEED = 1  # a byte from the host, shifted into the generator, lowest first
    RECEIVE_BETA = 2
    RECEIVE_COUNT = 3  # byte `high` of the number of tokens in a prompt
    RECEIVE_TOKEN = 4  # byte `high` of one; byte 0 counts the number down
    EMIT = 5  # byte `high` of the token
    TOKEN = 6  # token = value
    ARGMAX = 7  # token = where the maximum is, less value
    DRAW = 8  # step the generator until its lowest `value` bits are less than the accumulator
    ADVANCE = 9  # the next position: the rotation goes `value` words on, a new chunk of keys `target` rows
    # Position 0. `value` ram tiles stand between rom and vec tiles; of the rows of rom tiles that the vec
    # tile sends steps to, the first `target` are not there.
    RESTART = 10
    ACCUMULATE = 11  # accumulator = max(1, epsilon >> 2 * register RESIDUAL)
    TOKEN_ROWS = 12  # rows to the token's block: token / 32 * value


class Condition(enum.IntEnum):
    ALWAYS = 0
    PROMPT_LEFT = 1
    GREEDY = 2
    END = 3  # token == value
    FULL = 4  # position == value


_OP = {"op": 2, "sync": 2}
LANE = _OP | {
    "n": 11, "by_position": 1, "a": 12, "b": 12, "d": 12, "walk": 2, "distance": 3, "value": 3, "factor": 3,
    "rom": 16, "rom_walk": 2, "shift": 7, "plus": 4, "minus": 4, "minus2": 4, "element": 2, "width": 3,
    "post": 2,
    "dest": 3, "reduce": 3, "clear": 1, "to": 3, "less": 2, "aside": 1, "context": 2,
    "special": 6,
}  # fmt: skip
STEPS = _OP | {
    "only": 5, "row": 14, "column": 5, "plane": 4, "n": 11, "by_position": 1, "x": 3, "offset": 11, "each": 1,
    "chunks": 1, "stride": 8, "place": 2, "at_position": 1, "write": 2, "append": 1, "drain": 1,
}  # fmt: skip
CONTROL = _OP | {"kind": 4, "condition": 3, "target": 12, "value": 16, "high": 1, "epsilon": 40}
_FIELDS = {Op.CONTROL: CONTROL, Op.VECTOR: LANE, Op.DRAIN: LANE, Op.STEPS: STEPS}
_SIGNED = ("shift",)


def special(*, table: int = 0, align: int = 0) -> int:
    """The field `special` of a VECTOR."""
    return table | align << 2


def joining(*, begin: bool, high: bool, left: int) -> int:
    """The field `special` of a DRAIN."""
    return begin | high << 1 | left << 2


Control = Kind


@dataclass(frozen=True)
class Row:
    """A row of the program.

    Attributes:
        op: What it is.
        fields: By name, as `LANE`, `STEPS` or `CONTROL` lists them; 0 if they are not here. Counts `n` are 1
            at least.

    Raises:
        ValueError: A field that there is not, or that does not fit; words of M that begin no line where two
            are read.
    """

    op: Op
    fields: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widths = _FIELDS[self.op]
        for name, value in self.fields.items():
            if name not in widths:
                raise ValueError(f"{self.op.name} has no field {name}")
            least = -(1 << (widths[name] - 1)) if name in _SIGNED else 0
            if not least <= value < least + (1 << widths[name]):
                raise ValueError(f"{self.op.name}: {name} = {value} does not fit {widths[name]} bits")

        if self.reads_b and (self.a % LINE or self.b % LINE):
            raise ValueError(
                f"{self.op.name}: a = {self.a} and b = {self.b} must begin lines of {LINE} words"
            )

    @property
    def reads_b(self) -> bool:
        """Whether the lane reads a second word of M for each element."""
        return self.op in (Op.VECTOR, Op.DRAIN) and bool(
            self.value == Value.BUTTERFLY or self.factor in (Factor.B, Factor.SIGMOID)
            or self.element in (Element.KEY, Element.VALUE) or self.post == Post.ADD
        )  # fmt: skip

    def __getattr__(self, name: str) -> int:
        if name in _FIELDS[self.op]:
            return self.fields.get(name, 0)
        raise AttributeError(name)

    def encode(self) -> int:
        """The row as an integer of at most 128 bits."""
        word = at = 0
        for name, width in _FIELDS[self.op].items():
            value = int(self.op) if name == "op" else int(self.fields.get(name, 0))
            word |= (value & ((1 << width) - 1)) << at
            at += width
        return word


assert all(sum(f.values()) <= ROW_BITS for f in _FIELDS.values())
