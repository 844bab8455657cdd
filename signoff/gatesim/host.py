"""What the host sends: one request a generated text."""

__all__ = ["PLAIN", "Protocol", "Request", "exchanges", "request_bytes"]

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """How tokens travel, lowest byte first.

    Attributes:
        data: What the ports with bytes are called after rx_ and tx_.
        token_bytes: Of a token.
        count_bytes: Of the number of tokens in a prompt.
        loaded: What is sent after a reset, before all requests.
    """

    data: str = "data"
    token_bytes: int = 1
    count_bytes: int = 1
    loaded: bytes = b""


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
    """
    out = [(protocol.loaded, 0)] if protocol.loaded else []
    for r in requests:
        sent = r.seed.to_bytes(4, "little") + bytes([r.beta])
        sent += len(r.prompt).to_bytes(protocol.count_bytes, "little")
        for token in r.prompt:
            sent += token.to_bytes(protocol.token_bytes, "little")
        out.append((sent, len(r.expected) * protocol.token_bytes))
    return out


def request_bytes(requests: Sequence[Request], protocol: Protocol = PLAIN) -> bytes:
    """All that the host sends."""
    return b"".join(sent for sent, _ in exchanges(requests, protocol))
