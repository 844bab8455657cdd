"""The `rom` tile: banks of via ROM, columns over them, seams to its neighbours."""

__all__ = ["RomTile", "RomTileSize", "rom_tile_verilog"]

from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.tiles.columns import CODE_BITS, Columns
from rtl_gen.tiles.macro import WORD_LINES, RomMacro, predecoded, rom_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS, SUM_BITS, Link, Step, component_verilog, sums


@dataclass(frozen=True)
class RomTileSize:
    """How large a rom tile is.

    Attributes:
        banks: ROM macros; `rows` of them are read at a time.
        rows: ROM rows, and activations, a cycle.
        columns: Outputs of one pass; a macro has 4 bits a column.
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
            raise ValueError(f"{self.banks} banks cannot give {self.rows} rows a cycle")
        if not ACTIVATION_BITS + CODE_BITS <= self.sum_bits <= SUM_BITS:
            raise ValueError(f"sum_bits must be from 12 to {SUM_BITS}, got {self.sum_bits}")
        if self.column_bits >= ACTIVATION_BITS * self.rows:
            raise ValueError(
                f"{self.rows} activations of {ACTIVATION_BITS} bits cannot address {self.columns} columns"
            )

    @property
    def depth(self) -> int:
        """Rows that one address counts: each is `rows` rows of ROM side by side."""
        return self.banks // self.rows * WORD_LINES

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
        return (1 << (self.sum_bits - ACTIVATION_BITS - CODE_BITS + 1)) - 1

    @property
    def weights(self) -> int:
        """4-bit codes."""
        return self.banks * WORD_LINES * self.columns


class RomTile(wiring.Component):
    """A rom tile without its macros: their pins are ports, `banks`.

    A step passes east in one cycle. Its sums are added to what comes from the north, which must be those of
    the same column: a row of tiles gets its steps one cycle later than the row to its north. Six cycles after
    the register that takes a last step, the register south of the tile takes the first sum. Between two last
    steps there are at least as many cycles as sums leave after the first of them.

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
                "banks": Out(rom_pins(CODE_BITS * size.columns)).array(size.banks),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        # Stage 1: a step is here; it goes on to the east, and its row is addressed.
        step = Signal(Step(size.rows), reset_less=True)
        here = Signal()
        m.d.sync += [step.eq(self.west.payload), here.eq(self.west.valid)]
        m.submodules.east = east = Link(Step(size.rows))
        m.d.comb += [east.source.payload.eq(step), east.source.valid.eq(here)]
        wiring.connect(m, wiring.flipped(self.east), east.seam)
        bank = self._address(m, step, here)

        # Stage 2: macros read. Stage 3: their row and the multiples of the activations are in registers.
        flags = Cat(step.seek, step.row, step.first, step.last, step.one)
        x = Signal(data.ArrayLayout(signed(ACTIVATION_BITS), size.rows), reset_less=True)
        address = Signal(ACTIVATION_BITS * size.rows, reset_less=True)
        codes = Signal(CODE_BITS * size.columns * size.rows, reset_less=True)
        stages = [Signal(len(flags), name=f"flags{n}") for n in (2, 3, 4)]
        m.submodules.columns = columns = Columns(size.columns, size.rows, size.sum_bits)
        m.d.sync += [
            x.eq(step.x), address.eq(x), stages[0].eq(Mux(here, flags, 0)), stages[1].eq(stages[0]),
            stages[2].eq(stages[1]),
        ]  # fmt: skip
        with m.If(stages[0][1]):
            m.d.sync += codes.eq(self._row(bank))
        seek3, row3, first3, _, _ = stages[1]
        _, row4, _, last4, one4 = stages[2]
        m.d.comb += [
            columns.x.eq(x), columns.codes.eq(codes), columns.accumulate.eq(row3), columns.first.eq(first3),
            columns.take.eq(row4 & last4),
        ]  # fmt: skip
        self._drain(m, columns, address, seek3, row4 & last4, one4)
        return m

    def _address(self, m: Module, step: data.View, here: Signal) -> Signal:
        """Counts rows and addresses the macros; returns which bank's row comes in the next cycle."""
        size = self.size
        row = Signal(size.row_bits, reset_less=True)
        target = Signal(ACTIVATION_BITS * size.rows)
        m.d.comb += target.eq(step.x)
        with m.If(here & step.seek):
            m.d.sync += row.eq(target[size.column_bits :] * size.row_step)
        with m.Elif(here & step.row):
            m.d.sync += row.eq(row + 1)
        each = size.banks // size.rows
        number = row[8:]
        for n, pins in enumerate(self.banks):
            predecoded(m, row[:8], pins.high, pins.low)
            chosen = number == n % each if each > 1 else 1
            m.d.comb += pins.enable.eq(here & step.row & chosen)
        bank = Signal(max(1, (each - 1).bit_length()), reset_less=True)
        m.d.sync += bank.eq(number)
        return bank

    def _row(self, bank: Signal) -> Cat:
        each = self.size.banks // self.size.rows
        return Cat(
            Array(pins.q for pins in self.banks[k * each : (k + 1) * each])[bank]
            for k in range(self.size.rows)
        )

    def _drain(
        self, m: Module, columns: Columns, address: Signal, seek: Signal, take: Signal, one: Signal
    ) -> None:
        size = self.size
        start = Signal(size.column_bits, reset_less=True)
        index = Signal(size.column_bits, reset_less=True)
        only = Signal(reset_less=True)
        busy = Signal()
        with m.If(seek):
            m.d.sync += start.eq(address)
        with m.If(take):
            m.d.sync += [index.eq(start), only.eq(one), busy.eq(1)]
        with m.Elif(busy):
            m.d.sync += [index.eq(index + 1), busy.eq(~only & (index != size.columns - 1))]
        own = Signal(signed(size.sum_bits), reset_less=True)
        own_valid = Signal()
        come_valid = Signal()
        come = Signal(signed(SUM_BITS), reset_less=True)
        m.d.comb += columns.index.eq(index)
        m.d.sync += [
            own.eq(Mux(busy, columns.held, 0)), own_valid.eq(busy), come_valid.eq(self.north.valid),
            come.eq(self.north.payload),
        ]  # fmt: skip
        m.submodules.south = south = Link(signed(SUM_BITS))
        m.d.comb += [
            south.source.payload.eq(own + come), south.source.valid.eq(own_valid | come_valid),
        ]  # fmt: skip
        wiring.connect(m, wiring.flipped(self.south), south.seam)


class _WithMacros(wiring.Component):
    def __init__(self, size: RomTileSize) -> None:
        self.tile = RomTile(size)
        super().__init__({k: v for k, v in self.tile.signature.members.items() if k != "banks"})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.tile = self.tile
        for name in ("west", "east", "north", "south"):
            wiring.connect(m, wiring.flipped(getattr(self, name)), getattr(self.tile, name))
        for n, pins in enumerate(self.tile.banks):
            m.submodules[f"bank{n}"] = macro = RomMacro(CODE_BITS * self.tile.size.columns)
            wiring.connect(m, pins, macro.pins)
        return m


def rom_tile_verilog(size: RomTileSize) -> str:
    """Verilog of the tile with its macros, module `scf_rom_tile`. The same size gives the same text."""
    return component_verilog(_WithMacros(size), "scf_rom_tile")
