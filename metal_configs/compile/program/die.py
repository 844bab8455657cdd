"""The program of a die of one column of tiles: any Llama-shaped model that fits, as rows of its vec tile."""

__all__ = ["compile_die"]

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from metal_configs.compile.program.attention import LESS12, largest, lines
from metal_configs.compile.program.caches import Caches, Room
from metal_configs.compile.program.contents import Contents
from metal_configs.compile.program.layers import Layers
from metal_configs.compile.program.rows import Rows
from rtl_gen.golden.array import ArrayModel
from rtl_gen.golden.decoder import DRAW_BITS
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.formats import (
    SCORE_FRACTION,
)
from rtl_gen.golden.model import Model
from rtl_gen.golden.vec_isa import (
    Condition,
    Dest,
    Element,
    Factor,
    Kind,
    Op,
    Place,
    Post,
    Reduce,
    Register,
    RomWalk,
    Table,
    Value,
    Walk,
    Width,
    X,
    joining,
    special,
)
from rtl_gen.golden.vector import EXP_INDEX

SEED_BYTES = 4


def compile_die(
    model: Model,
    array: ArrayModel,
    ram_rows: int,
    ram_words: int,
    ranks: Mapping[str, int] | None = None,
    skipped: int = 0,
) -> DieImage:
    """Lay a model on a die.

    Args:
        model: The integers.
        array: Empty rom tiles, one column of them; filled here.
        ram_rows, ram_words: Ram tiles to the south of them, and rows of each.
        ranks: Of the adapters that the host loads, by the name of the matrix; None without adapters.
        skipped: Rows of rom tiles that the vec tile sends steps to beyond those of the array.

    Raises:
        FlowError: It does not fit; the message says which memory, and by how much.
    """
    s, positions = model.shape, model.positions
    room = Room(ram_rows, ram_words)
    caches = Caches.of(s.layers, s.kv_heads, s.head_dim, positions, room)
    contents = Contents(model, array)
    rows = Rows(skipped, array.grid[0], ram_rows)
    decoder = _Decoder(Layers(contents, caches, rows, ranks or {}, room))
    rom_bytes = max(contents.read(n) for n in contents.matrices())
    return DieImage(
        array, skipped, ram_rows, ram_words, decoder.layers.memory, (rom_bytes, decoder.layers.ram_bytes),
        decoder.rows.resolved(positions), tuple(decoder.rows.phases),
        np.array(contents.words, np.int64).astype(np.uint16), positions, decoder.token_bytes,
        decoder.count_bytes, decoder.layers.adapted.place,
    )  # fmt: skip


class _Decoder:
    """From a request to its answer."""

    def __init__(self, layers: Layers) -> None:
        self.layers, self.contents, self.rows = layers, layers.contents, layers.rows
        self.model = layers.model
        self.token_bytes = 1 if self.model.shape.vocab <= 256 else 2
        self.count_bytes = 1 if self.model.positions < 256 else 2
        self._decoder()

    def _decoder(self) -> None:
        m = self.model
        self.layers.adapted.load()
        self.rows.label("start")
        self.rows.restart()
        for _ in range(SEED_BYTES):
            self.rows.control(Kind.RECEIVE_SEED)
        self.rows.control(Kind.RECEIVE_BETA)
        for n in range(self.count_bytes):
            self.rows.control(Kind.RECEIVE_COUNT, high=n)
        self.rows.branch(Condition.PROMPT_LEFT, "prompt")
        # Without a token, or with more than fit, the answer is an end.
        self.rows.label("refuse")
        self.rows.branch(Condition.PROMPT_LEFT, "discard")
        self.rows.control(Kind.TOKEN, value=m.ends[0] if m.ends else 0)
        self._emit()
        self.rows.branch(Condition.ALWAYS, "start")
        self.rows.label("discard")
        self._receive()
        self.rows.branch(Condition.ALWAYS, "refuse")
        self.rows.label("prompt")
        self.rows.branch(Condition.FULL, "refuse", m.positions)
        self._receive()
        self.rows.label("token")
        self.rows.begin("embedding")
        self._embed()
        for n, layer in enumerate(m.layers):
            self.layers.attention(n, layer)
            self.layers.mlp(n, layer)
        # Keys of a chunk take a row for each element, and one for exponents.
        hd = m.shape.head_dim
        self.rows.control(Kind.ADVANCE, value=hd, target=hd + 1, sync=True)
        self.rows.branch(Condition.PROMPT_LEFT, "prompt")
        self._head()
        self._emit()
        for end in m.ends:
            self.rows.branch(Condition.END, "start", end)
        self.rows.branch(Condition.FULL, "start", m.positions)
        self.rows.branch(Condition.ALWAYS, "token")

    def _receive(self) -> None:
        for n in range(self.token_bytes):
            self.rows.control(Kind.RECEIVE_TOKEN, high=n)

    def _emit(self) -> None:
        for n in range(self.token_bytes):
            self.rows.control(Kind.EMIT, high=n, sync=True)

    def _embed(self) -> None:
        """Codes of the token, one a step, each row of tiles by itself."""
        m = self.model
        name = "head" if m.shape.tied else "embed"
        blocks = self.contents.array.blocks(name)
        stride = blocks[1].row - blocks[0].row if len(blocks) > 1 else 0
        self.rows.control(Kind.TOKEN_ROWS, value=stride, sync=True)
        first, cuts = blocks[0].chunks[0][0], blocks[0].inputs
        f, largest = m.embed.factors, max(p.shift for p in first.parts)
        factors = self.contents.at["embed"]
        clear = True
        for p in first.parts:
            for r, (begin, end) in enumerate(itertools.pairwise(cuts)):
                for k in range(2):
                    count = min(p.rows, -(-(end - begin - p.first - k) // 2))
                    if count <= 0:
                        continue
                    at = begin + p.first + k
                    join = joining(begin=p.shift == largest, high=p.plane.scale == 4, left=p.shift)
                    common: dict[str, Any] = {
                        "value": Value.JOIN,
                        "special": join,
                        "walk": Walk.SPREAD,
                        "n": count,
                        "a": self.layers.w + at,
                    }
                    common |= {"width": Width.SUM, "dest": Dest.MEMORY}
                    if p.shift:
                        self.rows.row(Op.DRAIN, d=self.layers.w + at, **common)
                    else:
                        self.rows.row(
                            Op.DRAIN, d=self.layers.x + at, factor=Factor.ROM, rom=factors,
                            rom_walk=RomWalk.TOKEN,
                            element=Element.ROM, shift=f.shift, reduce=Reduce.LARGEST, clear=clear,
                            to=Register.RESIDUAL, less=LESS12, **common,
                        )  # fmt: skip
                        clear = False
                    self.rows.row(
                        Op.STEPS, only=1 + self.rows.skipped + r,
                        row=blocks[0].row + p.row, plane=p.plane.number,
                        n=count,
                        x=X.ONE1 if k else X.ONE0, each=1, place=Place.TOKEN, drain=1,
                    )  # fmt: skip

    def _head(self) -> None:
        """The next token."""
        m, s = self.model, self.model.shape
        logits = self.layers.w + lines(s.dim)
        self.layers.norm("head" if m.final is None else "final")
        if m.final is not None:
            self.layers.times(
                "final",
                m.final,
                self.layers.w,
                minus=Register.INPUT,
                width=Width.WORD,
                **largest(Register.QUERY),
            )
            self.layers.activations("head", s.dim, self.layers.w, Register.QUERY)
        exponent = Register.INPUT if m.final is None else Register.QUERY
        self.layers.times(
            "head", m.head, logits, minus=exponent, width=Width.SUM, reduce=Reduce.MAXIMUM, clear=1
        )
        self.rows.begin("head")
        self.rows.branch(Condition.GREEDY, "greedy")
        self.rows.vector(
            s.vocab, logits, logits, value=Value.DISTANCE, factor=Factor.BETA, shift=m.beta_shift,
            width=Width.DISTANCE, dest=Dest.MEMORY,
        )  # fmt: skip
        self.rows.vector(
            s.vocab, logits, logits, value=Value.DELTA, special=special(table=Table.EXP),
            rom=self.contents.at["exp2"], shift=SCORE_FRACTION - EXP_INDEX, width=Width.SUM, post=Post.DRAW,
            dest=Dest.MEMORY, reduce=Reduce.SUM, clear=1,
        )  # fmt: skip
        self.rows.control(Kind.DRAW, value=DRAW_BITS + (s.vocab - 1).bit_length(), sync=True)
        self.rows.vector(s.vocab, logits, 0, width=Width.SUM, reduce=Reduce.SELECT)
        self.rows.branch(Condition.ALWAYS, "chosen")
        self.rows.label("greedy")
        self.rows.control(Kind.ARGMAX, value=logits, sync=True)
        self.rows.label("chosen")
