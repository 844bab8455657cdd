"""A tile as place and route is told of it."""

__all__ = ["tile_block"]

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import RomTiming
from base_chip.harden.block import Block, Macro, Pin
from base_chip.harden.constraints import tile_sdc
from base_chip.pdk.place_route import PlaceRoute
from base_chip.schema import digest
from base_chip.tiles.config import PlacedTileConfig, RomTileConfig, TileConfig, VecTileConfig, load_tile
from base_chip.tiles.floorplan import Floorplan, Spans, plan_placed, plan_tile, seam_pins
from base_chip.tiles.parts import rom_macro_size, tile_macros, tile_ports, top_of

STRAP = 1.6  # um, width of a strap on met4


def tile_block(tile: TileConfig, facts: PlaceRoute, timing: RomTiming | None = None) -> Block:
    """A tile; its macros are instances such as `bank0.macro`.

    Args:
        tile: Its config.
        facts: The process.
        timing: Of the ROM macro; None for that which ships.

    Raises:
        FlowError: The floorplan has no room, or the macro's timing is not there.
    """
    macros, ports = tile_macros(tile, facts, timing), tile_ports(tile)
    if isinstance(tile, RomTileConfig):
        size = next(iter(macros.values())).size
        plan = plan_tile(tile, size, facts)
        halo, apart = tile.macros.halo, tile.macros.back
        homes = dict(_homes(tile, plan, size[0] / 1000))
    else:
        assert isinstance(tile, PlacedTileConfig)
        plan = plan_placed(tile, macros, _columns(facts))
        halo = apart = tile.halo
        homes = {}
    pins = seam_pins(plan, ports, facts)
    rom = isinstance(tile, RomTileConfig)
    (x, y), (width, height) = tile.margin, plan.die
    return Block(
        kind="tile",
        name=tile.name,
        top=top_of(tile),
        pdk=tile.pdk,
        source=f"tiles/{tile.name}.yaml",
        digest=digest(tile) if rom else _digest(tile, plan, pins),
        die=plan.die,
        core=((x, y), (round(width - x, 3), round(height - y, 3))),
        density=tile.density,
        layer_adjustment=tile.layer_adjustment,
        macros=macros,
        places=dict(zip(macros, plan.places, strict=True)),
        halo=halo,
        apart=apart,
        sdc=tile_sdc(tile.name, tile.target_ns, {name: pin.output for name, pin in pins.items()}),
        pins=pins,
        straps="-extend_to_boundary",
        diamond=rom,
        resimplify=isinstance(tile, VecTileConfig),
        split_gates=True,
        least_row=facts.strap_pitch["vertical"] + STRAP,
        dont_use=tile.dont_use if isinstance(tile, RomTileConfig) else (),
        clock_layer=tile.clock_layer if isinstance(tile, RomTileConfig | VecTileConfig) else None,
        homes=homes,
        closed=tuple(_closed(tile, plan, macros)) if isinstance(tile, VecTileConfig) else (),
    )


def _closed(
    tile: VecTileConfig, plan: Floorplan, macros: Mapping[str, Macro]
) -> Iterator[tuple[str, float, float, float, float]]:
    for place, macro in zip(plan.places, macros.values(), strict=True):
        if macro.name.startswith(RomSpec.prefix):
            width, height = (v / 1000 for v in macro.size)
            right, top = round(place.x + width, 3), round(place.y + height, 3)
            yield tile.closed_over_roms, place.x, place.y, right, top


def _columns(facts: PlaceRoute) -> Spans:
    """Where sums cross the seams of every tile: in the channels of the rom tile."""
    rom = load_tile("rom")
    assert isinstance(rom, RomTileConfig)
    return plan_tile(rom, rom_macro_size(rom), facts).channels


def _digest(tile: TileConfig, plan: Floorplan, pins: Mapping[str, Pin]) -> str:
    """SHA-256 of a config and of what follows from the rom tile's: width, and where sums cross."""
    whole = json.dumps([asdict(tile), plan.die, {name: asdict(pin) for name, pin in pins.items()}])
    return hashlib.sha256(whole.encode()).hexdigest()


def _homes(
    tile: RomTileConfig, plan: Floorplan, macro: float
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Cells of a channel lie between its macros, `macro` um wide, those of a half in its region."""
    rom, rows = tile.size.rom(), tile.size.rows
    each = len(plan.channels) // rows
    for half, (low, high) in zip(range(rom.halves), plan.regions, strict=True):
        for n in range(rows * each):
            row, at = divmod(n, each)
            left, right = plan.channels[at * rows + row]
            box = (round(left - macro, 3), low, round(right + macro, 3), high)
            yield f"tile.half{half}/channel{n}/", box
        yield f"tile.half{half}/", (tile.margin[0], low, round(plan.die[0] - tile.margin[0], 3), high)
