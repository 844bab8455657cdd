"""Area of a die and of its tiles, fields, masks and wafers; and whether one die would do."""

__all__ = ["area_lines", "mask_lines", "single_die"]

import math
from collections.abc import Mapping as Table

from base_chip.dies import Floorplan
from base_chip.dies.floorplan import TILE
from flow.planning.lines import Line
from metal_configs.compile import Placement


def area_lines(base: Floorplan, dies: int) -> list[Line]:
    """The tiles of a die, what they spare, and all dies together; mm2."""
    inner = math.prod(d - 2 * base.edge for d in base.die) / 1e6
    die, h, width = math.prod(base.die) / 1e6, base.heights, base.tile_width / 1e6
    rom, ram = base.rom.rows * base.rom.columns, base.ram.rows * base.rom.columns
    weight = base.tile_width * h["rom"] / 1e6 / TILE.weights
    sizes = {k: f"{base.tile_width / 1000:g} x {v / 1000:g} um" for k, v in h.items()}
    parts = [
        ("rom tiles", rom * width * h["rom"] / 1e6,
         f"{rom} of {sizes['rom']}: {weight:.2f} um2/weight"),
        ("ram tiles", ram * width * h["ram"] / 1e6, f"{ram} of {sizes['ram']}"),
        ("vec tiles", base.rom.columns * width * h["vec"] / 1e6,
         f"{base.vecs} below {base.rom.columns} columns of tiles, {base.vec.macros} ROM macros each"),
        ("edge", die - inner, f"{base.edge:g} um on every side"),
    ]  # fmt: skip
    spared = die - sum(v for _, v, _ in parts)
    g = "area of a die"
    return [
        *(Line(g, name, v, "mm2", formula) for name, v, formula in parts),
        Line(g, "spared", spared, "mm2", "die less all of the above"),
        Line(g, "die", die, "mm2", f"{base.die[0] / 1000:g} x {base.die[1] / 1000:g} mm"),
        Line(g, "all dies", dies * die, "mm2", f"{dies} * die"),
    ]


def single_die(
    model: str, base: Floorplan, placed: Placement, c: Table[str, float], why: str = ""
) -> tuple[str, ...]:
    """Sentences: why one die does not do, or that it does, and what the largest model for one is.

    Args:
        model, base, placed, c: What is planned, and constants.
        why: What a compiler says that one die lacks.
    """
    dies, used = len(placed.dies), sum(m.used_bits for m in placed.matrices)
    field = c["field_width"] * c["field_height"]
    tiles = used / 4 / TILE.weights
    mm2 = tiles * base.tile_width * base.heights["rom"] / 1e12
    if dies == 1:
        first = (
            f"{model} fits on one die of {base.name}: {placed.dies[0][-1].end} of {placed.die.depth} rows of"
        )
        first += " every rom tile."
    elif why:
        first = f"One die of {base.name} does not hold {model}: {why}."
    elif mm2 > field:
        first = (
            f"One die cannot hold {model}: rom tiles for its bits alone take {mm2:.0f} mm2, {mm2 / field:.1f}"
            f" times the largest field that a stepper exposes, {field:g} mm2."
        )
    else:
        first = (
            f"One die of {base.name} does not hold {model}: its bits fill {tiles:,.1f} rom tiles,"
            f" {base.rom.rows * base.rom.columns} are there."
        )
    return first, (
        f"The largest model for one die of {base.name} has about {base.weights / 1e6:.3g} million weights of"
        " 4 bits."
    )


def mask_lines(base: Floorplan, dies: int, c: Table[str, float]) -> list[Line]:
    """Fields of a stepper, wafers, and the masks that a model changes."""
    die = base.die[0] * base.die[1] / 1e6
    width, height = c["field_width"], c["field_height"]
    in_field = int(width * 1000 // base.die[0]) * int(height * 1000 // base.die[1])
    fields = -(-dies // in_field) if in_field else dies
    d = c["wafer_diameter"] - 2 * c["wafer_edge"]
    in_wafer = math.floor(math.pi * d * d / 4 / die - math.pi * d / math.sqrt(2 * die))
    masks = c["program_masks"]
    g = "masks and wafers"
    return [
        Line(
            g, "dies per field", in_field, "",
            f"{width} x {height} mm" + ("" if in_field else ": THE DIE IS LARGER, AND CANNOT BE EXPOSED"),
            ("field_width", "field_height"),
        ),
        Line(g, "fields", fields, "", "dies / dies per field"),
        Line(
            g, "dies per wafer", in_wafer, "",
            "pi d^2 / (4 die) - pi d / sqrt(2 die), d = wafer_diameter - 2 wafer_edge",
            ("wafer_diameter", "wafer_edge"),
        ),
        Line(g, "wafers per model", dies / in_wafer, "", "dies / dies per wafer; without yield"),
        Line(
            g, "masks changed", masks, f"of {c['masks']}",
            "via2 alone tells one die, and one model, from another", ("masks", "program_masks"),
        ),
        Line(
            g, "program masks", masks * fields, "",
            "one per field; the others are shared by all dies of all models",
        ),
    ]  # fmt: skip
