"""Runs arrays of tiles in Amaranth's simulator, with macros of flip-flops."""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from rtl_gen.golden.tile import Pass, RomTileModel, interleave
from rtl_gen.tiles.array import TileArray
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize


def _number(one_hot: Value) -> Value:
    bits = (len(one_hot) - 1).bit_length()
    return Cat(*(Cat(*(one_hot[n] for n in range(len(one_hot)) if n >> b & 1)).any() for b in range(bits)))


class Macro(wiring.Component):
    """A macro in a memory: q after the falling edge of its clock, held to the next read.

    Args:
        pins: The signature of its pins, with or without a port that writes.
        words: Contents of a ROM; where they are 1 there is a via, and q is low.
        low: It has the inverted clock.
    """

    def __init__(self, pins: wiring.Signature, words: Sequence[int] = (), *, low: bool = False) -> None:
        self.words, self.domain = list(words), "sync" if low else "fall"
        super().__init__({"pins": In(pins)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.domain == "fall":
            m.domains.fall = ClockDomain("fall", clk_edge="neg", local=True, reset_less=True)
            m.d.comb += ClockSignal("fall").eq(ClockSignal())
        pins = self.pins
        depth = len(pins.a) * len(pins.b_n)
        mux = len(pins.select) if hasattr(pins, "select") else 1
        m.submodules.words = words = Memory(shape=mux * len(pins.q), depth=depth, init=self.words)
        read = words.read_port(domain=self.domain)
        number = Cat(_number(pins.a), _number(~pins.b_n))
        m.d.comb += [read.addr.eq(number), read.en.eq(pins.enable)]
        if self.words and mux > 1:
            selected = Signal(mux)
            with m.If(pins.enable):
                m.d[self.domain] += selected.eq(pins.select)
            for n, q in enumerate(pins.q):
                m.d.comb += q.eq((selected & ~read.data[mux * n : mux * (n + 1)]).any())
        elif self.words:
            m.d.comb += pins.q.eq(~read.data)
        else:
            write = words.write_port(domain=self.domain, granularity=8)
            m.d.comb += [
                pins.q.eq(read.data), write.addr.eq(number), write.data.eq(pins.d), write.en.eq(pins.write),
            ]  # fmt: skip
        return m


class Bench(wiring.Component):
    """An array whose rom tiles hold `models[row][column]`; for ram tiles, which are empty, that is None."""

    def __init__(
        self, sizes: Sequence[RomTileSize | RamTileSize], models: Sequence[Sequence[RomTileModel | None]]
    ) -> None:
        self.sizes, self.models = sizes, models
        self.array = TileArray(sizes, len(models[0]))
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.array = self.array
        for r, (size, row) in enumerate(zip(self.sizes, self.models, strict=True)):
            for c, model in enumerate(row):
                for n, pins in enumerate(getattr(self.array, f"banks{r}")[c]):
                    words = words_of(size, model, n) if isinstance(size, RomTileSize) and model else ()
                    macro = Macro(pins.signature, words, low=True)
                    m.submodules[f"macro{r}_{c}_{n}"] = macro
                    wiring.connect(m, pins, macro.pins)
        return m


def words_of(size: RomTileSize, model: RomTileModel, macro: int) -> list[int]:
    """Contents of a macro of a rom tile."""
    slots = model.slots.transpose(1, 0, 2)[:, :, None]
    held = interleave(slots[..., 0::2] | slots[..., 1::2] << 4, size.banks)[macro, :, 0]
    return [int.from_bytes(word.tobytes(), "little") for word in held]


def random_tile(size: RomTileSize, seed: int) -> RomTileModel:
    """A tile with random contents."""
    slots = np.random.default_rng(seed).integers(0, 16, (size.depth, size.rows, size.columns))
    return RomTileModel(slots.astype(np.uint8), size.sum_bits)


Cycle = dict[str, object]  # fields of a step; empty is a cycle without one


def cycles_of(
    size: RomTileSize | RamTileSize,
    passes: Sequence[Pass],
    gaps: Sequence[int] = (),
    seek: Sequence[bool] = (),
) -> list[Cycle]:
    """A program of passes, cycle by cycle.

    Args:
        size: Of the tile.
        passes: In their order.
        gaps: Idle cycles before each row, over and over.
        seek: Whether a pass begins with a seek even if it goes on where the last ended.
    """
    out: list[Cycle] = []
    rom = isinstance(size, RomTileSize)
    unit, activations = (size.row_step, size.rows) if rom else (1, size.step_rows)
    at: tuple[int, ...] = ()
    last = -1_000_000
    leaving = 0
    wait = list(gaps) or [0]
    number = 0
    for n, p in enumerate(passes):
        if at != (p.row, p.column, p.plane) or (seek and seek[n % len(seek)]):
            target = (p.row // unit << size.column_bits) | p.column
            out.append(
                {"x": [_signed(target >> 8 * k) for k in range(activations)], "seek": 1}
                | {flag: p.plane.number >> k & 1 for k, flag in enumerate(("row", "first", "last", "one"))}
            )
        for t, x in enumerate(p.x):
            out += [{}] * wait[number % len(wait)]
            number += 1
            end = t == len(p.x) - 1
            if end:  # the sums before have to leave first
                out += [{}] * max(0, last + leaving - len(out))
                last, leaving = len(out), 1 if p.one else size.columns - p.column
            out.append(
                {"x": [int(v) for v in x], "row": 1, "first": int(t == 0), "last": int(end),
                 "one": int(end and p.one)}
            )  # fmt: skip
        at = (p.row + len(p.x), p.column, p.plane)
    return out


def _signed(byte: int) -> int:
    byte &= 255
    return byte - 256 if byte > 127 else byte


def run(
    sizes: Sequence[RomTileSize | RamTileSize],
    models: Sequence[Sequence[RomTileModel | None]],
    programs: Sequence[Sequence[Cycle]],
    reset_at: int | None = None,
) -> list[list[tuple[int, int]]]:
    """Run a program for each row of tiles, each two cycles after the one to its north.

    Returns:
        For each column of tiles the sums that left it, each with its cycle.
    """
    bench = Bench(sizes, models)
    array = bench.array
    seen: list[list[tuple[int, int]]] = [[] for _ in models[0]]
    length = max(map(len, programs)) + max(s.columns for s in sizes) + 16 + 2 * len(models) + len(models[0])
    count = len(array.west[0].payload.x)
    idle = {"x": [0] * count, "seek": 0, "row": 0, "first": 0, "last": 0, "one": 0}

    async def drive(ctx) -> None:  # type: ignore[no-untyped-def]
        for cycle in range(length):
            for r, program in enumerate(programs):
                at = cycle - 2 * r
                step = program[at] if 0 <= at < len(program) else {}
                ctx.set(array.west[r].payload, idle | step)
                ctx.set(array.west[r].valid, bool(step))
            ctx.set(array.rst, cycle == reset_at)
            await ctx.tick()
            for c, south in enumerate(array.south):
                if ctx.get(south.valid):
                    seen[c].append((cycle, ctx.get(south.payload)))

    sim = Simulator(bench)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return seen
