"""How a residual goes from die to die: words of 24 bits as three signed bytes, first the highest of all."""

__all__ = ["Message", "header", "receive", "send"]

import enum
from typing import Any

from metal_configs.compile.program.attention import LESS12, largest
from metal_configs.compile.program.layers import Layers
from rtl_gen.golden.vec_isa import BLOCK, Dest, Kind, Op, Register, Value, Width, Write, X, joining

BYTE = 8
BYTES = 3  # of a word


class Message(enum.IntEnum):
    """The first byte of what a die sends to the next."""

    TEXT = 0  # seed and inverse temperature of a text that begins follow
    MORE = 1  # the residual of a token of a prompt, behind which others come
    LAST = 2  # the residual of a token, behind which one is to be chosen
    TOKEN = 3  # a token that the last die is to say


def header(layers: Layers, message: Message) -> None:
    """Say what follows; the token is lost."""
    layers.rows.control(Kind.TOKEN, value=message)
    layers.rows.control(Kind.EMIT, sync=True)


def send(layers: Layers) -> None:
    """The residual to the next die.

    The lane writes the lowest 8 bits of a result to A. As signed bytes are what a ram tile multiplies, a word
    less its lowest byte is what it is when rounded to 256, so bytes are made from the lowest on; they leave
    from the highest on, as that is the one which is shifted before others are added to it. The highest may
    wrap, as the sum does that it becomes part of.
    """
    n, x, w = layers.model.shape.dim, layers.x, layers.w
    layers.rows.begin("link")
    layers.rows.vector(n, x, w, shift=BYTE, width=Width.SUM, dest=Dest.MEMORY)
    for a, shift in ((w, BYTE), (w, 0), (x, 0)):
        layers.rows.vector(n, a, 0, shift=shift, width=Width.SUM, dest=Dest.RAM_BYTES)
        layers.rows.row(Op.STEPS, n=n, write=Write.SEND)


def receive(layers: Layers, spot: tuple[int, int]) -> None:
    """A residual from the die before, by way of a row of a ram tile, `spot`, whose sums these bytes are."""
    rows, n, x = layers.rows, layers.model.shape.dim, layers.x
    tile, row = spot
    only = rows.first_ram + tile
    rows.begin("link")
    for byte in range(BYTES):
        first, last = byte == 0, byte == BYTES - 1
        for at in range(0, n, BLOCK):
            count = min(BLOCK, n - at)
            rows.row(Op.STEPS, only=only, row=row, n=count, x=X.HOST, write=Write.ALONG)
            found: dict[str, Any] = largest(Register.RESIDUAL, LESS12, clear=at == 0) if last else {}
            join = joining(begin=first, high=False, left=0 if last else BYTE)
            rows.row(
                Op.DRAIN, value=Value.JOIN, special=join, shift=-BYTE if first else 0, n=count,
                a=x + at, d=x + at, width=Width.SUM, dest=Dest.MEMORY, **found,
            )  # fmt: skip
            rows.row(Op.STEPS, only=only, row=row, n=1, x=X.ONE0, drain=1)
