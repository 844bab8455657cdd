"""From the last residual to a token: on one die, or on some that each have part of the head."""

__all__ = ["Choice"]

from metal_configs.compile.program.attention import largest, lines
from metal_configs.compile.program.layers import MEMORY, Layers
from metal_configs.compile.program.residual import receive_words, send_words
from metal_configs.compile.program.tokens import Tokens
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.formats import SCORE_FRACTION
from rtl_gen.golden.sampling import DRAW_BITS
from rtl_gen.golden.vec_isa import (
    CONTROL,
    LINE,
    Condition,
    Dest,
    Factor,
    Kind,
    Post,
    Reduce,
    Register,
    Table,
    Value,
    Width,
    special,
)
from rtl_gen.golden.vector import EXP_INDEX

VANISHES = 40  # a shift that leaves nothing of a word
FIRST = 0  # word of M where the largest logit of the dies before comes


class Choice:
    """Writes rows for the tokens of the head that a die has.

    Args:
        layers: Of the die.
        tokens: Of the chain.

    Raises:
        FlowError: More tokens than M has addresses, by which they are told apart.
    """

    def __init__(self, layers: Layers, tokens: Tokens) -> None:
        self._layers, self._rows, self._tokens = layers, layers.rows, tokens
        self._part, self._contents = layers.contents.part, layers.contents
        self._begin = 0 if self._part.normalises else FIRST + LINE  # the address that stands for the first
        if self._part.greedy and self._begin + len(self._part.chooses) > MEMORY:
            raise FlowError(
                f"{len(self._part.chooses):,} tokens of the head are told apart by addresses of M, of which"
                f" there are {MEMORY - self._begin:,}",
                hint="Take more dies.", code=ExitCode.USAGE,
            )  # fmt: skip

    def whole(self) -> None:
        """The next token."""
        m, s = self._contents.model, self._contents.model.shape
        rows, logits = self._rows, self._layers.w + lines(s.dim)
        exponent = self._normalised()
        self._layers.times(
            "head", m.head, logits, minus=exponent, width=Width.SUM, reduce=Reduce.MAXIMUM, clear=1
        )
        rows.begin("head")
        rows.branch(Condition.GREEDY, "greedy")
        rows.vector(
            s.vocab, logits, logits, value=Value.DISTANCE, factor=Factor.BETA, shift=m.beta_shift,
            width=Width.DISTANCE, dest=Dest.MEMORY,
        )  # fmt: skip
        rows.vector(
            s.vocab, logits, logits, value=Value.DELTA, special=special(table=Table.EXP),
            rom=self._contents.at["exp2"], shift=SCORE_FRACTION - EXP_INDEX, width=Width.SUM, post=Post.DRAW,
            dest=Dest.MEMORY, reduce=Reduce.SUM, clear=1,
        )  # fmt: skip
        rows.control(Kind.DRAW, value=DRAW_BITS + (s.vocab - 1).bit_length(), sync=True)
        rows.vector(s.vocab, logits, 0, width=Width.SUM, reduce=Reduce.SELECT)
        rows.branch(Condition.ALWAYS, "chosen")
        rows.label("greedy")
        rows.control(Kind.ARGMAX, value=logits, sync=True)
        rows.label("chosen")
        self._tokens.emit()

    def begin(self) -> None:
        """The first of some dies: what the others multiply, the largest logit so far, and its token."""
        self._multiply(self._normalised(), clear=1)
        self._send(self._layers.w, self._layers.x)
        self._rows.begin("head")
        self._choose()
        self._tokens.emit()

    def receive(self, spot: tuple[int, int]) -> None:
        """A later die: the largest logit so far comes last, so that the first of equals is chosen."""
        words = self._layers.x + LINE
        best = {"reduce": Reduce.MAXIMUM, "clear": 1}
        receive_words(
            self._layers, spot,
            [(words, self._contents.model.shape.dim, largest(Register.QUERY)), (FIRST, 1, best)],
        )  # fmt: skip

    def go_on(self) -> None:
        """What comes is compared with the logits of this die, and all sent on as it came."""
        rows, words = self._rows, self._layers.x + LINE
        dim = self._contents.model.shape.dim
        self._layers.activations("head", dim, words, Register.QUERY)
        self._multiply(Register.QUERY, clear=0)
        if not self._part.last:
            self._send(words, self._layers.w)
        rows.begin("head")
        theirs = self._choose(FIRST)
        rows.branch(Condition.END, "theirs", theirs)
        self._tokens.emit()
        self._tokens.receive()  # theirs is not the one
        rows.branch(Condition.ALWAYS, "next")
        rows.label("theirs")
        self._tokens.receive()
        self._tokens.emit()

    def _normalised(self) -> Register:
        """From the residual what the head multiplies: words at w, and activations; returns their exponent."""
        m, layers = self._contents.model, self._layers
        layers.norm("head" if m.final is None else "final")
        if m.final is None:
            return Register.INPUT
        layers.times(
            "final",
            m.final,
            layers.w,
            minus=Register.INPUT,
            width=Width.WORD,
            **largest(Register.QUERY),
        )
        layers.activations("head", m.shape.dim, layers.w, Register.QUERY)
        return Register.QUERY

    def _multiply(self, exponent: Register, *, clear: int) -> None:
        """The largest logit, and an address that stands for its token; logits are not kept."""
        self._layers.times(
            "head", self._part.matrices()["head"], self._begin, minus=exponent, width=Width.SUM,
            reduce=Reduce.MAXIMUM, clear=clear, dest=Dest.NONE,
        )  # fmt: skip

    def _send(self, words: int, scratch: int) -> None:
        """That there is a token to choose; what is multiplied, and behind it the largest logit."""
        rows, dim = self._rows, self._contents.model.shape.dim
        rows.begin("link")
        rows.control(Kind.EMIT, sync=True)
        best = words + dim
        rows.vector(1, words, best, shift=VANISHES, width=Width.SUM, dest=Dest.MEMORY)
        rows.vector(1, best, best, value=Value.DISTANCE, width=Width.SUM, dest=Dest.MEMORY)
        send_words(self._layers, dim + 1, words, scratch)

    def _choose(self, address: int = 0) -> int:
        """The token whose logit is the largest; returns what stands for that of an address."""
        value = (self._begin - self._part.chooses.start) % (1 << CONTROL["value"])
        self._rows.control(Kind.ARGMAX, value=value, sync=True)
        return (address - value) % (1 << CONTROL["value"])
