"""The port of a tile to its host: two byte streams."""

__all__ = ["HostPort"]

from typing import Any

from amaranth.hdl import Elaboratable, Signal


class HostPort(Elaboratable):
    """What talks to the host.

    Attributes:
        rx_data, rx_valid, rx_ready: Bytes from the host, taken when valid and ready.
        tx_data, tx_valid, tx_ready: Bytes to the host.
    """

    def __init__(self) -> None:
        self.rx_data = Signal(8)
        self.rx_valid = Signal()
        self.rx_ready = Signal()
        self.tx_data = Signal(8)
        self.tx_valid = Signal()
        self.tx_ready = Signal()

    def host_pins(self) -> list[Signal]:
        """All of them, as the ports of a module."""
        return [self.rx_data, self.rx_valid, self.rx_ready, self.tx_data, self.tx_valid, self.tx_ready]

    def pass_host_to(self, inner: "HostPort") -> list[Any]:
        """Assignments that make the port that of a part."""
        return [
            inner.rx_data.eq(self.rx_data),
            inner.rx_valid.eq(self.rx_valid),
            self.rx_ready.eq(inner.rx_ready),
            self.tx_data.eq(inner.tx_data),
            self.tx_valid.eq(inner.tx_valid),
            inner.tx_ready.eq(self.tx_ready),
        ]
