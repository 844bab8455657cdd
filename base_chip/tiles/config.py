"""Tile configs: the YAML files that say how large a tile is and how far apart its macros lie."""

__all__ = [
    "MacroPlace",
    "MacroRules",
    "PlacedTileConfig",
    "RamTileConfig",
    "RomTileConfig",
    "TileConfig",
    "VecTileConfig",
    "kind_of",
    "known_tiles",
    "load_tile",
    "parse_tile",
    "tile_size",
]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal

import yaml

from base_chip.harden.block import Orientation
from base_chip.pdk import load_pdk
from base_chip.pdk.place_route import load_place_route
from base_chip.schema import Name, Um, bad, note, parse
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.tiles.ram import RamTileSize
from rtl_gen.tiles.rom import RomTileSize
from rtl_gen.tiles.vec import VecTileSize

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
class RamSize:
    """How much a ram tile holds."""

    words: Annotated[Literal[64, 128, 256], note("rows of its SRAM")]

    def ram(self) -> RamTileSize:
        return RamTileSize(self.words)


@dataclass(frozen=True)
class VecSize:
    """How much a vec tile holds, and what it sends steps to."""

    rom_rows: Annotated[int, note("rows of rom tiles", ge=1)]
    ram_rows: Annotated[int, note("rows of ram tiles", ge=1)]
    memory: Annotated[int, note("words of M", ge=1)]
    rom_bytes: Annotated[int, note("activations of a row of rom tiles", "byte", ge=1)]
    ram_bytes: Annotated[int, note("activations of the ram tiles", "byte", ge=1)]
    program_banks: Annotated[int, note("ROM macros of the program", ge=1)]
    rom_banks: Annotated[int, note("ROM macros of factors and tables", ge=1)]

    def vec(self) -> VecTileSize:
        return VecTileSize(
            rom_rows=self.rom_rows, ram_rows=self.ram_rows, memory=self.memory, rom_bytes=self.rom_bytes,
            ram_bytes=self.ram_bytes, program_banks=self.program_banks, rom_banks=self.rom_banks,
        )  # fmt: skip


@dataclass(frozen=True)
class MacroRules:
    """Distances of macros."""

    edge: Annotated[Um, note("from the edges of the tile, at least")]
    back: Annotated[
        tuple[Um, Um], note("between two that turn their backs to each other, in x; their tops, in y")
    ]
    halo: Annotated[tuple[Um, Um], note("kept free of cells around each, in x and in y")]


@dataclass(frozen=True)
class MacroPlace:
    """Where a macro lies: its distance from a side of the tile in x and in y, and its orientation."""

    x: Annotated[tuple[Literal["west", "east"], Um], note("from which edge, and how far")]
    y: Annotated[tuple[Literal["south", "north"], Um], note("from which edge, and how far")]
    orient: Annotated[Orientation, note("R0: pins at the bottom, addresses on the left; MX: upside down")]


@dataclass(frozen=True)
class TileConfig:
    """A tile that is placed and routed once: what all kinds of tile say."""

    name: Annotated[Name, note("name of the tile, as of its file")]
    pdk: Annotated[Name, note("process, a folder of base_chip/pdk")]
    margin: Annotated[tuple[Um, Um], note("from the edges to the rows of cells, in x and in y")]
    layer_adjustment: Annotated[
        dict[str, float], note("part of a layer's tracks that global route leaves alone")
    ]
    density: Annotated[float, note("target of global placement, cell padding included", gt=0, le=1)]
    target_ns: Annotated[float, note("clock period that place and route works for", "ns", gt=0)]


@dataclass(frozen=True)
class RomTileConfig(TileConfig):
    """A rom tile; its macros lie where base_chip/tiles/floorplan.py puts them."""

    kind: Annotated[Literal["rom"], note("of the tile")]
    size: Annotated[Size, note("what it holds")]
    pitches: Annotated[tuple[Count, Count], note("width and height, in pitches of the power grid's straps")]
    dont_use: Annotated[tuple[str, ...], note("cells that buffers and timing repair must not use")]
    clock_layer: Annotated[str, note("lowest layer of the trunks of the clock tree")]
    macros: Annotated[MacroRules, note("where macros lie")]


@dataclass(frozen=True)
class PlacedTileConfig(TileConfig):
    """A tile as wide as the rom tile, whose macros lie where its file says."""

    height: Annotated[int, note("in pitches of the power grid's straps", ge=1)]
    halo: Annotated[tuple[Um, Um], note("kept free of cells around each macro, in x and in y")]
    macros: Annotated[Mapping[str, MacroPlace], note("where macros lie, by instance", length=1)]


@dataclass(frozen=True)
class RamTileConfig(PlacedTileConfig):
    """A ram tile."""

    kind: Annotated[Literal["ram"], note("of the tile")]
    size: Annotated[RamSize, note("what it holds")]


@dataclass(frozen=True)
class VecTileConfig(PlacedTileConfig):
    """A vec tile."""

    kind: Annotated[Literal["vec"], note("of the tile")]
    size: Annotated[VecSize, note("what it holds, and what it sends steps to")]
    clock_layer: Annotated[str, note("lowest layer of the trunks of the clock tree")]
    closed_over_roms: Annotated[str, note("layer that global route keeps off over ROM macros")]


KINDS: dict[str, type[TileConfig]] = {"rom": RomTileConfig, "ram": RamTileConfig, "vec": VecTileConfig}


def kind_of(tile: TileConfig) -> str:
    """rom, ram or vec."""
    return next(kind for kind, config in KINDS.items() if isinstance(tile, config))


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
    try:
        told: Any = yaml.safe_load(content)
    except (yaml.YAMLError, RecursionError):
        told = None  # `parse` says what is wrong
    kind = told.get("kind") if isinstance(told, dict) else "rom"
    if not isinstance(kind, str) or kind not in KINDS:
        raise bad(where, "kind", kind, f"one of {', '.join(KINDS)}")
    tile = parse(content, KINDS[kind], where)
    try:
        if isinstance(tile, RomTileConfig):
            tile.size.rom()
        elif isinstance(tile, VecTileConfig):
            tile.size.vec()
    except ValueError as e:
        raise bad(where, "size", told["size"], f"one that a {kind} tile can have ({e})") from e
    return tile


@functools.cache
def tile_size(name: str) -> tuple[int, int]:
    """Width and height of a tile, nm; every tile is as wide as the rom tile."""
    return size_of(load_tile(name))


def size_of(tile: TileConfig) -> tuple[int, int]:
    """Width and height of a tile, nm."""
    pitch = load_place_route(load_pdk(tile.pdk)).strap_pitch
    if isinstance(tile, PlacedTileConfig):
        return tile_size("rom")[0], round(tile.height * pitch["horizontal"] * 1000)
    assert isinstance(tile, RomTileConfig)
    wide, high = tile.pitches
    return round(wide * pitch["vertical"] * 1000), round(high * pitch["horizontal"] * 1000)


def _folder() -> Traversable:
    return files(__package__)
