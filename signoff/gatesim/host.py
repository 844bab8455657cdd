"""What the host sends: one request a generated text."""

__all__ = ["PLAIN", "Protocol", "Request", "exchanges", "request_bytes"]

from collections.abc import Sequence
from dataclasses import dataclass

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.token_bytes import to_bytes


@dataclass(frozen=True)
class Protocol:
    """How tokens travel (`rtl_gen.golden.token_bytes`), and numbers, lowest byte first.

    Attributes:
        data: What the ports with bytes are called after rx_ and tx_.
        token_bytes: Of a token.
        count_bytes: Of the number of tokens in a prompt.
        loaded: What is sent after a reset, before all requests.
        greedy: The chip finds the likeliest token, and draws none.
    """

    data: str = "data"
    token_bytes: int = 1
    count_bytes: int = 1
    loaded: bytes = b""
    greedy: bool = False

    def check(self, beta: int) -> None:
        """Raise FlowError if the chip cannot draw tokens and a request asks for it."""
        if self.greedy and beta:
            raise FlowError(
                "the head is cut over dies, none of which has all logits: no token can be drawn",
                hint="Build with --temperature 0, for the likeliest token.", code=ExitCode.USAGE,
            )  # fmt: skip


PLAIN = Protocol()


@dataclass(frozen=True)
class Request:
    """A text to generate.

    Attributes:
        prompt: Tokens, at least one.
        beta: Inverse temperature byte: 0 for the likeliest token, else 32 / temperature.
        seed: Of the generator, 1 .. 2**32 - 1.
        expected: Tokens that the golden model generates for it.
    """

    prompt: Sequence[int]
    beta: int
    seed: int
    expected: Sequence[int]

    def __post_init__(self) -> None:
        if not self.prompt or not self.expected:
            raise ValueError("a request has a prompt and expects tokens")
        if not 0 < self.seed < 1 << 32 or not 0 <= self.beta < 256:
            raise ValueError(f"seed {self.seed} or beta {self.beta} is out of range")


def exchanges(requests: Sequence[Request], protocol: Protocol = PLAIN) -> list[tuple[bytes, int]]:
    """What the host sends, one thing after another, each with the number of bytes that answer it.

    A request is four bytes of seed from the lowest, beta, prompt length, prompt.

    Raises:
        FlowError: A token is to be drawn, and the chip draws none.
    """
    out = [(protocol.loaded, 0)] if protocol.loaded else []
    for r in requests:
        protocol.check(r.beta)
        sent = r.seed.to_bytes(4, "little") + bytes([r.beta])
        sent += len(r.prompt).to_bytes(protocol.count_bytes, "little")
        for token in r.prompt:
            sent += to_bytes(token, protocol.token_bytes)
        out.append((sent, len(r.expected) * protocol.token_bytes))
    return out


def request_bytes(requests: Sequence[Request], protocol: Protocol = PLAIN) -> bytes:
    """All that the host sends."""
    return b"".join(sent for sent, _ in exchanges(requests, protocol))
