"""From a request to its answer: the program of a die that has a whole model, or a part of one."""

__all__ = ["Decoder"]

from metal_configs.compile.program.choice import Choice
from metal_configs.compile.program.embedding import Embedding
from metal_configs.compile.program.layers import Layers
from metal_configs.compile.program.residual import ASKED, Message, header, receive, send
from metal_configs.compile.program.tokens import Tokens
from rtl_gen.golden.vec_isa import Condition, Kind

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
        self.tokens = Tokens(self.part, self.rows)
        self.embedding = Embedding(layers)
        self.choice = Choice(layers, self.tokens)
        self.token_bytes = self.tokens.size
        self.count_bytes = 1 if self.model.positions < 256 else 2
        if adapted:
            self._load()
        if spot is None:
            self._first()
        else:
            self._later(spot)

    def _first(self) -> None:
        """The die that the host sends requests to; if others follow, the host returns each token to it."""
        m, alone = self.model, self.part.last
        self.rows.label("start")
        self.rows.restart()
        if alone:
            self._text()
        else:
            self._header(Message.TEXT)
            self.tokens.pass_on(SEED_BYTES + BETA_BYTES)
        for n in range(self.count_bytes):
            self.rows.control(Kind.RECEIVE_COUNT, high=n)
        self.rows.branch(Condition.PROMPT_LEFT, "prompt")
        # Without a token, or with more than fit, the answer is an end.
        self.rows.label("refuse")
        self.rows.branch(Condition.PROMPT_LEFT, "discard")
        if not alone:
            self._header(Message.TOKEN)
        self.rows.control(Kind.TOKEN, value=m.ends[0] if m.ends else 0)
        self.tokens.emit()
        if not alone:
            self.tokens.receive()
        self.rows.branch(Condition.ALWAYS, "start")
        self.rows.label("discard")
        self.tokens.receive()
        self.rows.branch(Condition.ALWAYS, "refuse")
        self.rows.label("prompt")
        self.rows.branch(Condition.FULL, "refuse", m.positions)
        if self.part.spread:
            self._first_of_some()
            return
        self.tokens.receive()
        self.rows.label("token")
        self.embedding.look_up()
        self._layers()
        if alone:
            self.rows.branch(Condition.PROMPT_LEFT, "prompt")
            self.choice.whole()
        else:
            self._tell()
            self.rows.branch(Condition.PROMPT_LEFT, "prompt")
            self.tokens.receive()
        for end in m.ends:
            self.rows.branch(Condition.END, "start", end)
        self.rows.branch(Condition.FULL, "start", m.positions)
        self.rows.branch(Condition.ALWAYS, "token")

    def _first_of_some(self) -> None:
        """What it does for a token if others have rows of the embedding, too."""
        self.rows.label("token")
        self.embedding.asked_by_host(self._tell)
        self._advance()
        self.rows.branch(Condition.PROMPT_LEFT, "prompt")
        self.rows.branch(Condition.FULL, "full", self.model.positions)
        self.rows.branch(Condition.ALWAYS, "token")
        self.rows.label("full")
        self.tokens.receive()
        self.rows.branch(Condition.ALWAYS, "start")

    def _later(self, spot: tuple[int, int]) -> None:
        """A die that does what the one before it says."""
        part = self.part
        goes_on = part.greedy and bool(part.chooses) and not part.normalises
        self.rows.label("next")
        self.rows.control(Kind.RECEIVE_TOKEN)
        self.rows.branch(Condition.END, "text", self._heard + Message.TEXT)
        self.rows.branch(Condition.END, "token", self._heard + Message.TOKEN)
        if part.embeds:
            self.embedding.asked_by_die(lambda: receive(self.layers, spot))
        elif goes_on:
            self.choice.receive(spot)
        else:
            receive(self.layers, spot)
        if part.layers:
            self._layers()
            if self.layers.kept is not None:
                self.layers.heads.parts.recall(self.layers.kept)
        if part.normalises:
            self.rows.branch(Condition.END, "next", Message.MORE)
        if goes_on:
            self.choice.go_on()
        elif part.normalises and part.greedy:
            self.choice.begin()
        elif part.chooses:
            self.choice.whole()
        elif self._heard != self._said:
            self._tell_as(Condition.END, self._heard + Message.MORE)
        else:
            self.rows.control(Kind.EMIT, sync=True)
            send(self.layers)
        self.rows.branch(Condition.ALWAYS, "next")
        self.rows.label("text")
        self.rows.restart()
        if part.last:
            self._text()
        else:
            self._repeat(Message.TEXT)
            self.tokens.pass_on(SEED_BYTES + BETA_BYTES)
        self.rows.branch(Condition.ALWAYS, "next")
        self.rows.label("token")
        if not part.last:
            self._repeat(Message.TOKEN)
        self.tokens.receive()
        self.tokens.emit()
        self.rows.branch(Condition.ALWAYS, "next")

    @property
    def _heard(self) -> int:
        """What messages that come are more by."""
        return ASKED if self.part.spread and self.part.embeds and not self.part.first else 0

    @property
    def _said(self) -> int:
        """What messages that go are more by."""
        asks = self.part.spread and self.part.embeds
        return ASKED if asks and self.part.embeds.stop < self.model.shape.vocab else 0

    def _header(self, message: Message) -> None:
        header(self.layers, self._said + message)

    def _repeat(self, message: Message) -> None:
        """The message that came."""
        if self._heard == self._said:
            self.rows.control(Kind.EMIT, sync=True)
        else:
            self._header(message)

    def _load(self) -> None:
        """Take what of an adapter is for this die; what is for later ones goes on, as blocks and a 0."""
        self.layers.adapted.load()
        if self.part.last:
            return
        self.rows.label("block")
        self.rows.control(Kind.RECEIVE_COUNT)
        self.rows.branch(Condition.PROMPT_LEFT, "byte")
        self.rows.branch(Condition.ALWAYS, "loaded")
        self.rows.label("byte")
        self.tokens.pass_on(1)
        self.rows.branch(Condition.PROMPT_LEFT, "byte")
        self.rows.branch(Condition.ALWAYS, "block")
        self.rows.label("loaded")

    def _text(self) -> None:
        """What the choice of tokens needs to know of a text."""
        for _ in range(SEED_BYTES):
            self.rows.control(Kind.RECEIVE_SEED)
        self.rows.control(Kind.RECEIVE_BETA)

    def _layers(self) -> None:
        for n in self.part.layers:
            layer = self.model.layers[n]
            self.layers.attention(n, layer)
            self.layers.mlp(n, layer)
        self._advance()

    def _advance(self) -> None:
        """The next position."""
        stride = self.layers.caches.stride
        self.rows.control(Kind.ADVANCE, value=self.model.shape.head_dim, target=stride, sync=True)

    def _tell(self) -> None:
        """The residual, and whether a token is to be chosen behind it."""
        self._tell_as(Condition.PROMPT_LEFT)

    def _tell_as(self, more: Condition, value: int = 0) -> None:
        """The residual, behind which other tokens of the prompt come if that is so."""
        self.rows.begin("link")
        self.rows.branch(more, "more", value)
        self.rows.control(Kind.TOKEN, value=self._said + Message.LAST)
        self.rows.branch(Condition.ALWAYS, "tell")
        self.rows.label("more")
        self.rows.control(Kind.TOKEN, value=self._said + Message.MORE)
        self.rows.label("tell")
        self.rows.control(Kind.EMIT, sync=True)
        send(self.layers)
