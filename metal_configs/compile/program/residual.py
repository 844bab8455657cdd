"""How words of 24 bits go from die to die: as three signed bytes, first the highest of all."""

__all__ = ["ASKED", "Message", "header", "receive", "receive_words", "send", "send_words"]

import enum
from collections.abc import Sequence
from typing import Any

from metal_configs.compile.program.attention import LESS12, largest
from metal_configs.compile.program.layers import Layers
from rtl_gen.golden.vec_isa import BLOCK, Dest, Kind, Op, Register, Value, Width, Write, X, joining

BYTE = 8
BYTES = 3  # of a word
ASKED = 252  # more than the high byte of a token: so much more messages are where tokens may come, too


class Message(enum.IntEnum):
    """The first byte of what a die sends to the next."""

    TEXT = 0  # seed and inverse temperature of a text that begins follow
    MORE = 1  # the residual of a token of a prompt, behind which others come
    LAST = 2  # the residual of a token, behind which one is to be chosen
    TOKEN = 3  # a token that the last die is to say


def header(layers: Layers, message: int) -> None:
    """Say what follows; the token is lost."""
    layers.rows.control(Kind.TOKEN, value=message)
    layers.rows.control(Kind.EMIT, sync=True)


def send(layers: Layers) -> None:
    """The residual to the next die."""
    send_words(layers, layers.model.shape.dim, layers.x, layers.w)


def send_words(layers: Layers, n: int, a: int, scratch: int) -> None:
    """Words of M from `a` on to the next die, by way of as many from `scratch` on.

    The lane writes the lowest 8 bits of a result to A. As signed bytes are what a ram tile multiplies, a word
    less its lowest byte is what it is when rounded to 256, so bytes are made from the lowest on; they leave
    from the highest on, as that is the one which is shifted before others are added to it. The highest may
    wrap, as the sum does that it becomes part of.
    """
    layers.rows.begin("link")
    layers.rows.vector(n, a, scratch, shift=BYTE, width=Width.SUM, dest=Dest.MEMORY)
    for at, shift in ((scratch, BYTE), (scratch, 0), (a, 0)):
        layers.rows.vector(n, at, 0, shift=shift, width=Width.SUM, dest=Dest.RAM_BYTES)
        layers.rows.row(Op.STEPS, n=n, write=Write.SEND)


def receive(layers: Layers, spot: tuple[int, int]) -> None:
    """A residual from the die before."""
    found = largest(Register.RESIDUAL, LESS12)
    receive_words(layers, spot, [(layers.x, layers.model.shape.dim, found)])


def receive_words(
    layers: Layers, spot: tuple[int, int], places: Sequence[tuple[int, int, dict[str, Any]]]
) -> None:
    """Words from the die before, by way of a row of a ram tile, `spot`, whose sums these bytes are.

    Args:
        places: In the order in which words come: where they go in M, how many, and what is found of them.
    """
    rows = layers.rows
    tile, row = spot
    only = rows.first_ram + tile
    rows.begin("link")
    for byte in range(BYTES):
        first, last = byte == 0, byte == BYTES - 1
        join = joining(begin=first, high=False, left=0 if last else BYTE)
        for x, n, found in places:
            for at in range(0, n, BLOCK):
                count = min(BLOCK, n - at)
                rows.row(Op.STEPS, only=only, row=row, n=count, x=X.HOST, write=Write.ALONG)
                rows.row(
                    Op.DRAIN, value=Value.JOIN, special=join, shift=-BYTE if first else 0, n=count,
                    a=x + at, d=x + at, width=Width.SUM, dest=Dest.MEMORY,
                    **(found | {"clear": found["clear"] and at == 0} if last else {}),
                )  # fmt: skip
                rows.row(Op.STEPS, only=only, row=row, n=1, x=X.ONE0, drain=1)
