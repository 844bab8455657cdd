"""What a tile is made of: its RTL, its ports and its macros."""

__all__ = [
    "Port",
    "macro_layouts",
    "macro_models",
    "macro_specs",
    "rom_macro_size",
    "tile_macros",
    "tile_ports",
    "tile_rtl",
    "top_of",
]

import warnings
from collections.abc import Iterator
from typing import NamedTuple

import klayout.db as kdb
from amaranth.hdl import Const, UnusedElaboratable, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from base_chip.arrays.layout import build_rom
from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.sram.layout import build_sram
from base_chip.arrays.sram.liberty import sram_liberty
from base_chip.arrays.sram.plan import SramPlan
from base_chip.arrays.sram.spec import SramSpec
from base_chip.arrays.sram.timing import load_timing as load_sram_timing
from base_chip.arrays.sram.views import sram_lef, sram_verilog
from base_chip.arrays.timing import RomTiming, load_timing
from base_chip.arrays.views import rom_lef, rom_verilog
from base_chip.harden.block import Macro
from base_chip.pdk.place_route import PlaceRoute
from base_chip.tiles.config import RamTileConfig, RomTileConfig, TileConfig, VecTileConfig, kind_of
from rtl_gen.tiles.macro import IN_GROUP, Enclosed, WithMacros, macro_of, macro_ports
from rtl_gen.tiles.ram import RamTile
from rtl_gen.tiles.rom import RomTile
from rtl_gen.tiles.vec import MACROS, VecTile
from rtl_gen.tiles.verilog import component_verilog

# Ports and macros are read off tiles that are never built.
warnings.filterwarnings("ignore", category=UnusedElaboratable)


class Port(NamedTuple):
    """A port of a tile: width of a bus, None if it is none; whether it is an output."""

    width: int | None
    output: bool


def tile_rtl(tile: TileConfig) -> str:
    """Verilog of the tile, module `scf_<kind>_tile`, its macros as boxes."""
    return component_verilog(_whole(tile), top_of(tile))


def top_of(tile: TileConfig) -> str:
    """Name of the tile's module."""
    return f"scf_{kind_of(tile)}_tile"


def tile_ports(tile: TileConfig) -> dict[str, Port]:
    """Ports by name, clock and reset among them."""
    whole = _whole(tile)
    ports = {"clk": Port(None, False), "rst": Port(None, False)}
    for path, member, value in whole.signature.flatten(whole):
        if not isinstance(value, Const):
            width = len(Value.cast(value))
            ports["_".join(map(str, path))] = Port(width if width > 1 else None, member.flow == Out)
    return ports


def tile_macros(tile: TileConfig, facts: PlaceRoute, timing: RomTiming | None = None) -> dict[str, Macro]:
    """The memory that each instance is.

    Args:
        tile: Its config.
        facts: The process.
        timing: Of the ROM macro; None for that which ships.

    Raises:
        FlowError: A macro's timing is not there.
    """
    made: dict[RomSpec | SramSpec, Macro] = {}
    found = {}
    for instance, spec, pins in _instances(tile):
        if spec not in made:
            made[spec] = _macro(spec, pins, facts, timing)
        found[instance] = made[spec]
    return found


def rom_macro_size(tile: RomTileConfig) -> tuple[int, int]:
    """Width and height of a rom tile's macro, dbu."""
    plan = RomPlan(next(spec for _, spec, _ in _instances(tile)).array)
    return plan.width, plan.height


def macro_layouts(tile: TileConfig) -> list[kdb.Layout]:
    """Layout of each kind of memory in a tile, without contents."""
    return [build_rom(s) if isinstance(s, RomSpec) else build_sram(s) for s in macro_specs(tile)]


def macro_models(tile: TileConfig) -> dict[str, str]:
    """Behavioural Verilog of each kind of memory in a tile, by its module."""
    return {s.name: rom_verilog(s) if isinstance(s, RomSpec) else sram_verilog(s) for s in macro_specs(tile)}


def macro_specs(tile: TileConfig) -> list[RomSpec | SramSpec]:
    """What each kind of memory in a tile is."""
    return list(dict.fromkeys(spec for _, spec, _ in _instances(tile)))


def _whole(tile: TileConfig) -> wiring.Component:
    """The tile with its macros."""
    inner = _inner(tile)
    if isinstance(inner, VecTile):
        return Enclosed(inner, MACROS)
    return WithMacros(inner, lambda: macro_of(inner.banks[0], low=True))


def _inner(tile: TileConfig) -> RomTile | RamTile | VecTile:
    """The tile without its macros."""
    if isinstance(tile, RomTileConfig):
        return RomTile(tile.size.rom())
    if isinstance(tile, RamTileConfig):
        return RamTile(tile.size.ram())
    assert isinstance(tile, VecTileConfig)
    return VecTile(tile.size.vec())


def _instances(tile: TileConfig) -> Iterator[tuple[str, RomSpec | SramSpec, wiring.Signature]]:
    """Each macro's instance, what it is, and its pins."""
    inner = _inner(tile)
    for name in MACROS if isinstance(inner, VecTile) else ("banks",):
        member = inner.signature.members[name]
        pins = member.signature
        for n in range(member.dimensions[0]):
            instance = f"bank{n}" if name == "banks" else f"{name}_{n}"
            yield f"{instance}.macro", _spec(pins, tile.pdk), pins


def _spec(pins: wiring.Signature, pdk: str) -> RomSpec | SramSpec:
    words, bits = IN_GROUP * pins.members["b_n"].shape, pins.members["q"].shape
    if "write" in pins.members:
        return SramSpec(words, bits, pdk)
    mux = pins.members["select"].shape if "select" in pins.members else 1
    return RomSpec(words, bits * mux, pdk, mux)


def _macro(
    spec: RomSpec | SramSpec, pins: wiring.Signature, facts: PlaceRoute, timing: RomTiming | None
) -> Macro:
    corners = [c.liberty for c in facts.corners.values()]
    if isinstance(spec, RomSpec):
        rom, table = RomPlan(spec.array), timing or load_timing(spec)
        size, lef = (rom.width, rom.height), rom_lef(spec)
        liberty = {corner: rom_liberty(spec, corner, table) for corner in corners}
    else:
        ram, measured = SramPlan(spec), load_sram_timing(spec)
        size, lef = (ram.width, ram.height), sram_lef(spec)
        liberty = {corner: sram_liberty(spec, corner, measured) for corner in corners}
    return Macro(spec.name, size, macro_ports(spec.name, pins), lef, liberty)
