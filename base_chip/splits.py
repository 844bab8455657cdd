"""The ways to split a ROM into banks, and what the banks of each take."""

__all__ = ["BANKS", "MUX", "WORD_LINES", "Split", "splits"]

import itertools
from dataclasses import dataclass

from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.bank import BankPlan, BankSpec
from base_chip.bank.liberty import bit_line_arc
from base_chip.bank.timing import find_timing
from rtl_gen.errors import FlowError
from rtl_gen.golden.rom import RomGeometry

# Powers of two alone: addresses are cut into fields of bits.
BANKS = (1, 2, 4, 8, 16)
WORD_LINES = (32, 64, 128, 256, 512)
MUX = (1, 2, 4, 8)

# The input and the load for which docs/bank.md states times.
SLEW_NS, LOAD_FF = 0.5, 30.0


@dataclass(frozen=True)
class Split:
    """One way to split a ROM.

    Attributes:
        rom: Banks, word lines, multiplexing.
        bank: Each of its banks.
    """

    rom: RomGeometry
    bank: BankSpec

    def __str__(self) -> str:
        banks = f"{self.rom.banks} bank{'s' if self.rom.banks > 1 else ''}"
        return f"{banks} of {self.rom.word_lines} x {self.rom.bit_lines}, mux {self.rom.mux}"

    @property
    def size_um(self) -> tuple[float, float]:
        """Width of a bank, along its word lines, and height, along its bit lines."""
        plan, dbu = BankPlan(self.bank), self.bank.process.dbu
        return plan.width * dbu, plan.height * dbu

    def banks_um2(self, halo: tuple[float, float]) -> float:
        """Area of all banks, each with its halo (um, at all four sides), in which no cell can be."""
        width, height = self.size_um
        return self.rom.banks * (width + 2 * halo[0]) * (height + 2 * halo[1])

    def macros_um2(self, halo: tuple[float, float]) -> float | None:
        """The same of ROM macros, with drivers and samplers inside; None if none can be drawn."""
        try:
            spec = RomSpec(self.rom.word_lines, self.rom.bit_lines, self.bank.pdk)
        except FlowError:
            return None
        plan, dbu = RomPlan(spec.array), self.bank.process.dbu
        return self.rom.banks * (plan.width * dbu + 2 * halo[0]) * (plan.height * dbu + 2 * halo[1])

    def read_ns(self, corner: str) -> float | None:
        """Word line to bit line as the bank's liberty states it, or None for a bank that was not simulated.

        Args:
            corner: Such as "ss_n40C_1v40".

        Raises:
            FlowError: The bank's table is damaged.
        """
        timing = find_timing(self.bank)
        if timing is None or corner not in timing.corners:
            return None
        delay, _ = bit_line_arc(timing.corners[corner], "fall")
        return delay[timing.slews_ns.index(SLEW_NS)][timing.loads_ff.index(LOAD_FF)]


def splits(rom: RomGeometry, pdk: str) -> list[Split]:
    """Every split of `BANKS`, `WORD_LINES` and `MUX` into banks that can be drawn, and the one that is given.

    All hold as many rows of as many bits as `rom`.

    Returns:
        The fewest banks first, then the most word lines.

    Raises:
        FlowError: The bank of `rom` itself cannot be drawn.
    """
    found = {rom: Split(rom, BankSpec.of(rom, pdk))}
    for banks, word_lines, mux in itertools.product(BANKS, WORD_LINES, MUX):
        other = RomGeometry(banks=banks, word_lines=word_lines, bits=rom.bits, mux=mux)
        if other.rows != rom.rows or other in found:
            continue
        try:
            found[other] = Split(other, BankSpec.of(other, pdk))
        except FlowError:  # too many bit lines, or a number of them that does not fit the straps
            continue
    return sorted(found.values(), key=lambda s: (s.rom.banks, -s.rom.word_lines))
