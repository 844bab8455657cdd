"""The `rom` tile: banks of via ROM, columns over them, seams to its neighbours."""

__all__ = ["Near", "RomTile", "RomTileSize", "rom_tile_verilog"]

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.tile import TOGETHER
from rtl_gen.tiles.columns import PLANE_BITS, SLOT_BITS, SlotProducts, Sums
from rtl_gen.tiles.macro import WORDS, RomMacro, WithMacros, address, low_clock, rom_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS, SUM_BITS, Step, sums
from rtl_gen.tiles.seams import Drain, Front, add_up, join, reset_parts
from rtl_gen.tiles.verilog import component_verilog

WORD_BITS = (WORDS - 1).bit_length()
MUX = 4  # rows side by side among which a macro can select


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
        if self.columns < self.ways:
            raise ValueError(f"{self.columns} columns cannot be shared out among {self.ways} sets of macros")
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
    def macro_pins(self) -> wiring.Signature:
        """Pins of one macro."""
        return rom_pins(SLOT_BITS * self.columns, self.mux)

    @property
    def row_bits(self) -> int:
        return (self.depth - 1).bit_length()

    @property
    def column_bits(self) -> int:
        return (self.columns - 1).bit_length()

    @property
    def together(self) -> int:
        """Macros that serve the same columns, one of which is read for an activation."""
        return min(TOGETHER, self.banks // self.rows)

    @property
    def ways(self) -> int:
        """Rows side by side in a word of a macro, each of as many columns less; and sets of such macros."""
        return self.banks // self.rows // self.together

    @property
    def mux(self) -> int:
        """Neighbouring columns that are one output of a macro: all rows of a word if they are four."""
        return MUX if self.ways == MUX else 1

    @property
    def halves(self) -> int:
        """Parts of the tile that share neither columns nor macros."""
        return min(2, self.ways)

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
    the same column: a row of tiles gets its steps two cycles later than the row to its north. Seven cycles
    after the register that takes a last step, the register south of the tile takes the first sum. Between two
    last steps there are at least as many cycles as sums leave after the first of them.

    Attributes:
        rst: As a step, from the west.
        clk_east, rst_east: Clock and reset of the tile to the east.
        west, east: Steps.
        north, south: Sums.
        banks: Pins of the macros, which have the inverted clock (`WithMacros`). What they hold:
            `golden.tile.interleave`.
    """

    def __init__(self, size: RomTileSize) -> None:
        self.size = size
        steps = stream.Signature(Step(size.rows), always_ready=True)
        super().__init__(
            {
                "rst": In(1),
                "clk_east": Out(1),
                "rst_east": Out(1),
                "west": In(steps),
                "east": Out(steps),
                "north": In(sums()),
                "south": Out(sums()),
                "banks": Out(size.macro_pins).array(size.banks),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        low_clock(m)
        front = Front(size.rows)
        wiring.connect(m, wiring.flipped(self.west), front.west)
        wiring.connect(m, wiring.flipped(self.east), front.east)
        row, plane = self._row(m, front)
        drain = Drain(size.columns, size.sum_bits)
        held = []
        of_row = size.banks // size.rows
        of_half = of_row // size.halves
        for h in range(size.halves):
            m.submodules[f"half{h}"] = half = Half(size)
            for n, pins in enumerate(half.banks):
                k, within = divmod(n, of_half)
                wiring.connect(m, pins, wiring.flipped(self.banks[k * of_row + h * of_half + within]))
            m.d.comb += [
                half.row.eq(row), half.read.eq(front.read), half.x.eq(front.x), half.plane.eq(plane),
                half.accumulate.eq(front.row), half.first.eq(front.first), half.take.eq(front.take),
                half.index.eq(drain.index),
            ]  # fmt: skip
            held.append(half.held)
        m.d.comb += drain.held.eq(Mux(drain.index[-1], held[-1], held[0]))
        join(m, front, drain)
        reset_parts(m, self, front, drain)
        wiring.connect(m, wiring.flipped(self.north), drain.north)
        wiring.connect(m, wiring.flipped(self.south), drain.south)
        return m

    def _row(self, m: Module, front: Front) -> tuple[Signal, Signal]:
        """The row that is read, and the plane that is read of it."""
        size, step = self.size, front.step
        row = Signal(size.row_bits, reset_less=True)
        plane = Signal(PLANE_BITS, reset_less=True)
        target = Signal(ACTIVATION_BITS * size.rows)
        m.d.comb += target.eq(step.x)
        with m.If(front.sought):
            m.d.sync += [
                row.eq(target[size.column_bits :] * size.row_step),
                plane.eq(Cat(step.row, step.first, step.last, step.one)),
            ]
        with m.Elif(front.read):
            m.d.sync += row.eq(row + 1)
        return row, plane


class Half(wiring.Component):
    """Half the columns and their macros, so that little crosses from one half to the other.

    Attributes:
        banks: Pins of the macros: those of activation 0, then of activation 1 ...; of each, four that share
            columns after the other.
        row, read: Stage 1: the row that is read, if one is.
        x, plane: Stage 2: activations, and what is read of the row.
        accumulate, first, take, index, held: As of `Sums`.
    """

    def __init__(self, size: RomTileSize) -> None:
        self.size, self.columns = size, size.columns // size.halves
        super().__init__(
            {
                "banks": Out(size.macro_pins).array(size.banks // size.halves),
                "row": In(size.row_bits), "read": In(1), "x": In(ACTIVATION_BITS * size.rows),
                "plane": In(PLANE_BITS), "accumulate": In(1), "first": In(1), "take": In(1),
                "index": In(max(1, (self.columns - 1).bit_length())), "held": Out(signed(size.sum_bits)),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        words = []
        for n in range(len(self.banks) // size.together):
            m.submodules[f"channel{n}"] = channel = Channel(size)
            for inner, outer in zip(channel.banks, self.banks[n * size.together :], strict=False):
                wiring.connect(m, inner, wiring.flipped(outer))
            m.d.comb += [channel.row.eq(self.row), channel.read.eq(self.read)]
            words.append(channel.word)
        slots = Signal(SLOT_BITS * self.columns * size.rows, reset_less=True)
        m.d.sync += slots.eq(Cat(words))
        m.submodules.products = products = SlotProducts(self.columns, size.rows)
        m.submodules.sums = total = Sums(self.columns, size.rows, SlotProducts.BITS, size.sum_bits)
        # q is low where there is a via.
        m.d.comb += [products.x.eq(self.x), products.plane.eq(self.plane), products.slots.eq(~slots)]
        add_up(m, products, total)
        m.d.comb += [
            total.accumulate.eq(self.accumulate), total.first.eq(self.first), total.take.eq(self.take),
            total.index.eq(self.index), self.held.eq(total.held),
        ]  # fmt: skip
        return m


class Channel(wiring.Component):
    """The macros around a channel, which serve the same columns: an address and a selection of their own.

    The address leaves its registers while the clock is high; macros read in the cycle after that, and what
    they give is taken by the next rising edge, a whole period later.

    Attributes:
        banks: Pins of the macros.
        row, read: Stage 1: the row that is read, if one is.
        word: Stage 2: what is read of it.
    """

    def __init__(self, size: RomTileSize) -> None:
        self.size = size
        super().__init__(
            {
                "banks": Out(size.macro_pins).array(size.together), "row": In(size.row_bits), "read": In(1),
                "word": Out(SLOT_BITS * size.columns // size.ways),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        size = self.size
        near = size.ways.bit_length() - 1
        word, which = self.row[near : near + WORD_BITS], self.row[near + WORD_BITS :]
        among = Signal(max(1, len(which)), reset_less=True)
        m.d.sync += among.eq(which)
        pins = size.macro_pins.create()
        a, b_n = Signal.like(pins.a, reset_less=True), Signal.like(pins.b_n, reset_less=True)
        enable = Signal(size.together)
        address(m, word, pins.a, pins.b_n)
        m.d.low += [a.eq(pins.a), b_n.eq(pins.b_n)]
        m.d.low += [enable[n].eq(self.read & (which == n)) for n in range(size.together)]
        if size.mux > 1:
            column = Signal(size.mux, reset_less=True)
            m.d.low += column.eq(1 << self.row[:near])
        for n, bank in enumerate(self.banks):
            m.d.comb += [bank.a.eq(a), bank.b_n.eq(b_n), bank.enable.eq(enable[n])]
            if size.mux > 1:
                m.d.comb += bank.select.eq(column)
        words: list[Value] = [bank.q for bank in self.banks]
        if size.mux > 1:
            words = self._near(m, among[0], [words[n : n + 2] for n in range(0, len(words), 2)])
            among = among[1:]
        else:
            place = Signal(max(1, near), reset_less=True)
            m.d.sync += place.eq(self.row[:near])
            words = self._near(m, place, [[q[n :: size.ways] for n in range(size.ways)] for q in words])
        m.d.comb += self.word.eq(select(among, words))
        return m

    def _near(self, m: Module, which: Value, words: list[list[Value]]) -> list[Value]:
        """One word of each list, selected at the pins of the macros that they come from."""
        found: list[Value] = []
        for n, own in enumerate(words):
            m.submodules[f"near{n}"] = near = Near(len(own), len(own[0]))
            m.d.comb += [near.q.eq(Cat(own)), near.which.eq(which)]
            found.append(near.word)
        return found


class Near(wiring.Component):
    """Selects one of some words of macros that stand side by side, or of one macro, at their pins.

    Args:
        ways: How many words there are.
        bits: Of a word.
    """

    def __init__(self, ways: int, bits: int) -> None:
        self.ways, self.bits = ways, bits
        which = max(1, (ways - 1).bit_length())
        super().__init__({"q": In(bits * ways), "which": In(which), "word": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.word.eq(
            select(self.which, [self.q.word_select(n, self.bits) for n in range(self.ways)])
        )
        return m


def select(index: Value, values: Sequence[Value]) -> Value:
    """One of as many values as a power of two, by a tree of multiplexers."""
    for bit in range((len(values) - 1).bit_length()):
        values = [Mux(index[bit], b, a) for a, b in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def rom_tile_verilog(size: RomTileSize) -> str:
    """Verilog of the tile with its macros, module `scf_rom_tile`. The same size gives the same text."""
    bits = SLOT_BITS * size.columns
    tile = WithMacros(RomTile(size), lambda: RomMacro(bits, size.mux, low=True))
    return component_verilog(tile, "scf_rom_tile")
