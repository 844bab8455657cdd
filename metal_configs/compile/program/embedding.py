"""From a token to its residual: the codes that are looked up, and which die of a chain has them."""

__all__ = ["Embedding"]

import itertools
from collections.abc import Callable
from typing import Any

from metal_configs.compile.program.attention import LESS12
from metal_configs.compile.program.layers import Layers
from metal_configs.compile.program.part import HIGH
from metal_configs.compile.program.residual import ASKED, Message
from rtl_gen.golden.vec_isa import (
    BLOCK,
    LANE,
    STEPS,
    Condition,
    Dest,
    Element,
    Factor,
    Kind,
    Op,
    Place,
    Reduce,
    Register,
    RomWalk,
    Value,
    Walk,
    Width,
    X,
    joining,
)


class Embedding:
    """Writes rows for the tokens of the embedding that a die has.

    Args:
        layers: Of the die.
    """

    def __init__(self, layers: Layers) -> None:
        self._layers, self._rows = layers, layers.rows
        self._part, self._contents = layers.contents.part, layers.contents

    def look_up(self) -> None:
        """Codes of the token, one a step, each row of tiles by itself.

        The token is the whole model's: row and word are begun lower by what the first one here is, modulo.
        """
        m, start = self._contents.model, self._part.embeds.start
        blocks = self._contents.array.blocks(self._part.embedding)
        stride = blocks[1].row - blocks[0].row if len(blocks) > 1 else 0
        self._rows.begin("embedding")
        self._rows.control(Kind.TOKEN_ROWS, value=stride, sync=True)
        first, cuts = blocks[0].chunks[0][0], blocks[0].inputs
        f, largest = m.embed.factors, max(p.shift for p in first.parts)
        factors = (self._contents.at["embed"] - start) % (1 << LANE["rom"])
        row = blocks[0].row - start // BLOCK * stride
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
                        "a": self._layers.w + at,
                    }
                    common |= {"width": Width.SUM, "dest": Dest.MEMORY}
                    if p.shift:
                        self._rows.row(Op.DRAIN, d=self._layers.w + at, **common)
                    else:
                        self._rows.row(
                            Op.DRAIN, d=self._layers.x + at, factor=Factor.ROM, rom=factors,
                            rom_walk=RomWalk.TOKEN,
                            element=Element.ROM, shift=f.shift, reduce=Reduce.LARGEST, clear=clear,
                            to=Register.RESIDUAL, less=LESS12, **common,
                        )  # fmt: skip
                        clear = False
                    self._rows.row(
                        Op.STEPS, only=1 + self._rows.skipped + r,
                        row=(row + p.row) % (1 << STEPS["row"]), plane=p.plane.number,
                        n=count,
                        x=X.ONE1 if k else X.ONE0, each=1, place=Place.TOKEN, drain=1,
                    )  # fmt: skip

    def asked_by_host(self, send: Callable[[], None]) -> None:
        """A token of the host, by the first die: embedded here, or asked of a die behind.

        Behind what is asked follows whether a token is to be chosen, as behind what is embedded. Only a token
        behind a prompt ends a text; which it is, is known until its low byte has come.

        Args:
            send: Sends the residual, with what it is.
        """
        rows = self._rows
        rows.begin("embedding")
        rows.control(Kind.TOKEN)
        rows.control(Kind.RECEIVE_TOKEN, high=1)
        for high in self._highs():
            rows.branch(Condition.END, "own", high * HIGH)
        rows.control(Kind.EMIT, high=1, sync=True)
        self._rest("asked", passed=True)
        rows.branch(Condition.PROMPT_LEFT, "asked more")
        rows.control(Kind.TOKEN, value=ASKED + Message.LAST)
        rows.branch(Condition.ALWAYS, "say kind")
        rows.label("asked more")
        rows.control(Kind.TOKEN, value=ASKED + Message.MORE)
        rows.label("say kind")
        rows.control(Kind.EMIT, sync=True)
        rows.branch(Condition.ALWAYS, "done")
        rows.label("own")
        self._rest("given", passed=False)
        self.look_up()
        send()
        rows.label("done")

    def asked_by_die(self, receive: Callable[[], None]) -> None:
        """What comes to a later die, whose first byte is here: a token to embed, here or behind; a residual.

        At the end there is a residual, and the token is what it is for. If a text follows in its place, the
        token was its end.

        Args:
            receive: Takes a residual.
        """
        rows = self._rows
        rows.begin("embedding")
        for high in self._highs():
            rows.branch(Condition.END, "own", high)
        if self._behind:
            rows.branch(Condition.END, "residual", ASKED + Message.MORE)
            rows.branch(Condition.END, "residual", ASKED + Message.LAST)
            rows.control(Kind.EMIT, sync=True)
            self._whole(passed=True)
            rows.control(Kind.RECEIVE_TOKEN)
            rows.branch(Condition.END, "text", ASKED + Message.TEXT)
            rows.control(Kind.EMIT, sync=True)
            rows.branch(Condition.ALWAYS, "next")
        else:
            rows.branch(Condition.ALWAYS, "residual")
        rows.label("own")
        self._whole(passed=False)
        self.look_up()
        rows.control(Kind.RECEIVE_TOKEN, sync=True)  # the lane needs the token until it has the last factor
        rows.branch(Condition.END, "text", ASKED + Message.TEXT)
        rows.branch(Condition.ALWAYS, "embedded")
        rows.label("residual")
        receive()
        rows.label("embedded")

    @property
    def _behind(self) -> bool:
        """Dies behind have tokens, too."""
        return self._part.embeds.stop < self._contents.model.shape.vocab

    def _highs(self) -> range:
        return range(self._part.embeds.start // HIGH, -(-self._part.embeds.stop // HIGH))

    def _whole(self, *, passed: bool) -> None:
        """What follows the first byte of a token; passed on, or not."""
        for n in range(2):
            self._rows.control(Kind.RECEIVE_TOKEN, high=n)
            if passed:
                self._rows.control(Kind.EMIT, high=n, sync=True)

    def _rest(self, name: str, *, passed: bool) -> None:
        """What follows the first byte of a token of the host; one behind the prompt may end the text."""
        self._rows.branch(Condition.PROMPT_LEFT, f"{name} in a prompt")
        self._whole(passed=passed)
        for end in self._contents.model.ends:
            self._rows.branch(Condition.END, "start", end)
        self._rows.branch(Condition.ALWAYS, name)
        self._rows.label(f"{name} in a prompt")
        self._whole(passed=passed)
        self._rows.label(name)
