"""The byte link that joins dies to a chain, and a chain to its host: bytes one way, credits the other."""

__all__ = ["LinkIn", "LinkOut", "wires"]

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out


def wires() -> wiring.Signature:
    """What runs between two dies, seen from the one that sends.

    All dies have one clock and are reset together. Each wire leaves a register and enters one, so a byte may
    take some cycles from pad to pad: nothing waits for an answer. With `valid` there is a byte; a cycle of
    `credit` says that there is room for one more.
    """
    return wiring.Signature({"data": Out(8), "valid": Out(1), "credit": In(1)})


class LinkOut(wiring.Component):
    """Sends a stream of bytes, never more than the other side has room for.

    Args:
        room: Bytes that a `LinkIn` keeps; the same on both sides.

    Attributes:
        bytes: What to send.
        wires: To the other die.
    """

    def __init__(self, room: int) -> None:
        self.room = _positive(room)
        super().__init__({"bytes": In(stream.Signature(8)), "wires": Out(wires())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(range(self.room + 1), init=self.room)
        back = Signal()
        data = Signal(8, reset_less=True)
        valid = Signal()
        go = self.bytes.valid & self.bytes.ready
        m.d.comb += [
            self.bytes.ready.eq(left != 0), self.wires.data.eq(data), self.wires.valid.eq(valid),
        ]  # fmt: skip
        m.d.sync += [back.eq(self.wires.credit), valid.eq(go), left.eq(left + back - go)]
        with m.If(go):
            m.d.sync += data.eq(self.bytes.payload)
        return m


class LinkIn(wiring.Component):
    """Takes what a `LinkOut` sends.

    Args:
        room: Bytes that it keeps. A byte is sent in every cycle if that is 6, and two more for each further
            cycle from pad to pad.

    Attributes:
        wires: From the other die.
        bytes: What came.
    """

    def __init__(self, room: int) -> None:
        self.room = _positive(room)
        super().__init__({"wires": In(wires()), "bytes": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.kept = kept = SyncFIFO(width=8, depth=self.room)
        data = Signal(8, reset_less=True)
        valid = Signal()
        credit = Signal()
        m.d.sync += [
            data.eq(self.wires.data), valid.eq(self.wires.valid),
            credit.eq(self.bytes.valid & self.bytes.ready),
        ]  # fmt: skip
        m.d.comb += [
            kept.w_data.eq(data), kept.w_en.eq(valid), kept.r_en.eq(self.bytes.ready),
            self.bytes.payload.eq(kept.r_data), self.bytes.valid.eq(kept.r_rdy),
            self.wires.credit.eq(credit),
        ]  # fmt: skip
        return m


def _positive(room: int) -> int:
    if room < 1:
        raise ValueError(f"a link has room for one byte at least, not for {room}")
    return room
