"""Runs a core with its ROM in Amaranth's simulator."""

from collections.abc import Sequence

import numpy as np
from amaranth.hdl import Elaboratable, Module
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from rtl_gen.core import Core
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.isa import ROW_BITS


class _Bench(Elaboratable):
    def __init__(self, config: CoreConfig, rows: np.ndarray) -> None:
        self.core = Core(config)
        self.rows = rows

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = self.core
        m.submodules.rom = rom = Memory(shape=ROW_BITS, depth=len(self.rows), init=self.rows.tolist())
        read = rom.read_port(domain="comb")
        m.d.comb += [read.addr.eq(self.core.rom_row), self.core.rom_data.eq(read.data)]
        return m


def run_core(
    config: CoreConfig, rows: np.ndarray, stream: bytes, tokens: int, *, stall: int = 0, limit: int = 40_000
) -> list[int]:
    """Send a byte stream and collect tokens; `stall` cycles pass before each byte or token is taken."""
    bench = _Bench(config, rows)
    got: list[int] = []
    core, pending = bench.core, list(stream)

    async def host(ctx) -> None:  # type: ignore[no-untyped-def]
        wait_rx = wait_tx = stall
        for _ in range(limit):
            ctx.set(core.rx_valid, bool(pending) and wait_rx == 0)
            ctx.set(core.rx_data, pending[0] if pending else 0)
            ctx.set(core.tx_ready, wait_tx == 0)
            take = bool(pending) and wait_rx == 0 and bool(ctx.get(core.rx_ready))
            came = wait_tx == 0 and bool(ctx.get(core.tx_valid))
            if came:
                got.append(ctx.get(core.tx_data))
            await ctx.tick()
            if take:
                pending.pop(0)
            wait_rx = stall if take else max(0, wait_rx - 1)
            wait_tx = stall if came else max(0, wait_tx - 1)
            if len(got) == tokens:
                return

    sim = Simulator(bench)
    sim.add_clock(1e-6)
    sim.add_testbench(host)
    sim.run()
    return got


def request(seed: int, beta: int, prompt: Sequence[int]) -> bytes:
    """One request of the host protocol, written out here so that a change of it is noticed."""
    return seed.to_bytes(4, "little") + bytes([beta, len(prompt), *prompt])
