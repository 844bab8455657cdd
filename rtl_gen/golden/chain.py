"""The golden model of a chain: dies, each of which says what the next one hears, and a host at its ends."""

__all__ = ["LINK", "ChainModel", "loading"]

from collections.abc import Collection, Sequence
from dataclasses import replace

from rtl_gen.golden.adapter import Adapter
from rtl_gen.golden.die_image import DieImage
from rtl_gen.golden.vec import VecModel

# Cycles from a byte that leaves a die to the same at the next one: a register on each side of the byte link,
# and the memory behind them. Wires from pad to pad take none here.
LINK = 3
BLOCK = 255  # bytes for later dies that are sent together, at most


def loading(dies: Sequence[DieImage], adapter: Adapter | None) -> bytes:
    """What a host sends to the first die of a chain after a reset, before requests; None adds to no sum.

    A die takes the rows that are its own. What is for those behind it comes as blocks, each a byte that says
    how many bytes follow, and a 0; it sends on what the blocks hold.

    Raises:
        FlowError: The adapter has not the shape that there is room for, or a factor that the tiles cannot
            have.
    """
    held = [die.adapters.outer.keys() for die in dies]
    sent = b""
    for n in reversed(range(len(dies))) if any(held) else ():
        if n + 1 < len(dies):
            blocks = [sent[at : at + BLOCK] for at in range(0, len(sent), BLOCK)]
            sent = b"".join(bytes([len(block)]) + block for block in blocks) + bytes(1)
        sent = dies[n].adapters.load(_without(adapter, held[:n] + held[n + 1 :])) + sent
    return sent


def _without(adapter: Adapter | None, held: Sequence[Collection[str]]) -> Adapter | None:
    """What of an adapter other dies do not hold."""
    if adapter is None:
        return None
    others = set[str]().union(*held)
    return replace(adapter, pairs={name: p for name, p in adapter.pairs.items() if name not in others})


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
