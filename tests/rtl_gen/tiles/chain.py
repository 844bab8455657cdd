"""Dies of one base in a chain: what one says is what the next one hears."""

__all__ = ["Chain", "chain_verilog"]

import itertools

from amaranth.hdl import ClockSignal, Instance, Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.byte_link import LinkIn, LinkOut
from rtl_gen.tiles.verilog import component_verilog


class Chain(wiring.Component):
    """Dies, as `die_verilog` has them, joined by byte links whose wires take no cycle from pad to pad.

    Args:
        dies: How many; they are called die0, die1 ... in the order in which bytes pass.
        room: Bytes that a link keeps.

    Attributes:
        rst: Reset of all dies and links.
        rx: Bytes for the first die.
        tx: Bytes of the last one.
    """

    def __init__(self, dies: int, room: int) -> None:
        self.dies, self.room = dies, room
        super().__init__({"rst": In(1), "rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        heard = [stream.Signature(8).create(path=(f"heard{n}",)) for n in range(self.dies)]
        said = [stream.Signature(8).create(path=(f"said{n}",)) for n in range(self.dies)]
        for n, (rx, tx) in enumerate(zip(heard, said, strict=True)):
            m.submodules[f"die{n}"] = Instance(
                "scf_die", i_clk=ClockSignal(), i_rst=self.rst,
                i_rx_valid=rx.valid, i_rx_payload=rx.payload, o_rx_ready=rx.ready,
                o_tx_valid=tx.valid, o_tx_payload=tx.payload, i_tx_ready=tx.ready,
            )  # fmt: skip
        for n, (tx, (_, rx)) in enumerate(zip(said, itertools.pairwise(heard), strict=False)):
            out, into = LinkOut(self.room), LinkIn(self.room)
            m.submodules[f"out{n}"] = ResetInserter(self.rst)(out)
            m.submodules[f"in{n}"] = ResetInserter(self.rst)(into)
            _pass(m, tx, out.bytes)
            wiring.connect(m, out.wires, into.wires)
            _pass(m, into.bytes, rx)
        _pass(m, self.rx, heard[0])
        _pass(m, said[-1], self.tx)
        return m


def _pass(m: Module, source: wiring.PureInterface, sink: wiring.PureInterface) -> None:
    m.d.comb += [
        sink.valid.eq(source.valid), sink.payload.eq(source.payload), source.ready.eq(sink.ready),
    ]  # fmt: skip


def chain_verilog(dies: int, room: int) -> str:
    """Verilog of a chain without that of its dies, module `scf_chain`. The same sizes give the same text."""
    return component_verilog(Chain(dies, room), "scf_chain")
