"""What crosses the seams of tiles: steps, clock and reset from west to east, sums from north to south."""

__all__ = ["SUM_BITS", "Link", "Onward", "Step", "sums", "take_reset"]

from amaranth.hdl import ClockDomain, ClockSignal, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden import formats

ACTIVATION_BITS = 8
SUM_BITS = formats.SUM  # of a sum on its way south; a matrix is checked not to exceed it


class Step(data.StructLayout):
    """What a tile does in one cycle; it travels with the activations, so an array has no wires across it.

    Args:
        rows: ROM rows a cycle, each with an activation of its own.

    Attributes:
        x: `rows` activations, signed; with `seek` an address instead: the column in the low bits, the row
            above.
        seek: The next row is the one addressed; sums leave from the column addressed on. The other flags are
            the number of the plane of codes that is read from there on, `row` its lowest bit.
        row: Read the next row and accumulate its products.
        first: With `row`: sums begin at zero.
        last: With `row`: sums are complete, and leave one a cycle while others accumulate.
        one: With `last`: only one sum leaves.
    """

    def __init__(self, rows: int) -> None:
        flag = unsigned(1)
        super().__init__(
            {
                "x": data.ArrayLayout(signed(ACTIVATION_BITS), rows),
                "seek": flag, "row": flag, "first": flag, "last": flag, "one": flag,
            }
        )  # fmt: skip


def sums() -> stream.Signature:
    """One sum a cycle; no sum waits, so what takes them must always be ready."""
    return stream.Signature(signed(SUM_BITS), always_ready=True)


class Link(wiring.Component):
    """Launches a stream across a seam with the falling edge of the clock.

    The register on the other side takes it with the next rising edge, half a cycle later, so that hold does
    not depend on how well the clocks of two tiles agree.

    Args:
        shape: Of the payload.

    Attributes:
        source: From registers. Reset clears that of `valid`; here nothing is reset.
        seam: To the next tile.
    """

    def __init__(self, shape: object) -> None:
        ports = stream.Signature(shape, always_ready=True)
        super().__init__({"source": In(ports), "seam": Out(ports)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        _falling(m)
        payload = Signal.like(Value.cast(self.source.payload), name="launched", reset_less=True)
        valid = Signal(name="launched_valid", reset_less=True)
        m.d.fall += [payload.eq(self.source.payload), valid.eq(self.source.valid)]
        m.d.comb += [self.seam.payload.eq(payload), self.seam.valid.eq(valid)]
        return m


class Onward(wiring.Component):
    """Clock and reset for the tile to the east: the clock as it comes, a gate later, and the reset as a step
    travels, so that no tile starts before the one to its west.

    Attributes:
        reset: Of the tile, as `take_reset` has it.
        clk_east, rst_east: To the seam.
    """

    def __init__(self) -> None:
        super().__init__({"reset": In(1), "clk_east": Out(1), "rst_east": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        _falling(m)
        launched = Signal(name="launched_rst", reset_less=True)
        m.d.fall += launched.eq(self.reset)
        m.d.comb += [self.clk_east.eq(ClockSignal()), self.rst_east.eq(launched)]
        return m


def take_reset(m: Module, rst: Value) -> Signal:
    """The reset of a tile: what comes across the seam, taken by the rising edge as a step is.

    It is for registers of the rising edge alone: they have a period from here to there. Those of the falling
    edge take what such registers hold, and are clean half a period later.
    """
    reset = Signal(name="reset", reset_less=True)
    m.d.sync += reset.eq(rst)
    return reset


def _falling(m: Module) -> None:
    """Make `fall`, the domain of the falling edge."""
    m.domains.fall = ClockDomain("fall", clk_edge="neg", local=True, reset_less=True)
    m.d.comb += ClockSignal("fall").eq(ClockSignal())
