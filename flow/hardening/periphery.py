"""Standard cells around a ROM's banks, as the synthesis of a base maps them, and what they are for."""

__all__ = ["Periphery", "measure_periphery"]

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base_chip.bank import BankSpec
from base_chip.harden.block import bank_ports
from base_chip.synth import library_in, map_to_cells, run_yosys
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.sampled_rom import TOP, sampled_rom_verilog

# One flat module, in which cells have directions of pins and areas.
FLATTEN = """
read_liberty -lib {liberty}
read_verilog -lib banks.v
read_verilog netlist.v
hierarchy -check -top {top}
flatten
write_json -noscopeinfo flat.json
"""

PARTS = ("decoders", "drivers", "columns", "samplers")
CLOCK_PIN = "CLK"  # of flip-flops and clock gates, and of no other cell of the library

Cells = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Periphery:
    """Cell area in um2, before place and route adds buffers and a clock tree.

    Attributes:
        decoders: What word lines and PRE_N depend on, up to their drivers.
        drivers: Of word lines and PRE_N.
        columns: Column multiplexers, the gates that join the banks, and what selects a column.
        samplers: Flip-flops of the row that is read, and their clock gate.
    """

    decoders: float
    drivers: float
    columns: float
    samplers: float

    @property
    def total(self) -> float:
        """Sum of the four."""
        return self.decoders + self.drivers + self.columns + self.samplers


def measure_periphery(rom: RomGeometry, bank: BankSpec, liberty: Path, work: Path) -> Periphery:
    """Map the ROM alone to cells with the script of a base, and tell the cells apart by what they drive.

    Args:
        rom: Its split into banks.
        bank: Each of them.
        liberty: sky130_fd_sc_hd at the typical corner, not compressed.
        work: Folder for scripts, logs and netlists.

    Raises:
        FlowError: Yosys is missing or failed; its log is in `work`.
    """
    ports = bank_ports(bank)
    map_to_cells(sampled_rom_verilog(rom), TOP, liberty, {bank.name: ports}, work)
    (work / "banks.v").write_text(f"{ports}\n")
    run_yosys(FLATTEN.format(liberty=library_in(work, liberty), top=TOP), work, "flatten")
    modules = json.loads((work / "flat.json").read_text())["modules"]
    area: dict[str, float] = defaultdict(float)
    for cell, part in _parts(modules[TOP]["cells"], bank.name).items():
        area[part] += float(modules[modules[TOP]["cells"][cell]["type"]]["attributes"]["area"])
    return Periphery(*(area[part] for part in PARTS))


def _parts(cells: Cells, bank: str) -> dict[str, str]:
    """For each cell that is no bank, one of `PARTS`."""
    driver = {net: name for name, cell in cells.items() for net in _nets(cell, "output")}
    banks = [name for name, cell in cells.items() if cell["type"] == bank]
    behind = _behind(cells, driver, banks)
    drivers = set(behind)
    decoders: set[str] = set()
    while behind := _behind(cells, driver, behind) - drivers - decoders:
        decoders |= behind
    parts = {}
    for name, cell in cells.items():
        if name in drivers:
            parts[name] = "drivers"
        elif name in decoders:
            parts[name] = "decoders"
        elif CLOCK_PIN in cell["port_directions"]:
            parts[name] = "samplers"
        elif cell["type"] != bank:
            parts[name] = "columns"
    return parts


def _behind(cells: Cells, driver: Mapping[int, str], names: Iterable[str]) -> set[str]:
    """The cells that drive inputs of these."""
    return {driver[net] for name in names for net in _nets(cells[name], "input") if net in driver}


def _nets(cell: Mapping[str, Any], direction: str) -> list[int]:
    pins = cell["port_directions"]
    return [net for pin, nets in cell["connections"].items() if pins[pin] == direction for net in nets]
