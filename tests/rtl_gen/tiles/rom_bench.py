"""Runs arrays of rom tiles in Amaranth's simulator, with macros of flip-flops."""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from rtl_gen.golden.tile import Pass, RomTileModel
from rtl_gen.tiles.array import RomArray
from rtl_gen.tiles.macro import rom_pins
from rtl_gen.tiles.rom import RomTileSize


class Macro(wiring.Component):
    """Word lines of a macro in a memory: q after the edge, held to the next read."""

    def __init__(self, bits: int, words: Sequence[int]) -> None:
        self.bits, self.words = bits, list(words)
        super().__init__({"pins": In(rom_pins(bits))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.words = words = Memory(shape=self.bits, depth=256, init=self.words)
        read = words.read_port()
        halves = [
            Cat(*(Cat(*(half[n] for n in range(16) if n >> bit & 1)).any() for bit in range(4)))
            for half in (self.pins.low, self.pins.high)
        ]
        m.d.comb += [read.addr.eq(Cat(*halves)), read.en.eq(self.pins.enable), self.pins.q.eq(read.data)]
        return m


class Bench(wiring.Component):
    """An array whose tiles hold `models[row][column]`."""

    def __init__(self, size: RomTileSize, models: Sequence[Sequence[RomTileModel]]) -> None:
        self.size, self.models = size, models
        self.array = RomArray(len(models), len(models[0]), size)
        super().__init__({})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.array = self.array
        size = self.size
        each = size.banks // size.rows
        for r, row in enumerate(self.models):
            for c, model in enumerate(row):
                codes = model.codes.astype(np.int64) & 15
                words = (codes.astype(object) << (4 * np.arange(size.columns)).astype(object)).sum(axis=2)
                for n in range(size.banks):
                    k, b = divmod(n, each)
                    macro = Macro(4 * size.columns, [int(w) for w in words[256 * b : 256 * (b + 1), k]])
                    m.submodules[f"macro{r}_{c}_{n}"] = macro
                    wiring.connect(m, self.array.banks[r][c][n], macro.pins)
        return m


def random_tile(size: RomTileSize, seed: int) -> RomTileModel:
    """A tile with random contents."""
    codes = np.random.default_rng(seed).integers(-8, 8, (size.depth, size.rows, size.columns))
    return RomTileModel(codes.astype(np.int8), size.sum_bits)


Cycle = dict[str, object]  # fields of a step; empty is a cycle without one


def cycles_of(
    size: RomTileSize, passes: Sequence[Pass], gaps: Sequence[int] = (), seek: Sequence[bool] = ()
) -> list[Cycle]:
    """A program of passes, cycle by cycle.

    Args:
        size: Of the tile.
        passes: In their order.
        gaps: Idle cycles before each row, over and over.
        seek: Whether a pass begins with a seek even if it goes on where the last ended.
    """
    out: list[Cycle] = []
    row = column = -1
    last = -1_000_000
    leaving = 0
    wait = list(gaps) or [0]
    number = 0
    for n, p in enumerate(passes):
        if p.row != row or p.column != column or (seek and seek[n % len(seek)]):
            target = (p.row // size.row_step << size.column_bits) | p.column
            out.append({"x": [_signed(target >> 8 * k) for k in range(size.rows)], "seek": 1})
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
        row, column = p.row + len(p.x), p.column
    return out


def _signed(byte: int) -> int:
    byte &= 255
    return byte - 256 if byte > 127 else byte


def run(
    size: RomTileSize,
    models: Sequence[Sequence[RomTileModel]],
    programs: Sequence[Sequence[Cycle]],
    reset_at: int | None = None,
) -> list[list[tuple[int, int]]]:
    """Run a program a row of tiles, each a cycle after the one to its north.

    Returns:
        For each column of tiles the sums that left it, each with its cycle.
    """
    bench = Bench(size, models)
    array = bench.array
    seen: list[list[tuple[int, int]]] = [[] for _ in models[0]]
    length = max(map(len, programs)) + size.columns + 12 + len(models) + len(models[0])
    idle = {"x": [0] * size.rows, "seek": 0, "row": 0, "first": 0, "last": 0, "one": 0}

    async def drive(ctx) -> None:  # type: ignore[no-untyped-def]
        for cycle in range(length):
            for r, program in enumerate(programs):
                at = cycle - r
                step = program[at] if 0 <= at < len(program) else {}
                ctx.set(array.west[r].payload, idle | step)
                ctx.set(array.west[r].valid, bool(step))
            if reset_at is not None:
                ctx.set(bench.reset, cycle == reset_at)
            await ctx.tick()
            for c in range(len(seen)):
                if ctx.get(array.south[c].valid):
                    seen[c].append((cycle, ctx.get(array.south[c].payload)))

    top: wiring.Component | Module = bench
    if reset_at is not None:
        from amaranth.hdl import ResetInserter, Signal

        bench.reset = Signal()
        top = ResetInserter(bench.reset)(bench)
    sim = Simulator(top)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    return seen
