"""The `rom` tile: banks of via ROM, columns over them, seams to its neighbours."""

__all__ = ["RomTile", "RomTileSize", "rom_tile_verilog"]

from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.columns import PLANE_BITS, SLOT_BITS, SlotProducts, Sums
from rtl_gen.tiles.macro import WORDS, RomMacro, WithMacros, address, rom_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS, SUM_BITS, Step, component_verilog, sums
from rtl_gen.tiles.seams import Drain, Front, join


@dataclass(frozen=True)
class RomTileSize:
    """How large a rom tile is.

    Attributes:
        banks: ROM macros; `rows` of them are read at a time.
        rows: ROM rows, and activations, a cycle.
        columns: Outputs of one pass; a macro has 4 bits per column.
        sum_bits: Width of a column's sum, exact for `most_inputs`.

    Raises:
        ValueError: Numbers that are no powers of two, or more columns than activations can address.
    """

    banks: int = 32
    rows: int = 2
    columns: int = 32
    sum_bits: int = 20

    def __post_init__(self) -> None:
        for name in ("banks", "rows", "columns"):
            value = getattr(self, name)
            if value < 1 or value & (value - 1):
                raise ValueError(f"{name} of a rom tile must be a power of two, got {value}")
        if self.banks < self.rows:
            raise ValueError(f"{self.banks} banks cannot give {self.rows} rows per cycle")
        if not ACTIVATION_BITS + SLOT_BITS <= self.sum_bits <= SUM_BITS:
            raise ValueError(f"sum_bits must be from 12 to {SUM_BITS}, got {self.sum_bits}")
        if self.column_bits >= ACTIVATION_BITS * self.rows:
            raise ValueError(
                f"{self.rows} activations of {ACTIVATION_BITS} bits cannot address {self.columns} columns"
            )

    @property
    def depth(self) -> int:
        """Rows that one address counts: each is `rows` rows of ROM side by side."""
        return self.banks // self.rows * WORDS

    @property
    def row_bits(self) -> int:
        return (self.depth - 1).bit_length()

    @property
    def column_bits(self) -> int:
        return (self.columns - 1).bit_length()

    @property
    def row_step(self) -> int:
        """Rows between two that can be addressed: 1 if row and column fit into the activations of a cycle."""
        return 1 << max(0, self.row_bits + self.column_bits - ACTIVATION_BITS * self.rows)

    @property
    def most_inputs(self) -> int:
        """Inputs of a pass for which sums are exact whatever their values."""
        return (1 << (self.sum_bits - ACTIVATION_BITS - SLOT_BITS + 1)) - 1

    @property
    def weights(self) -> int:
        """4-bit codes."""
        return self.banks * WORDS * self.columns


class RomTile(wiring.Component):
    """A rom tile without its macros: their pins are ports, `banks`.

    A step passes east in one cycle. Its sums are added to what comes from the north, which must be those of
    the same column: a row of tiles gets its steps one cycle later than the row to its north. Five cycles
    after the register that takes a last step, the register south of the tile takes the first sum. Between two
    last steps there are at least as many cycles as sums leave after the first of them.

    Attributes:
        west, east: Steps.
        north, south: Sums.
        banks: Pins of the macros; macro k * banks / rows + n holds rows n * 256 ... of activation k.
    """

    def __init__(self, size: RomTileSize) -> None:
        self.size = size
        steps = stream.Signature(Step(size.rows), always_ready=True)
        super().__init__(
            {
                "west": In(steps),
                "east": Out(steps),
                "north": In(sums()),
                "south": Out(sums()),
                "banks": Out(rom_pins(SLOT_BITS * size.columns)).array(size.banks),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        m.submodules.front = front = Front(size.rows)
        wiring.connect(m, wiring.flipped(self.west), front.west)
        wiring.connect(m, wiring.flipped(self.east), front.east)
        plane = Signal(PLANE_BITS, reset_less=True)
        # Stage 1: macros are read. Stage 2: their row and the multiples of the activations are in registers.
        bank = self._address(m, front, plane)
        slots = Signal(SLOT_BITS * size.columns * size.rows, reset_less=True)
        with m.If(front.read):
            m.d.sync += slots.eq(~self._row(bank))
        m.submodules.products = products = SlotProducts(size.columns, size.rows)
        m.submodules.sums = total = Sums(size.columns, size.rows, SlotProducts.BITS, size.sum_bits)
        m.submodules.drain = drain = Drain(size.columns, size.sum_bits)
        m.d.comb += [
            products.x.eq(front.step.x), products.plane.eq(plane), products.slots.eq(slots),
        ]  # fmt: skip
        join(m, front, products, total, drain)
        wiring.connect(m, wiring.flipped(self.north), drain.north)
        wiring.connect(m, wiring.flipped(self.south), drain.south)
        return m

    def _address(self, m: Module, front: Front, plane: Signal) -> Value:
        """Counts rows and addresses the macros; returns which of them are read."""
        size, step = self.size, front.step
        row = Signal(size.row_bits, reset_less=True)
        target = Signal(ACTIVATION_BITS * size.rows)
        m.d.comb += target.eq(step.x)
        with m.If(front.sought):
            m.d.sync += [
                row.eq(target[size.column_bits :] * size.row_step),
                plane.eq(Cat(step.row, step.first, step.last, step.one)),
            ]
        with m.Elif(front.read):
            m.d.sync += row.eq(row + 1)
        each = size.banks // size.rows
        bank = row[8:] if each > 1 else Const(0, 1)
        for n, pins in enumerate(self.banks):
            address(m, row[:8], pins.a, pins.b_n)
            m.d.comb += pins.enable.eq(front.read & (bank == n % each))
        return bank

    def _row(self, bank: Value) -> Value:
        """What the macros give: gates that select are shared by four, which lie around one channel."""
        each = self.size.banks // self.size.rows
        rows = []
        for k in range(self.size.rows):
            macros = self.banks[k * each : (k + 1) * each]
            read = [pins.q & (bank == n).replicate(len(pins.q)) for n, pins in enumerate(macros)]
            fours = [reduce(or_, read[n : n + 4]) for n in range(0, each, 4)]
            rows.append(reduce(or_, fours))
        return Cat(rows)


def rom_tile_verilog(size: RomTileSize) -> str:
    """Verilog of the tile with its macros, module `scf_rom_tile`. The same size gives the same text."""
    return component_verilog(
        WithMacros(RomTile(size), lambda: RomMacro(SLOT_BITS * size.columns)), "scf_rom_tile"
    )
