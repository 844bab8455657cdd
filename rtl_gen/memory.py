"""A small memory of flip-flops: one write port, one port that reads in the same cycle."""

__all__ = ["ReadWriteMemory"]

from amaranth.hdl import Elaboratable, Module, Shape, Signal
from amaranth.lib.memory import Memory, ReadPort, WritePort

from rtl_gen.names import NO_PORT


class ReadWriteMemory(Elaboratable):
    """`depth` words; contents are undefined until written.

    Attributes:
        read_address, read_data: Combinational.
        write_address, write_data, write_enable: Taken at the clock edge.
    """

    def __init__(self, shape: Shape, depth: int) -> None:
        self.shape, self.depth = Shape.cast(shape), depth
        bits = max(1, (depth - 1).bit_length())
        self.read_address = Signal(bits)
        self.read_data = Signal(shape)
        self.write_address = Signal(bits)
        self.write_data = Signal(shape)
        self.write_enable = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = Memory(shape=self.shape, depth=self.depth, init=[])
        # With names: those that Amaranth infers differ between versions of Python.
        like = {"addr_width": len(self.read_address), "shape": self.shape}
        read = ReadPort(ReadPort.Signature(**like), memory=words, domain="comb", path=(NO_PORT,))
        write = WritePort(WritePort.Signature(**like), memory=words, domain="sync", path=("write",))
        m.d.comb += [
            read.addr.eq(self.read_address),
            self.read_data.eq(read.data),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            write.en.eq(self.write_enable),
        ]
        return m
