"""Static timing of a tile's mapped netlist, before it is placed: pins' capacitance counts, wires do not.

    python -m base_chip.synth.timing vec LIBERTIES [PATHS]

maps the tile of the chosen size and prints its longest paths from register to register in three corners, by
the names that these have in the RTL. LIBERTIES is a folder with those of the cells, *.lib or *.lib.gz.
"""

__all__ = ["RegisterPath", "tile_timing"]

import gzip
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.liberty import sram_liberty
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.timing import load_timing as load_sram_timing
from base_chip.arrays.timing import load_timing
from base_chip.harden.constraints import DERATE
from base_chip.synth.mapping import PREFIX, Netlist
from base_chip.synth.tiles import VEC_TILE, map_ram_tile, map_rom_tile, map_vec_tile
from rtl_gen.errors import ExitCode, FlowError, ending
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tools import find, run

PERIOD_NS = 1000.0  # any: what a path needs is told, not what it lacks
LOAD = 0.05  # pF at each output
MOST_PATHS = 20_000
TIMEOUT_S = 600
_TCL = """
foreach file {{{liberties}}} {{ read_liberty $file }}
read_verilog netlist.v
link_design {top}
create_clock -name clk -period {period} [get_ports clk]
set_load {load} [all_outputs]
set_timing_derate -early {early}
set_timing_derate -late {late}
report_checks -path_delay max -group_count {most} -endpoint_count 1 -format full -digits 3
"""
_EDGE = re.compile(r"^\s*(?:[\d.]+\s+)?([\d.]+)\s+clock clk'? \((?:rise|fall) edge\)", re.M)
_SLACK = re.compile(r"^\s*(-?[\d.]+)\s+slack", re.M)


@dataclass(frozen=True)
class RegisterPath:
    """The longest path to some registers.

    Attributes:
        start, end: Registers, or pins of macros, as the RTL calls them, without numbers of bits.
        needs_ns: From clock edge to clock edge, setup included.
        share: Of the period that it has: a half between edges of two kinds.
    """

    start: str
    end: str
    needs_ns: float
    share: float

    @property
    def period_ns(self) -> float:
        return self.needs_ns / self.share


def tile_timing(
    net: Netlist, top: str, liberties: Mapping[str, Path], work: Path
) -> dict[str, list[RegisterPath]]:
    """The longest path between any two groups of registers, by corner, the worst first.

    Args:
        net: Mapped.
        top: Its module.
        liberties: Of the cells, by the name of the corner.
        work: For all files.

    Raises:
        FlowError: OpenSTA is missing or failed, or a macro was not simulated.
    """
    found = {}
    for corner, liberty in liberties.items():
        folder = work / corner
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "netlist.v").write_text(net.verilog)
        (folder / "cells.lib").symlink_to(liberty.resolve())
        macros = [name for name in net.cells if _MACRO.fullmatch(name)]  # a tile has modules of its own, too
        for name in macros:
            (folder / f"{name}.lib").write_text(_macro(name, corner))
        text = _TCL.format(
            liberties=" ".join(["cells.lib", *(f"{name}.lib" for name in macros)]), top=top,
            period=PERIOD_NS, load=LOAD, early=1 - DERATE, late=1 + DERATE, most=MOST_PATHS,
        )  # fmt: skip
        (folder / "run.tcl").write_text(text)
        done = run([find("sta"), "-no_splash", "-exit", "run.tcl"], folder, TIMEOUT_S)
        if done.status or done.late or "Error" in done.log:
            why = "did not end" if done.late else ending(done.status)
            raise FlowError(f"OpenSTA {why}", where=str(folder / "run.tcl"), code=ExitCode.TOOL_FAILED)
        names = _names(net.verilog)
        worst: dict[tuple[str, str], RegisterPath] = {}
        for path in _paths(done.log, names):
            key = path.start, path.end
            if key not in worst or path.period_ns > worst[key].period_ns:
                worst[key] = path
        found[corner] = sorted(worst.values(), key=lambda p: -p.period_ns)
    return found


_MACRO = re.compile(r"scf_(rom|ram)_(\d+)x(\d+)(?:_mux(\d+))?")


def _macro(name: str, corner: str) -> str:
    """Liberty of a macro."""
    ((kind, words, bits, mux),) = _MACRO.findall(name)
    if kind == "rom":
        rom = RomSpec(int(words), int(bits), mux=int(mux or 1))
        return rom_liberty(rom, corner, load_timing(rom))
    ram = SramSpec(int(words), int(bits))
    return sram_liberty(ram, corner, load_sram_timing(ram))


def _names(verilog: str) -> dict[str, str]:
    """What the RTL calls the output of an instance, by the instance's name."""
    found = {}
    for match in re.finditer(r"^  \S+ (\\\S+ |\S+) \(\n(.*?)\n  \);", verilog, re.M | re.S):
        out = re.search(r"\.(?:Q|Q_N|GCLK)\((.*?)\)", match[2])
        if out:
            found[match[1].strip().lstrip("\\")] = out[1].strip().lstrip("\\")
    return found


def _paths(log: str, names: Mapping[str, str]) -> Iterator[RegisterPath]:
    for text in log.split("Startpoint: ")[1:]:
        start, end = text.split(None, 1)[0], text.split("Endpoint: ", 1)[1].split(None, 1)[0]
        edges, slack = _EDGE.findall(text), _SLACK.search(text)
        if len(edges) < 2 or slack is None:
            continue  # from or to a port
        time = float(edges[1]) - float(edges[0])
        share = round(time / PERIOD_NS, 3)
        needs = time - float(slack[1])
        yield RegisterPath(
            _plain(names.get(start, start)), _plain(names.get(end, end)), round(needs, 2), share
        )


def _plain(name: str) -> str:
    return (
        re.sub(r"\s*\[\d+(:\d+)?\]$|(?<=[a-z_])\d+(?=_\d)", "", name)
        .replace("tile.", "")
        .replace("inner.", "")
    )


def _main() -> None:
    kind, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 12
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        liberties = {}
        for corner in ("ss_n40C_1v40", "tt_025C_1v80", "ff_100C_1v95"):
            path = next(folder.glob(f"*__{corner}.lib*"))
            data = path.read_bytes()
            liberties[corner] = work / f"{PREFIX}{corner}.lib"
            liberties[corner].write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
        typical = liberties["tt_025C_1v80"]
        net = {
            "rom": lambda: map_rom_tile(RomTileSize(), typical, work / "map"),
            "ram": lambda: map_ram_tile(RamTileSize(), typical, work / "map"),
            "vec": lambda: map_vec_tile(VEC_TILE, typical, work / "map"),
        }[kind]()
        print(f"{net.cell_count} cells, {net.area_um2:.0f} um2")
        for corner, paths in tile_timing(net, f"scf_{kind}_tile", liberties, work / "sta").items():
            print(f"\n{corner}: period of {paths[0].period_ns:.2f} ns without wires")
            for p in paths[:count]:
                print(f"  {p.period_ns:6.2f}  {p.needs_ns:6.2f} of {p.share:g} period  {p.start} -> {p.end}")


if __name__ == "__main__":
    _main()
