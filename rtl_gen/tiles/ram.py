"""The `ram` tile: 8-bit columns over SRAM, for matrices that are written while it runs."""

__all__ = ["RamTile", "RamTileSize", "ram_tile_verilog"]

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.columns import ByteProducts, Sums
from rtl_gen.tiles.macro import RamMacro, WithMacros, address, low_clock, ram_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS, Step, sums
from rtl_gen.tiles.seams import Drain, Front, add_up, join, reset_parts
from rtl_gen.tiles.verilog import component_verilog

WORD_BITS = ACTIVATION_BITS
MACRO_BITS = 128


@dataclass(frozen=True)
class RamTileSize:
    """How large a ram tile is.

    Attributes:
        words: Rows of its SRAM.
        columns: Outputs of one pass, a byte of a row each.
        step_rows: Activations of a step, as its neighbours have them; it takes the first.

    Raises:
        ValueError: Numbers that make no tile.
    """

    words: int = 128
    columns: int = 32
    step_rows: int = 2

    def __post_init__(self) -> None:
        if self.words not in (64, 128, 256):
            raise ValueError(f"words of a ram tile must be 64, 128 or 256, got {self.words}")
        per_macro = MACRO_BITS // WORD_BITS
        if self.columns < per_macro or self.columns & (self.columns - 1):
            raise ValueError(
                f"columns of a ram tile must be a power of two from {per_macro} on, got {self.columns}"
            )
        if self.row_bits + self.column_bits > ACTIVATION_BITS * self.step_rows:
            raise ValueError(
                f"{self.step_rows} activations cannot address {self.words} rows of {self.columns}"
            )

    @property
    def row_bits(self) -> int:
        return (self.words - 1).bit_length()

    @property
    def column_bits(self) -> int:
        return (self.columns - 1).bit_length()

    @property
    def sum_bits(self) -> int:
        """Width of a sum: exact for a pass over all rows."""
        return 2 * ACTIVATION_BITS + self.row_bits

    @property
    def macros(self) -> int:
        return self.columns * WORD_BITS // MACRO_BITS


class RamTile(wiring.Component):
    """A ram tile without its macros: their pins are ports, `banks`.

    Steps and sums are those of a rom tile, with the first activation alone. Two more kinds of step, without
    `row` and `seek`, write:

    - `one` selects: the tile at which x[0] is 0, one less for each tile on the way east, takes what is
    written until another is selected. - `first` or `last` writes x[0] at the row and column that a seek, or
    the write before, left; then goes to the next row (`first`), or the next column (`last`).

    A row must not be read in the cycle in which it is written.

    Attributes:
        rst: As a step, from the west.
        clk_east, rst_east: Clock and reset of the tile to the east.
        west, east: Steps.
        north, south: Sums.
        banks: Pins of the macros; macro n holds columns n * 16 ... of all rows.
    """

    def __init__(self, size: RamTileSize) -> None:
        self.size = size
        steps = stream.Signature(Step(size.step_rows), always_ready=True)
        super().__init__(
            {
                "rst": In(1),
                "clk_east": Out(1),
                "rst_east": Out(1),
                "west": In(steps),
                "east": Out(steps),
                "north": In(sums()),
                "south": Out(sums()),
                "banks": Out(ram_pins(size.words, MACRO_BITS)).array(size.macros),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        low_clock(m)
        front = Front(size.step_rows, counting=True)
        wiring.connect(m, wiring.flipped(self.west), front.west)
        wiring.connect(m, wiring.flipped(self.east), front.east)
        self._address(m, front)
        words = Signal(WORD_BITS * size.columns, reset_less=True)
        m.d.sync += words.eq(Cat(pins.q for pins in self.banks))
        m.submodules.products = products = ByteProducts(size.columns)
        m.submodules.sums = total = Sums(size.columns, 1, ByteProducts.BITS, size.sum_bits)
        drain = Drain(size.columns, size.sum_bits)
        m.d.comb += [products.x.eq(front.x[:ACTIVATION_BITS]), products.words.eq(words)]
        add_up(m, products, total)
        join(m, front, drain)
        reset_parts(m, self, front, drain)
        m.d.comb += [
            total.accumulate.eq(front.row), total.first.eq(front.first), total.take.eq(front.take),
            total.index.eq(drain.index), drain.held.eq(total.held),
        ]  # fmt: skip
        wiring.connect(m, wiring.flipped(self.north), drain.north)
        wiring.connect(m, wiring.flipped(self.south), drain.south)
        return m

    def _address(self, m: Module, front: Front) -> None:
        """Counts rows and columns, and reads or writes the macros."""
        size, step = self.size, front.step
        row = Signal(size.row_bits, reset_less=True)
        column = Signal(size.column_bits, reset_less=True)
        selected = Signal(reset_less=True)
        target = Signal(ACTIVATION_BITS * size.step_rows)
        other = front.here & ~step.seek & ~step.row
        write = Signal()
        m.d.comb += [target.eq(step.x), write.eq(other & selected & ~step.one & (step.first | step.last))]
        with m.If(front.sought):
            m.d.sync += Cat(column, row).eq(target)
        with m.Elif(front.read | other & step.first):
            m.d.sync += row.eq(row + 1)
        with m.Elif(other & step.last):
            m.d.sync += column.eq(column + 1)
        with m.If(other & step.one):
            m.d.sync += selected.eq(step.x[0] == 0)
        lanes = MACRO_BITS // WORD_BITS
        pins = ram_pins(size.words, MACRO_BITS).create()
        a, b_n = Signal.like(pins.a, reset_less=True), Signal.like(pins.b_n, reset_less=True)
        enable = Signal()
        d = Signal(WORD_BITS, reset_less=True)
        address(m, row, pins.a, pins.b_n)
        m.d.low += [a.eq(pins.a), b_n.eq(pins.b_n), enable.eq(front.read), d.eq(step.x[0])]
        for n, bank in enumerate(self.banks):
            writes = Signal(lanes, name=f"write{n}")
            m.d.low += [writes[k].eq(write & (column == n * lanes + k)) for k in range(lanes)]
            m.d.comb += [
                bank.a.eq(a), bank.b_n.eq(b_n), bank.enable.eq(enable), bank.d.eq(d.replicate(lanes)),
                bank.write.eq(writes),
            ]  # fmt: skip


def ram_tile_verilog(size: RamTileSize) -> str:
    """Verilog of the tile with its macros, module `scf_ram_tile`. The same size gives the same text."""
    return component_verilog(
        WithMacros(RamTile(size), lambda: RamMacro(size.words, MACRO_BITS, low=True)), "scf_ram_tile"
    )
