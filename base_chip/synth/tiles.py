"""Cells of whole tiles, from their RTL: what `sc-flow plan --explore` chooses by.

    python -m base_chip.synth.tiles sky130_fd_sc_hd__tt_025C_1v80.lib

maps every size of `ROM_TILES` and writes base_chip/pdk/sky130/tiles.json.
"""

__all__ = ["ROM_TILES", "TILES", "map_rom_tile"]

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from base_chip.synth.mapping import Netlist, map_to_cells
from base_chip.synth.yosys import yosys_version
from rtl_gen.tiles.macro import rom_macro_name, rom_macro_ports
from rtl_gen.tiles.rom import CODE_BITS, RomTileSize, rom_tile_verilog

TILES = Path(__file__).parents[1] / "pdk" / "sky130" / "tiles.json"

ROM_TILES = (
    *(RomTileSize(banks, 1) for banks in (4, 8, 16, 32)),
    *(RomTileSize(banks, 2) for banks in (4, 8, 16, 32)),
    *(RomTileSize(banks, 4) for banks in (8, 16, 32)),
    *(RomTileSize(16, 2, columns) for columns in (16, 64)),
)


def map_rom_tile(size: RomTileSize, liberty: Path, work: Path) -> Netlist:
    """Map a rom tile to cells; its macros are cells without area."""
    bits = CODE_BITS * size.columns
    macros = {rom_macro_name(bits): rom_macro_ports(bits)}
    return map_to_cells(rom_tile_verilog(size), "scf_rom_tile", liberty, macros, work)


def _main() -> None:
    liberty, found = Path(sys.argv[1]), []
    with tempfile.TemporaryDirectory() as scratch:
        for n, size in enumerate(ROM_TILES):
            net = map_rom_tile(size, liberty, Path(scratch) / str(n))
            found.append(asdict(size) | {"um2": round(net.area_um2), "cells": net.cell_count - size.banks})
            print(found[-1], flush=True)
    head = {"command": "python -m base_chip.synth.tiles <liberty>", "liberty": liberty.name}
    TILES.write_text(json.dumps(head | {"yosys": yosys_version(), "rom": found}, indent=1) + "\n")


if __name__ == "__main__":
    _main()
