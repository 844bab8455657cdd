"""An instruction as the sequencer takes it apart: its fields, and which of their bits it looks at."""

__all__ = ["FIELDS", "Word", "bits_read"]

from collections.abc import Mapping
from typing import NamedTuple

from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import Condition, Op

# First bit and width of each field in a row of 64 bits
FIELDS: Mapping[str, tuple[int, int]] = {
    "op": (0, 5), "rom": (5, 16), "a": (21, 10), "d": (31, 10), "n": (41, 9), "sh": (50, 6), "imm": (56, 8),
}  # fmt: skip
SHIFT_BITS = 5  # the shifter's: the field's sixth bit shifts nothing
PAIR, MAXIMUM, STRIDE, HEAD, HIGH = 0x80, 0x40, 0x0F, 0x07, 0xF0  # parts of imm
RESTART = 2
ALL = -1


class Word(NamedTuple):
    """An instruction's fields."""

    op: int
    rom: int
    a: int
    d: int
    n: int
    sh: int
    imm: int

    @classmethod
    def of(cls, row: int) -> "Word":
        """From the row of 64 bits."""
        return cls(*(row >> at & ((1 << width) - 1) for at, width in FIELDS.values()))


def bits_read(word: Word, core: CoreConfig) -> int:
    """Mask of the row's bits that the instruction depends on; the others may be anything.

    Addresses are as wide as the memory that they go to. The length `n` is compared with a counter and
    counts whole, even where the counter is shorter.
    """
    masks = _branch(word, core) if word.op == Op.BRANCH else _masks(core, bool(word.imm & PAIR)).get(word.op)
    masks = dict.fromkeys(FIELDS, ALL) if masks is None else {"op": ALL, **masks}
    found = 0
    for name, mask in masks.items():
        at, width = FIELDS[name]
        found |= (mask & ((1 << width) - 1)) << at
    return found


def _branch(word: Word, core: CoreConfig) -> dict[str, int]:
    # POSITION = 0 leaves POSITION += 1 without effect
    masks = {"imm": ALL, "rom": _ones(core.row_bits), "n": RESTART if word.n & RESTART else 3}
    if word.imm in (Condition.END, Condition.FULL, Condition.HEAD):
        masks["d"] = ALL
    if word.imm == Condition.HEAD:
        masks["a"] = _ones(core.activation_bits)
    return masks


def _masks(core: CoreConfig, pair: bool) -> Mapping[int, Mapping[str, int]]:
    row, act, res = (_ones(n) for n in (core.row_bits, core.activation_bits, core.residual_bits))
    cache, draw, sh = (_ones(n) for n in (core.cache_bits, core.draw_bits, SHIFT_BITS))
    columns = core.columns // 2 if pair else core.columns
    drain = {"rom": row, "a": _ones((columns - 1).bit_length()), "n": ALL, "sh": sh}
    index = max(res, _ones(core.token_bits))  # of a logit: its word, and the token
    return {
        Op.RECEIVE: {"imm": ALL},
        Op.EMIT: {},
        Op.MATVEC: {"rom": row, "a": act, "n": ALL},
        Op.DRAIN_A: {**drain, "d": act, "imm": PAIR},
        Op.DRAIN_T: {**drain, "imm": PAIR},
        Op.DRAIN_KV: {**drain, "d": cache, "imm": PAIR | STRIDE},
        Op.DRAIN_ADD: {**drain, "d": res, "imm": PAIR},
        Op.DRAIN_X: {**drain, "d": index, "imm": PAIR | MAXIMUM},
        Op.SUMSQ: {"n": ALL, "d": ALL},
        Op.RSQRT: {"rom": row},
        Op.RECIP: {"rom": row},
        Op.SCALE_A: {"n": ALL, "d": act, "sh": sh},
        Op.SCALE_X: {"n": ALL, "d": res, "sh": sh},
        Op.GAIN_A: {"rom": row, "n": ALL, "d": act, "sh": sh},
        Op.ROPE_A: {"rom": row, "a": act, "d": act, "n": ALL, "sh": sh, "imm": HEAD},
        Op.ROPE_KV: {"rom": row, "a": act, "d": cache, "n": ALL, "sh": sh, "imm": HEAD | HIGH},
        Op.SCORE: {"a": act, "d": cache, "n": ALL, "sh": sh, "imm": STRIDE | MAXIMUM},
        Op.EXP_T: {"rom": row},
        Op.SCALE_T: {"sh": sh},
        Op.MIX: {"a": cache, "d": act, "n": ALL, "sh": sh, "imm": STRIDE},
        Op.TABLE_A: {"rom": row, "a": act, "d": act, "n": ALL},
        Op.MUL: {"a": act, "d": act, "n": ALL, "sh": sh},
        Op.FACTOR: {"rom": row},
        Op.EMBED: {"rom": row, "n": ALL, "d": res, "sh": sh, "imm": HEAD},
        Op.HEAT: {"n": ALL, "d": act, "sh": sh},
        Op.EXP_A: {"rom": row, "a": act, "d": act, "n": ALL},
        Op.DRAW: {"rom": draw},
        Op.SELECT: {"rom": draw, "a": act, "n": ALL},
        Op.ARGMAX: {},
    }


def _ones(bits: int) -> int:
    return (1 << bits) - 1
