"""Small memories inside the vec tile: some reads and a write a cycle, each a module of its own."""

__all__ = ["Store"]

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out


class Store(wiring.Component):
    """A memory; what is addressed in a cycle is read in the next, as it was before that cycle's write.

    Args:
        width, depth: Bits of a word; words.
        reads: How many words are read at a time.
        granularity: Bits that are written or not.

    Attributes:
        read: Addresses and words.
        at, data, write: What is written where; a bit of `write` for each part.
    """

    def __init__(self, width: int, depth: int, reads: int, granularity: int) -> None:
        self.width, self.depth, self.granularity = width, depth, granularity
        bits = max(1, (depth - 1).bit_length())
        port = wiring.Signature({"at": In(bits), "data": Out(width)})
        super().__init__(
            {
                "read": Out(port).array(reads), "at": In(bits), "data": In(width),
                "write": In(width // granularity),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = Memory(shape=self.width, depth=self.depth, init=[])
        for port in self.read:
            inner = words.read_port()
            m.d.comb += [inner.addr.eq(port.at), inner.en.eq(1), port.data.eq(inner.data)]
        write = words.write_port(granularity=self.granularity)
        m.d.comb += [write.addr.eq(self.at), write.data.eq(self.data), write.en.eq(self.write)]
        return m
