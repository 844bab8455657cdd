"""Tile configs: the YAML files that say how large a tile is and where its macros lie, read and checked."""

__all__ = ["MacroRules", "Size", "TileConfig", "known_tiles", "load_tile", "parse_tile"]

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.rom import RomTileSize

Um = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Size(_Checked):
    """As `rtl_gen.tiles.rom.RomTileSize`."""

    banks: Count
    rows: Count
    columns: Count

    def rom(self) -> RomTileSize:
        return RomTileSize(self.banks, self.rows, self.columns)


class MacroRules(_Checked):
    """Distances of macros, um.

    Attributes:
        edge: From the edge of the tile, at least.
        back: Between two that turn their backs (or their tops) to each other.
        halo: Around each that are kept free of cells, in x and in y.
    """

    edge: Um
    back: Um
    halo: Annotated[tuple[Um, Um], Field(strict=False)]


class TileConfig(_Checked):
    """A tile.

    Attributes:
        pitches: Width and height, in pitches of the power grid's straps.
        margin: From the edges to the rows of cells, in x and in y, um.
        density: Target of global placement, the padding of cells counted in.
        target_ns: Clock period that place and route works for.
    """

    name: Annotated[str, Field(min_length=1)]
    pdk: Annotated[str, Field(min_length=1)]
    size: Size
    pitches: Annotated[tuple[Count, Count], Field(strict=False)]
    margin: Annotated[tuple[Um, Um], Field(strict=False)]
    macros: MacroRules
    density: Annotated[float, Field(gt=0, le=1)]
    target_ns: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    def digest(self) -> str:
        """SHA-256 over every field; changes when the tile does, not when the YAML is reformatted."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


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
        FlowError: Naming each field that is not as expected.
    """
    try:
        tile = TileConfig.model_validate(yaml.safe_load(content))
        tile.size.rom()
    except yaml.YAMLError as e:
        raise _bad(where, f"not YAML ({' '.join(str(e).split())})") from e
    except ValidationError as e:
        told = [f"{'.'.join(map(str, x['loc'])) or 'the file'}: {x['msg'].lower()}" for x in e.errors()]
        raise _bad(where, "; ".join(told)) from e
    except ValueError as e:
        raise _bad(where, f"size: {e}") from e
    return tile


def _bad(where: str, what: str) -> FlowError:
    return FlowError(what, where=where, hint="Correct the tile's floorplan.")


def _folder() -> Traversable:
    return files(__package__)
