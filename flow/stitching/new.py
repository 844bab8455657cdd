"""Writes the floorplan of a new die of tiles."""

__all__ = ["floorplan_text", "new_floorplan"]

import math
import re
from dataclasses import replace

from base_chip.dies import Floorplan, parse_die
from base_chip.dies.floorplan import TILE, RamRows, RomGrid
from base_chip.pdk import load_pdk
from base_chip.pdk.margin import load_margin
from base_chip.tiles import tile_size
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.ports import Step

_NAME = re.compile(r"[a-z][a-z0-9_]*")
MOST = 4096  # rom tiles: the largest field has room for some 700


def new_floorplan(name: str, like: Floorplan, rom: int) -> Floorplan:
    """A die with so many rom tiles, as many ram tiles as another, and just the room that they take.

    Tiles stand in as many columns as make the die most nearly square, each as wide as the rom tile. The
    margin has room for the steps of all rows.

    Raises:
        FlowError: The name is none, or the number (USAGE).
    """
    if not _NAME.fullmatch(name):
        raise FlowError(
            f"{name!r} cannot be the name of a base", code=ExitCode.USAGE,
            hint="Lower-case letters, digits and underscores, a letter first.",
        )  # fmt: skip
    if not 1 <= rom <= MOST:
        raise FlowError(f"{rom} rom tiles, expected 1 to {MOST}", code=ExitCode.USAGE)
    width = tile_size("rom")[0]
    ram = like.ram.rows * like.rom.columns
    margin, steps = load_margin(load_pdk(like.pdk)), Step(TILE.rows).size + 1
    best: Floorplan | None = None
    for columns in (n for n in range(1, rom + 1) if rom % n == 0):
        rows = RomGrid(rom // columns, columns), RamRows(-(-ram // columns), like.ram.words)
        edge = max(like.edge, margin.least((rows[0].rows + rows[1].rows) * steps) / 1000)
        die = round(columns * width / 1000 + 2 * edge, 3)
        one = replace(like, name=name, edge=edge, rom=rows[0], ram=rows[1], die=(die, 1e9))
        high = math.ceil(one.tiles_height / 5) * 5 / 1000 + 2 * edge
        one = replace(one, die=(die, round(high, 3)))
        if best is None or _stretched(one) < _stretched(best):
            best = one
    assert best
    parse_die(floorplan_text(best, like.name), where=f"{name}.yaml")
    return best


def floorplan_text(die: Floorplan, like: str) -> str:
    """The floorplan as YAML."""
    layers = ", ".join(f"[{a}, {b}]" for a, b in die.program_layers)
    return f"""# {die.name}: {die.rom.rows * die.rom.columns} rom tiles; the rest as {like} has it.
name: {die.name}
pdk: {die.pdk}
program_layers: [{layers}]

die: [{die.die[0]}, {die.die[1]}]
edge: {die.edge}

rom: {{rows: {die.rom.rows}, columns: {die.rom.columns}}}
ram: {{rows: {die.ram.rows}, words: {die.ram.words}}}
vec: {{columns: {die.vec.columns}, macros: {die.vec.macros}, tile: {die.vec.tile}}}
link_bytes: {die.link_bytes}
context: {die.context}
"""


def _stretched(die: Floorplan) -> float:
    return abs(math.log(die.die[0] / die.die[1]))
