"""The golden model of a chain: dies, each of which says what the next one hears, and a host at its ends."""

__all__ = ["LINK", "ChainModel"]

from collections.abc import Sequence

from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.vec import VecModel

# Cycles from a byte that leaves a die to the same at the next one: a register on each side of the byte link,
# and the memory behind them. Wires from pad to pad take none here.
LINK = 3


class ChainModel:
    """Dies that run their programs, the next beginning as soon as bytes come.

    Cycles are right as long as no die waits until the next one takes its bytes: for every token that follows
    another, not for a prompt, of which a die may send a token's residual before the next has done the last.

    Attributes:
        dies: In the order in which bytes pass.
    """

    def __init__(self, images: Sequence[DieImage]) -> None:
        self.dies = [VecModel(image) for image in images]

    @property
    def said_at(self) -> list[int]:
        """Cycles in which bytes left the last die."""
        return self.dies[-1].said_at

    def send(self, data: bytes, at: Sequence[int] | None = None) -> bytes:
        """Bytes for the first die, in those cycles as for `VecModel.send`; returns what the last one says."""
        for die in self.dies:
            before = len(die.said_at)
            data = die.send(data, at)
            at = [cycle + LINK for cycle in die.said_at[before:]]
        return data

    def answer(self, request: bytes) -> bytes:
        """All that is said to a request, if the host returns each byte in the cycle after it came."""
        answer, said = b"", self.send(request)
        while said:
            answer += said
            said = self.send(said, [cycle + 1 for cycle in self.said_at[-len(said) :]])
        return answer
