"""Tile configs: the YAML files that say how large a tile is and how far apart its macros lie."""

__all__ = ["MacroRules", "TileConfig", "known_tiles", "load_tile", "parse_tile"]

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

from base_chip.config import Um
from base_chip.schema import Name, bad, note, parse
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.rom import RomTileSize

Count = Annotated[int, note(ge=1)]


@dataclass(frozen=True)
class Size:
    """How much a rom tile holds."""

    banks: Annotated[int, note("ROM macros", ge=1)]
    rows: Annotated[int, note("rows, and activations, in a cycle", ge=1)]
    columns: Annotated[int, note("columns of multiply-accumulate", ge=1)]

    def rom(self) -> RomTileSize:
        return RomTileSize(self.banks, self.rows, self.columns)


@dataclass(frozen=True)
class MacroRules:
    """Distances of macros."""

    edge: Annotated[Um, note("from the edges of the tile, at least")]
    back: Annotated[
        tuple[Um, Um], note("between two that turn their backs to each other, in x; their tops, in y")
    ]
    halo: Annotated[tuple[Um, Um], note("kept free of cells around each, in x and in y")]


@dataclass(frozen=True)
class TileConfig:
    """A tile that is placed and routed once."""

    name: Annotated[Name, note("name of the tile, as of its file")]
    pdk: Annotated[Name, note("process, a folder of base_chip/pdk")]
    size: Annotated[Size, note("what it holds")]
    pitches: Annotated[tuple[Count, Count], note("width and height, in pitches of the power grid's straps")]
    margin: Annotated[tuple[Um, Um], note("from the edges to the rows of cells, in x and in y")]
    macros: Annotated[MacroRules, note("where macros lie")]
    layer_adjustment: Annotated[
        dict[str, float], note("part of a layer's tracks that global route leaves alone")
    ]
    density: Annotated[float, note("target of global placement, cell padding included", gt=0, le=1)]
    target_ns: Annotated[float, note("clock period that place and route works for", "ns", gt=0)]


def known_tiles() -> list[str]:
    """Names that `load_tile` takes, sorted."""
    return sorted(p.name[: -len(".yaml")] for p in _folder().iterdir() if p.name.endswith(".yaml"))


def load_tile(name: str) -> TileConfig:
    """The tile of that name.

    Raises:
        FlowError: There is no such tile (USAGE), or its file does not hold what it should (BAD_INPUT).
    """
    if name not in known_tiles():
        raise FlowError(
            f"unknown tile {name!r}; known: {', '.join(known_tiles())}",
            hint="Name one of the known tiles.",
            code=ExitCode.USAGE,
        )
    return parse_tile(_folder().joinpath(f"{name}.yaml").read_text("utf-8"), where=f"tiles/{name}.yaml")


def parse_tile(content: str, *, where: str) -> TileConfig:
    """Read a tile config from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    tile = parse(content, TileConfig, where)
    try:
        tile.size.rom()
    except ValueError as e:
        raise bad(where, "size", tile.size, f"one that a rom tile can have ({e})") from e
    return tile


def _folder() -> Traversable:
    return files(__package__)
