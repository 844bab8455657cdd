"""What all tiles of an array have: steps pass from west to east, sums from north to south."""

__all__ = ["CROSSINGS", "Drain", "Front", "add_up", "join", "reset_parts"]

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.columns import ByteProducts, SlotProducts, Sums
from rtl_gen.tiles.ports import ACTIVATION_BITS, SUM_BITS, Link, Onward, Step, sums, take_reset

# What leaves a tile at its east and its south edge, and the port of the next tile that takes it, in the order
# of their pins. The layouts of all tiles are made from this table.
CROSSINGS = {
    "east": (
        ("clk_east", "clk"), ("rst_east", "rst"),
        ("east_valid", "west_valid"), ("east_payload", "west_payload"),
    ),
    "south": (("south_valid", "north_valid"), ("south_payload", "north_payload")),
}  # fmt: skip


class Front(wiring.Component):
    """Takes a step, passes it east, and says stage by stage what the tile is to do.

    Args:
        rows: Activations of a step.
        counting: x[0] of a step with `one`, without `row` and `seek`, is one less where it leaves.

    Attributes:
        west, east: Steps.
        step, here: Stage 1: the step in its register, and whether there is one.
        read, sought: Stage 1: memories are addressed; the step is a seek.
        x: Stage 2, in which memories are read: activations.
        row, first: Stage 3: products are accumulated; from zero.
        seek, address: Stage 3: the address of a seek.
        take, one: Stage 4: sums are complete; only one leaves.
    """

    def __init__(self, rows: int, *, counting: bool = False) -> None:
        self.rows, self.counting = rows, counting
        steps = stream.Signature(Step(rows), always_ready=True)
        flag = Out(1)
        super().__init__(
            {
                "west": In(steps), "east": Out(steps), "step": Out(Step(rows)), "here": flag,
                "read": flag, "sought": flag, "x": Out(ACTIVATION_BITS * rows), "row": flag, "first": flag,
                "seek": flag, "address": Out(ACTIVATION_BITS * rows), "take": flag, "one": flag,
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        step = Signal(Step(self.rows), reset_less=True)
        here = Signal(name="stage1")
        m.d.sync += [step.eq(self.west.payload), here.eq(self.west.valid)]
        m.submodules.link = link = Link(Step(self.rows))
        m.d.comb += [
            link.source.payload.eq(step), link.source.valid.eq(here), self.step.eq(step), self.here.eq(here),
        ]  # fmt: skip
        if self.counting:
            with m.If(step.one & ~step.row & ~step.seek):
                m.d.comb += link.source.payload.x[0].eq(step.x[0] - 1)
        wiring.connect(m, wiring.flipped(self.east), link.seam)
        x = Signal(ACTIVATION_BITS * self.rows, reset_less=True)
        address = Signal(ACTIVATION_BITS * self.rows, reset_less=True)
        m.d.comb += [self.read.eq(here & step.row & ~step.seek), self.sought.eq(here & step.seek)]
        flags = Cat(self.sought, self.read, step.first, step.last, step.one)
        stage2, stage3, stage4 = (Signal(len(flags), name=f"stage{n}") for n in (2, 3, 4))
        m.d.sync += [x.eq(step.x), address.eq(x), stage2.eq(flags), stage3.eq(stage2), stage4.eq(stage3)]
        m.d.comb += [
            self.x.eq(x), self.address.eq(address), self.seek.eq(stage3[0]), self.row.eq(stage3[1]),
            self.first.eq(stage3[2]), self.take.eq(stage4[1] & stage4[3]), self.one.eq(stage4[4]),
        ]  # fmt: skip
        return m


class Drain(wiring.Component):
    """Sends the held sums of a tile south, one a cycle, each added to what comes from the north.

    Args:
        columns, sum_bits: Sums of the tile, and their width.

    Attributes:
        seek, column: Sums leave from this column on.
        take, one: The sums are held from the next cycle on, and leave; only the first of them.
        index, held: Which sum is read, and it.
        north, south: Sums.
    """

    def __init__(self, columns: int, sum_bits: int) -> None:
        self.columns = columns
        bits = max(1, (columns - 1).bit_length())
        super().__init__(
            {
                "seek": In(1), "column": In(bits), "take": In(1), "one": In(1), "index": Out(bits),
                "held": In(signed(sum_bits)), "north": In(sums()), "south": Out(sums()),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        start = Signal.like(self.column, reset_less=True)
        index = Signal.like(self.index, reset_less=True)
        only = Signal(reset_less=True)
        busy = Signal()
        with m.If(self.seek):
            m.d.sync += start.eq(self.column)
        with m.If(self.take):
            m.d.sync += [index.eq(start), only.eq(self.one), busy.eq(1)]
        with m.Elif(busy):
            m.d.sync += [index.eq(index + 1), busy.eq(~only & (index != self.columns - 1))]
        own = Signal.like(self.held, reset_less=True)
        come = Signal(signed(SUM_BITS), reset_less=True)
        own_valid = Signal()
        come_valid = Signal()
        m.d.comb += self.index.eq(index)
        m.d.sync += [
            own.eq(Mux(busy, self.held, 0)), own_valid.eq(busy), come.eq(self.north.payload),
            come_valid.eq(self.north.valid),
        ]  # fmt: skip
        total = Signal(signed(SUM_BITS), reset_less=True)
        total_valid = Signal()
        m.d.sync += [total.eq(own + come), total_valid.eq(own_valid | come_valid)]
        m.submodules.link = link = Link(signed(SUM_BITS))
        m.d.comb += [link.source.payload.eq(total), link.source.valid.eq(total_valid)]
        wiring.connect(m, wiring.flipped(self.south), link.seam)
        return m


def add_up(m: Module, products: SlotProducts | ByteProducts, total: Sums) -> None:
    """Connect products to the sums of their columns."""
    for into, out in zip(total.products, products.products, strict=True):
        m.d.comb += [a.eq(b) for a, b in zip(into, out, strict=True)]


def join(m: Module, front: Front, drain: Drain) -> None:
    """The front tells the way south what leaves and when."""
    m.d.comb += [
        drain.seek.eq(front.seek), drain.column.eq(front.address), drain.take.eq(front.take),
        drain.one.eq(front.one),
    ]  # fmt: skip


def reset_parts(m: Module, tile: wiring.Component, front: Front, drain: Drain) -> None:
    """Make these the parts of a tile that its reset clears: what says that there is a step, or a sum. Clock
    and reset go on to the east."""
    reset = take_reset(m, tile.rst)
    m.submodules.front = ResetInserter(reset)(front)
    m.submodules.drain = ResetInserter(reset)(drain)
    m.submodules.onward = onward = Onward()
    m.d.comb += [
        onward.reset.eq(reset), tile.clk_east.eq(onward.clk_east), tile.rst_east.eq(onward.rst_east),
    ]  # fmt: skip
