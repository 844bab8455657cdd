"""The ways to split a base's ROM into banks, compared by area."""

__all__ = ["Row", "Sweep", "sweep"]

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from base_chip.config import BaseConfig
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.splits import Split, splits
from base_chip.synth import yosys_version
from flow.files import sha256_file
from flow.hardening.periphery import Periphery, measure_periphery
from flow.hardening.synthesis import CORNER, need_liberty, plain_liberty
from flow.pdk.providers import find_pdk

_FORMAT = "scf-rom-sweep-1"


@dataclass(frozen=True)
class Row:
    """One split of the ROM.

    Attributes:
        split: Banks, word lines, multiplexing.
        size_um: Width and height of a bank.
        banks: Area of all banks with their halos, um2.
        periphery: Of the standard cells, um2.
        bits: Of the whole ROM.
        read_ns: Word line to bit line by corner of the chip; None where the bank was not simulated.
        macros: Area of ROM macros of the same size with their halos, um2; None if they cannot be drawn.
    """

    split: Split
    size_um: tuple[float, float]
    banks: float
    periphery: Periphery
    bits: int
    read_ns: dict[str, float | None]
    macros: float | None

    @property
    def total(self) -> float:
        """Banks and standard cells, um2."""
        return self.banks + self.periphery.total

    @property
    def um2_per_bit(self) -> float:
        return self.total / self.bits

    @property
    def total_with_macros(self) -> float | None:
        """Macros, the cells that decode for them and those that select among their outputs, um2."""
        if self.macros is None:
            return None
        return self.macros + self.periphery.decoders + self.periphery.columns


@dataclass(frozen=True)
class Sweep:
    """All splits of a base's ROM.

    Attributes:
        base: Its name.
        rows: In the order of `base_chip.splits.splits`.
        own: The split that the base has.
        smallest: The one of the smallest total; the first of several.
        versions: Of Yosys, and the corner and content of the liberty.
    """

    base: str
    rows: tuple[Row, ...]
    own: Row
    smallest: Row
    versions: dict[str, str]

    def to_json(self) -> str:
        """All numbers as JSON: um2, um and ns. The same base, tools and liberty give the same text."""
        data = {
            "format": _FORMAT,
            "base": self.base,
            "versions": self.versions,
            "rows": [self._row(row) for row in self.rows],
        }
        return json.dumps(data, indent=1)

    def _row(self, row: Row) -> dict[str, Any]:
        rom, cells = row.split.rom, row.periphery
        return {
            "banks": rom.banks,
            "word_lines": rom.word_lines,
            "mux": rom.mux,
            "bit_lines": rom.bit_lines,
            "bank_um": [round(v, 3) for v in row.size_um],
            "banks_um2": round(row.banks, 4),
            "decoders_um2": round(cells.decoders, 4),
            "drivers_um2": round(cells.drivers, 4),
            "columns_um2": round(cells.columns, 4),
            "samplers_um2": round(cells.samplers, 4),
            "total_um2": round(row.total, 4),
            "um2_per_bit": round(row.um2_per_bit, 5),
            "macros_um2": _rounded(row.macros),
            "total_with_macros_um2": _rounded(row.total_with_macros),
            "read_ns": {k: v if v is None else round(v, 4) for k, v in row.read_ns.items()},
            "own": row is self.own,
            "smallest": row is self.smallest,
        }


def _rounded(area: float | None) -> float | None:
    return area if area is None else round(area, 4)


def sweep(base: BaseConfig, work: Path, *, jobs: int, say: Callable[[str], None]) -> Sweep:
    """Measure every split of a base's ROM.

    Args:
        base: The base.
        work: Folder for the syntheses, one folder a split; made if missing.
        jobs: Syntheses at a time.
        say: Shows a line.

    Raises:
        FlowError: Yosys or liberty is missing (MISSING_TOOL), or a synthesis failed (TOOL_FAILED).
    """
    versions = {"yosys": yosys_version()}
    pdk = load_pdk(base.pdk)
    files, facts = find_pdk(pdk, need_all=False), load_place_route(pdk)
    liberty = need_liberty(files)
    corners = {name: c.liberty for name, c in facts.corners.items() if "hold" not in c.checks}
    found = splits(base.rom, base.pdk)
    work.mkdir(parents=True, exist_ok=True)

    def measure(split: Split) -> Row:
        rom = split.rom
        folder = work / f"{rom.banks}x{split.bank.name}_mux{rom.mux}"
        cells = measure_periphery(rom, split.bank, plain, folder)
        say(f"{split}: {cells.total:.0f} um2 of cells")
        read = {name: split.read_ns(corner) for name, corner in corners.items()}
        halo = facts.bank_halo
        areas = split.banks_um2(halo), cells, rom.rows * rom.bits
        return Row(split, split.size_um, *areas, read, split.macros_um2(halo))

    with TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        plain = plain_liberty(liberty, Path(scratch))
        versions["liberty"] = f"{CORNER}, sha256 {sha256_file(plain)}"
        rows = tuple(pool.map(measure, found))
    own = next(row for row in rows if row.split.rom == base.rom)
    return Sweep(base.name, rows, own, min(rows, key=lambda row: row.total), versions)
