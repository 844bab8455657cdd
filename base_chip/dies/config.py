"""Reading the YAML floorplans of dies."""

__all__ = ["die_file", "known_dies", "load_die", "parse_die"]

import functools
from importlib.resources import files
from pathlib import Path

from base_chip.dies.floorplan import FITTING, Floorplan
from base_chip.schema import bad, parse
from base_chip.tiles.config import RamTileConfig, VecTileConfig, load_tile
from rtl_gen.errors import ExitCode, FlowError


def known_dies() -> list[str]:
    """Names that `load_die` takes, sorted."""
    return sorted(p.name[: -len(".yaml")] for p in files(__package__).iterdir() if p.name.endswith(".yaml"))


def die_file(name: str) -> Path:
    """Where `load_die` looks for a die."""
    return Path(str(files(__package__).joinpath(f"{name}.yaml")))


@functools.cache
def load_die(name: str) -> Floorplan:
    """The die of that name.

    Raises:
        FlowError: There is none (USAGE), or its file does not hold what it should.
    """
    if name not in known_dies():
        raise FlowError(
            f"unknown base {name!r} of tiles; known: {', '.join(known_dies())}",
            hint="Pass one of the known names to --base.",
            code=ExitCode.USAGE,
        )
    found = parse_die(die_file(name).read_text("utf-8"), where=f"{name}.yaml")
    if found.name != name:
        raise bad(f"{name}.yaml", "name", found.name, f"{name!r}, as the file is called")
    return found


def parse_die(content: str, *, where: str) -> Floorplan:
    """Read a die from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    found = parse(content, Floorplan, where)
    if found.die == FITTING:
        found = found.fitted()
    _check_sense(where, found)
    return found


def _check_sense(where: str, f: Floorplan) -> None:
    ram = load_tile("ram")
    if isinstance(ram, RamTileConfig) and f.ram.words != ram.size.words:
        raise bad(where, "ram.words", f.ram.words, f"{ram.size.words}, as the ram tile has")
    vec, most = load_tile(f.vec.tile), f.across * (f.rom.columns - (f.vecs - 1) * f.vec.columns)
    if not isinstance(vec, VecTileConfig):
        raise bad(where, "vec.tile", f.vec.tile, "the name of a vec tile")
    banks = vec.size.program_banks + vec.size.rom_banks
    if f.one_column and f.vec.macros != banks:
        raise bad(where, "vec.macros", f.vec.macros, f"{banks}, as tile {f.vec.tile} has")
    if not f.one_column and f.vec.macros > min(most, f.across * f.vec.columns):
        raise bad(
            where, "vec.macros", f.vec.macros, f"at most {most}, what stands below a vec tile's columns"
        )
    tiles = f.rom.columns * f.tile_width, f.tiles_height
    for side, has, takes in zip(("width", "height"), f.die, tiles, strict=True):
        if (need := round(takes / 1000 + 2 * f.edge, 3)) > has:
            raise bad(where, f"die {side}", has, f"at least {need:g} um for the tiles")
