"""Cells of whole tiles, from their RTL: what `sc-flow plan --explore` chooses by.

    python -m base_chip.synth.tiles sky130_fd_sc_hd__tt_025C_1v80.lib

maps every size of `ROM_TILES` and `RAM_TILES`, and `VEC_TILE`, and writes base_chip/pdk/sky130/tiles.json.
"""

__all__ = ["RAM_TILES", "ROM_TILES", "TILES", "VEC_TILE", "map_ram_tile", "map_rom_tile", "map_vec_tile"]

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from base_chip.synth.mapping import PREFIX, Netlist, map_to_cells
from base_chip.synth.yosys import yosys_version
from base_chip.tiles.config import VecTileConfig, load_tile
from rtl_gen.tiles.columns import SLOT_BITS
from rtl_gen.tiles.macro import (
    IN_GROUP,
    Enclosed,
    macro_ports,
    ram_macro_name,
    ram_pins,
    rom_macro_name,
)
from rtl_gen.tiles.ram import MACRO_BITS, RamTileSize, ram_tile_verilog
from rtl_gen.tiles.rom import RomTileSize, rom_tile_verilog
from rtl_gen.tiles.vec import MACROS, VecTile, VecTileSize
from rtl_gen.tiles.verilog import component_verilog


def _vec_tile() -> VecTileSize:
    """The size that is hardened."""
    tile = load_tile("vec")
    assert isinstance(tile, VecTileConfig)
    return tile.size.vec()


TILES = Path(__file__).parents[1] / "pdk" / "sky130" / "tiles.json"

ROM_TILES = (
    *(RomTileSize(banks, rows) for rows in (1, 2) for banks in (8, 16, 32)),
    *(RomTileSize(banks, 4) for banks in (16, 32)),
    RomTileSize(16, 2, columns=16),
)
VEC_TILE = _vec_tile()
RAM_TILES = tuple(RamTileSize(words) for words in (64, 128, 256))


def map_rom_tile(size: RomTileSize, liberty: Path, work: Path) -> Netlist:
    """Map a rom tile to cells; its macros are cells without area."""
    name = rom_macro_name(SLOT_BITS * size.columns, size.mux)
    macros = {name: macro_ports(name, size.macro_pins)}
    return map_to_cells(rom_tile_verilog(size), "scf_rom_tile", liberty, macros, work)


def map_ram_tile(size: RamTileSize, liberty: Path, work: Path) -> Netlist:
    """Map a ram tile to cells; its macros are cells without area."""
    name = ram_macro_name(size.words, MACRO_BITS)
    macros = {name: macro_ports(name, ram_pins(size.words, MACRO_BITS))}
    return map_to_cells(ram_tile_verilog(size), "scf_ram_tile", liberty, macros, work)


def map_vec_tile(size: VecTileSize, liberty: Path, work: Path) -> Netlist:
    """Map a vec tile to cells; its macros are cells without area."""
    tile = VecTile(size)
    macros = {}
    for name in MACROS:
        pins = tile.signature.members[name].signature
        bits, words = pins.members["q"].shape, IN_GROUP * pins.members["b_n"].shape
        macro = ram_macro_name(words, bits) if "write" in pins.members else rom_macro_name(bits)
        macros[macro] = macro_ports(macro, pins)
    verilog = component_verilog(Enclosed(tile, MACROS), "scf_vec_tile")
    return map_to_cells(verilog, "scf_vec_tile", liberty, macros, work, resimplify=True)


def _main() -> None:
    liberty = Path(sys.argv[1])
    found: dict[str, list[dict[str, int]]] = {"rom": [], "ram": []}
    with tempfile.TemporaryDirectory() as scratch:
        for n, rom in enumerate(ROM_TILES):
            net = map_rom_tile(rom, liberty, Path(scratch) / f"rom{n}")
            found["rom"].append(_told(asdict(rom), net, rom.banks))
        for n, ram in enumerate(RAM_TILES):
            net = map_ram_tile(ram, liberty, Path(scratch) / f"ram{n}")
            found["ram"].append(_told(asdict(ram), net, ram.macros))
        net = map_vec_tile(VEC_TILE, liberty, Path(scratch) / "vec")
        macros = sum(n for name, n in net.cells.items() if not name.startswith(PREFIX))
        found["vec"] = [_told(asdict(VEC_TILE), net, macros)]
    head = {"command": "python -m base_chip.synth.tiles <liberty>", "liberty": liberty.name}
    TILES.write_text(json.dumps(head | {"yosys": yosys_version()} | found, indent=1) + "\n")


def _told(size: dict[str, int], net: Netlist, macros: int) -> dict[str, int]:
    told = size | {"um2": round(net.area_um2), "cells": net.cell_count - macros}
    print(told, flush=True)
    return told


if __name__ == "__main__":
    _main()
