"""A tile as place and route is told of it."""

__all__ = ["tile_block", "tile_rtl"]

from collections.abc import Iterator

from base_chip.arrays.liberty import rom_liberty
from base_chip.arrays.plan import RomPlan
from base_chip.arrays.spec import RomSpec
from base_chip.arrays.timing import RomTiming, load_timing
from base_chip.arrays.views import rom_lef
from base_chip.harden.block import Block, Macro
from base_chip.harden.constraints import tile_sdc
from base_chip.pdk.place_route import PlaceRoute
from base_chip.schema import digest
from base_chip.tiles.config import TileConfig
from base_chip.tiles.floorplan import Floorplan, plan_tile, seam_pins
from rtl_gen.tiles.columns import SLOT_BITS
from rtl_gen.tiles.macro import WORDS, macro_ports
from rtl_gen.tiles.ports import ACTIVATION_BITS, SUM_BITS
from rtl_gen.tiles.rom import rom_tile_verilog

STEP_FLAGS = 5
STRAP = 1.6  # um, width of a strap on met4


def tile_rtl(tile: TileConfig) -> str:
    """Verilog of the tile, its macros as boxes."""
    return rom_tile_verilog(tile.size.rom())


def tile_block(tile: TileConfig, facts: PlaceRoute, timing: RomTiming | None = None) -> Block:
    """A rom tile; its macros are instances `bank<n>.macro`.

    Args:
        tile: Its config.
        facts: The process.
        timing: Of the macro; None for that which ships.

    Raises:
        FlowError: The floorplan has no room, or the macro's timing is not there.
    """
    size = tile.size.rom()
    bits = SLOT_BITS * size.columns
    spec = RomSpec(WORDS, bits, tile.pdk, size.mux)
    shape = RomPlan(spec.array)
    timing = timing or load_timing(spec)
    macro = Macro(
        name=spec.name,
        size=(shape.width, shape.height),
        ports=macro_ports(spec.name, size.macro_pins),
        lef=rom_lef(spec),
        liberty={c.liberty: rom_liberty(spec, c.liberty, timing) for c in facts.corners.values()},
    )
    plan = plan_tile(tile, macro.size, facts)
    step = ACTIVATION_BITS * tile.size.rows + STEP_FLAGS
    ports = {
        "clk_east": None, "rst_east": None, "east_valid": None, "east_payload": step,
        "south_valid": None, "south_payload": SUM_BITS,
    }  # fmt: skip
    (x, y), (width, height) = tile.margin, plan.die
    return Block(
        kind="tile",
        name=tile.name,
        top="scf_rom_tile",
        pdk=tile.pdk,
        source=f"tiles/{tile.name}.yaml",
        digest=digest(tile),
        die=plan.die,
        core=((x, y), (round(width - x, 3), round(height - y, 3))),
        density=tile.density,
        layer_adjustment=tile.layer_adjustment,
        macro=macro,
        places={f"bank{n}.macro": place for n, place in enumerate(plan.places)},
        halo=tile.macros.halo,
        apart=tile.macros.back,
        sdc=tile_sdc(tile.name, tile.target_ns),
        pins=seam_pins(plan, ports, facts),
        straps="-extend_to_boundary",
        diamond=True,
        split_gates=True,
        least_row=facts.strap_pitch["vertical"] + STRAP,
        homes=dict(_homes(tile, plan, macro.size[0] / 1000)),
    )


def _homes(
    tile: TileConfig, plan: Floorplan, macro: float
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
