"""Banks of activations, and steps made of them for every row of tiles."""

__all__ = ["Feed", "Order", "Source"]

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl_gen.golden.vec_isa import STEPS, Dest
from rtl_gen.tiles.macro import ram_pins
from rtl_gen.tiles.ports import ACTIVATION_BITS, Link, Step
from rtl_gen.tiles.store import Bank, sram_macros
from rtl_gen.tiles.vec_lane import activation_write

WORD = 2 * ACTIVATION_BITS


class Source(enum.Enum, shape=2):  # type: ignore[call-arg]
    """What the activations of a step are."""

    PAIR = 0  # both bytes of a word of A
    LOW = 1  # its lower byte, and 0
    HIGH = 2
    LITERAL = 3  # the address itself


class Order(data.StructLayout):
    """A step before its activations are read.

    Attributes:
        only: 0 for all rom tiles, or one more than a row of tiles.
        at: A word of A, or what is sent.
    """

    def __init__(self) -> None:
        flags = dict.fromkeys(("valid", "seek", "row", "first", "last", "one"), 1)
        super().__init__({"only": STEPS["only"], "source": Source, "at": WORD} | flags)


class Feed(wiring.Component):
    """Sends each order to the rows of tiles, two cycles later to each further row.

    Args:
        rom_rows, ram_rows: Rows of tiles.
        rom_bytes, ram_bytes: Of a bank of rom tiles, one for each row, and of that of all ram tiles.

    Attributes:
        order: What is sent next, once it has been in a register.
        fetch, fetched: Two cycles later the word of the ram tiles' bank that `order` tells is here. Not while
            steps that read the bank are on their way to it.
        write: Bytes for the banks, likewise; not while a step reads them.
        west: Steps.
        rom_inputs: Pins of the macros of the rom tiles' banks, row after row.
        ram_inputs: Those of the ram tiles' bank.
    """

    def __init__(self, rom_rows: int, ram_rows: int, rom_bytes: int, ram_bytes: int) -> None:
        self.rom_rows, self.ram_rows = rom_rows, ram_rows
        self.depths = [-(-rom_bytes // 2)] * rom_rows + [-(-ram_bytes // 2)]
        macros = [sram_macros(depth) for depth in (self.depths[0], self.depths[-1])]
        steps = stream.Signature(Step(2), always_ready=True)
        super().__init__(
            {
                "order": In(Order()), "fetch": In(1), "fetched": Out(WORD), "write": In(activation_write()),
                "west": Out(steps).array(rom_rows + ram_rows),
                "rom_inputs": Out(ram_pins(macros[0][0], WORD)).array(rom_rows * macros[0][1]),
                "ram_inputs": Out(ram_pins(macros[1][0], WORD)).array(macros[1][1]),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        order = first = _later(m, self.order, "order")
        fetching = Signal()
        m.d.sync += fetching.eq(self.fetch)
        write = {
            name: Signal.like(getattr(self.write, name), name=f"write_{name}", reset_less=name != "valid")
            for name in self.write.signature.members
        }
        m.d.sync += [held.eq(getattr(self.write, name)) for name, held in write.items()]
        written = SimpleNamespace(**write)
        for r in range(self.rom_rows + self.ram_rows):
            name = f"row{r}"
            if 0 < r <= self.rom_rows:
                order = _later(m, order, f"{name}_later")
            if r <= self.rom_rows:
                mine = (order.only == 0) | (order.only == r + 1)
                if r == self.rom_rows:
                    mine = order.only > r
                read, at = order.valid & (order.source != Source.LITERAL) & mine, order.at
                if r == self.rom_rows:
                    read, at = read | fetching, Mux(fetching, first.at, at)
                word = self._bank(m, r, read, at, written)
                if r == self.rom_rows:
                    m.d.comb += self.fetched.eq(word)
                held = _later(m, order, f"{name}_order")
                step = Signal(Step(2), name=f"{name}_step")
                low, high = word[:ACTIVATION_BITS], word[ACTIVATION_BITS:]
                with m.Switch(held.source):
                    with m.Case(Source.PAIR):
                        m.d.comb += [step.x[0].eq(low), step.x[1].eq(high)]
                    with m.Case(Source.LOW):
                        m.d.comb += step.x[0].eq(low)
                    with m.Case(Source.HIGH):
                        m.d.comb += step.x[0].eq(high)
                    with m.Case(Source.LITERAL):
                        m.d.comb += [
                            step.x[0].eq(held.at[:ACTIVATION_BITS]), step.x[1].eq(held.at[ACTIVATION_BITS:]),
                        ]  # fmt: skip
                m.d.comb += [
                    getattr(step, f).eq(getattr(held, f)) for f in ("seek", "row", "first", "last", "one")
                ]
                only, valid = held.only, held.valid
                order = held
            mine = only == r + 1
            if r < self.rom_rows:
                mine |= only == 0
            sent, sent_valid = (
                Signal(Step(2), name=f"{name}_sent", reset_less=True),
                Signal(name=f"{name}_valid"),
            )
            m.d.sync += [sent.eq(step), sent_valid.eq(valid & mine)]
            m.submodules[f"link{r}"] = link = Link(Step(2))
            m.d.comb += [link.source.payload.eq(sent), link.source.valid.eq(sent_valid)]
            wiring.connect(m, wiring.flipped(self.west[r]), link.seam)
            if r >= self.rom_rows:  # further ram tiles read no bank: the step itself is passed on
                for n in range(2):
                    further, further_valid = (
                        Signal(Step(2), name=f"{name}_on{n}", reset_less=True),
                        Signal(name=f"{name}_on{n}_valid"),
                    )
                    further_only = Signal(STEPS["only"], name=f"{name}_on{n}_only", reset_less=True)
                    m.d.sync += [further.eq(step), further_valid.eq(valid), further_only.eq(only)]
                    step, valid, only = further, further_valid, further_only
        return m

    def _bank(self, m: Module, number: int, read: Value, at: Value, write: Any) -> Signal:
        m.submodules[f"bank{number}"] = bank = Bank(self.depths[number])
        count = len(bank.macros)
        pins = self.ram_inputs
        if number < self.rom_rows:
            pins = self.rom_inputs[count * number : count * (number + 1)]
        for mine, inner in zip(pins, bank.macros, strict=True):
            wiring.connect(m, wiring.flipped(mine), inner)
        m.d.comb += [bank.read.eq(read), bank.at.eq(at)]
        if number < self.rom_rows:
            mine = (write.dest == Dest.ROM_BYTES) & (write.bank == number)
        else:
            mine = (write.dest == Dest.RAM_BYTES) | (write.dest == Dest.RAM_DIGITS)
        with m.If(write.dest == Dest.RAM_DIGITS):
            m.d.comb += [
                bank.to.eq(write.byte), bank.write.eq((write.valid & mine).replicate(2)),
                bank.data.eq(write.digits[:7] | write.digits[7:] << ACTIVATION_BITS),
            ]  # fmt: skip
        with m.Else():
            upper = write.byte[0]
            m.d.comb += [
                bank.to.eq(write.byte[1:]), bank.data.eq(write.value.replicate(2)),
                bank.write[0].eq(write.valid & mine & ~upper), bank.write[1].eq(write.valid & mine & upper),
            ]  # fmt: skip
        return bank.word


def _later(m: Module, order: Any, name: str) -> Any:
    """An order a cycle later."""
    kept, valid = Signal(Order(), name=name, reset_less=True), Signal(name=f"{name}_valid")
    later = Signal(Order(), name=f"{name}_now")
    m.d.sync += [kept.eq(order), valid.eq(order.valid)]
    m.d.comb += [later.eq(kept), later.valid.eq(valid)]
    return later
