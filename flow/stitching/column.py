"""What the compiler has to know of a die of one column of tiles."""

__all__ = ["die_column"]

from base_chip.dies import Floorplan
from base_chip.tiles import load_tile
from base_chip.tiles.config import RamTileConfig, RomTileConfig, VecTileConfig
from metal_configs.compile.program.fit import Column
from rtl_gen.errors import ExitCode, FlowError


def die_column(die: Floorplan) -> Column:
    """What the compiler has to know of a die.

    Raises:
        FlowError: It has several columns, or more rows than its vec tile feeds (USAGE).
    """
    rom, ram, vec = (load_tile(name) for name in ("rom", "ram", die.vec.tile))
    assert isinstance(rom, RomTileConfig)
    assert isinstance(ram, RamTileConfig)
    assert isinstance(vec, VecTileConfig)
    fed, there = (vec.size.rom_rows, vec.size.ram_rows), (die.rom.rows, die.ram.rows)
    if not die.one_column or there[0] > fed[0] or there[1] > fed[1]:
        raise FlowError(
            f"{there[0]} rows of rom tiles and {there[1]} of ram tiles in {die.rom.columns} columns; the vec"
            f" tile sends steps to one column of at most {fed[0]} and {fed[1]}",
            where=f"die {die.name}",
            hint=f"Correct rom, ram and vec of the floorplan, or base_chip/tiles/{die.vec.tile}.yaml.",
            code=ExitCode.USAGE,
        )
    return Column(rom.size.rom(), there[0], ram.size.ram(), there[1], vec.size.vec())
