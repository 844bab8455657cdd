"""From a request to its answer: the program of a die that has a whole model, or a part of one."""

__all__ = ["Decoder"]

import itertools
from typing import Any

from metal_configs.compile.program.attention import LESS12, largest, lines
from metal_configs.compile.program.layers import Layers
from metal_configs.compile.program.residual import Message, header, receive, send
from rtl_gen.golden.formats import SCORE_FRACTION
from rtl_gen.golden.sampling import DRAW_BITS
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
BETA_BYTES = 1


class Decoder:
    """Writes the program of a die.

    Args:
        layers: Of the die.
        spot: Tile and row of the ram tiles by which residuals come, for a die that does not embed.
        adapted: The chain takes an adapter, whether any of it is for this die or not.

    Attributes:
        token_bytes, count_bytes: Of a token and of the number of tokens of a prompt.
    """

    def __init__(self, layers: Layers, spot: tuple[int, int] | None, *, adapted: bool) -> None:
        self.layers, self.contents, self.rows = layers, layers.contents, layers.rows
        self.model, self.part = layers.model, layers.contents.part
        self.token_bytes = 1 if self.model.shape.vocab <= 256 else 2
        self.count_bytes = 1 if self.model.positions < 256 else 2
        if adapted:
            self._load()
        if spot is None:
            self._first()
        else:
            self._later(spot)

    def _first(self) -> None:
        """The die that the host sends requests to; if others follow, the host returns each token to it."""
        m, alone = self.model, self.part.chooses
        self.rows.label("start")
        self.rows.restart()
        if alone:
            self._text()
        else:
            header(self.layers, Message.TEXT)
            self._pass(SEED_BYTES + BETA_BYTES)
        for n in range(self.count_bytes):
            self.rows.control(Kind.RECEIVE_COUNT, high=n)
        self.rows.branch(Condition.PROMPT_LEFT, "prompt")
        # Without a token, or with more than fit, the answer is an end.
        self.rows.label("refuse")
        self.rows.branch(Condition.PROMPT_LEFT, "discard")
        if not alone:
            header(self.layers, Message.TOKEN)
        self.rows.control(Kind.TOKEN, value=m.ends[0] if m.ends else 0)
        self._emit()
        if not alone:
            self._receive()
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
        self._layers()
        if alone:
            self.rows.branch(Condition.PROMPT_LEFT, "prompt")
            self._head()
            self._emit()
        else:
            self._tell()
            self.rows.branch(Condition.PROMPT_LEFT, "prompt")
            self._receive()
        for end in m.ends:
            self.rows.branch(Condition.END, "start", end)
        self.rows.branch(Condition.FULL, "start", m.positions)
        self.rows.branch(Condition.ALWAYS, "token")

    def _later(self, spot: tuple[int, int]) -> None:
        """A die that does what the one before it says."""
        last = self.part.chooses
        self.rows.label("next")
        self.rows.control(Kind.RECEIVE_TOKEN)
        self.rows.branch(Condition.END, "text", Message.TEXT)
        self.rows.branch(Condition.END, "token", Message.TOKEN)
        receive(self.layers, spot)
        self._layers()
        if last:
            self.rows.branch(Condition.END, "next", Message.MORE)
            self._head()
            self._emit()
        else:
            self.rows.control(Kind.EMIT, sync=True)
            send(self.layers)
        self.rows.branch(Condition.ALWAYS, "next")
        self.rows.label("text")
        self.rows.restart()
        if last:
            self._text()
        else:
            self.rows.control(Kind.EMIT, sync=True)
            self._pass(SEED_BYTES + BETA_BYTES)
        self.rows.branch(Condition.ALWAYS, "next")
        self.rows.label("token")
        if not last:
            self.rows.control(Kind.EMIT, sync=True)
        self._receive()
        self._emit()
        self.rows.branch(Condition.ALWAYS, "next")

    def _load(self) -> None:
        """Take what of an adapter is for this die; what is for later ones goes on, as blocks and a 0."""
        self.layers.adapted.load()
        if self.part.chooses:
            return
        self.rows.label("block")
        self.rows.control(Kind.RECEIVE_COUNT)
        self.rows.branch(Condition.PROMPT_LEFT, "byte")
        self.rows.branch(Condition.ALWAYS, "loaded")
        self.rows.label("byte")
        self._pass(1)
        self.rows.branch(Condition.PROMPT_LEFT, "byte")
        self.rows.branch(Condition.ALWAYS, "block")
        self.rows.label("loaded")

    def _text(self) -> None:
        """What the choice of tokens needs to know of a text."""
        for _ in range(SEED_BYTES):
            self.rows.control(Kind.RECEIVE_SEED)
        self.rows.control(Kind.RECEIVE_BETA)

    def _pass(self, count: int) -> None:
        """Bytes to the next die, as they come."""
        for _ in range(count):
            self.rows.control(Kind.RECEIVE_TOKEN)
            self.rows.control(Kind.EMIT, sync=True)

    def _layers(self) -> None:
        for n in self.part.layers:
            layer = self.model.layers[n]
            self.layers.attention(n, layer)
            self.layers.mlp(n, layer)
        # Keys of a chunk take a row for each element, and one for exponents.
        hd = self.model.shape.head_dim
        self.rows.control(Kind.ADVANCE, value=hd, target=hd + 1, sync=True)

    def _tell(self) -> None:
        """The residual, and whether a token is to be chosen behind it."""
        self.rows.begin("link")
        self.rows.branch(Condition.PROMPT_LEFT, "more")
        self.rows.control(Kind.TOKEN, value=Message.LAST)
        self.rows.branch(Condition.ALWAYS, "tell")
        self.rows.label("more")
        self.rows.control(Kind.TOKEN, value=Message.MORE)
        self.rows.label("tell")
        self.rows.control(Kind.EMIT, sync=True)
        send(self.layers)

    def _receive(self) -> None:
        for n in range(self.token_bytes):
            self.rows.control(Kind.RECEIVE_TOKEN, high=n)

    def _emit(self) -> None:
        for n in range(self.token_bytes):
            self.rows.control(Kind.EMIT, high=n, sync=True)

    def _embed(self) -> None:
        """Codes of the token, one a step, each row of tiles by itself."""
        m = self.model
        blocks = self.contents.array.blocks(self.part.embedding)
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
