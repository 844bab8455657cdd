"""What the host sends: one request a generated text."""

__all__ = ["Request", "request_bytes"]

from collections.abc import Sequence
from dataclasses import dataclass


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


def request_bytes(requests: Sequence[Request]) -> bytes:
    """The byte stream of requests: four bytes of seed from the lowest, beta, prompt length, prompt."""
    out = bytearray()
    for r in requests:
        out += r.seed.to_bytes(4, "little") + bytes([r.beta, len(r.prompt), *r.prompt])
    return bytes(out)
