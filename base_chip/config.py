"""Base configs: the YAML files that say what a base chip is, read and checked."""

__all__ = [
    "BaseConfig",
    "Engine",
    "Floorplan",
    "Hardening",
    "Limits",
    "fitting_bases",
    "known_bases",
    "load_base",
    "parse_base",
]

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Annotated, Any

from base_chip.schema import Layer, Name, Ns, Point, bad, digest, note, parse
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape


@dataclass(frozen=True)
class Limits:
    """The largest decoder that a base runs; names as in `rtl_gen.golden.shape.Shape`."""

    dim: Annotated[int, note("width of the residual stream", ge=1)]
    hidden: Annotated[int, note("width of the MLP", ge=1)]
    layers: Annotated[int, note("number of layers", ge=1)]
    heads: Annotated[int, note("query heads", ge=1)]
    kv_dim: Annotated[int, note("key/value heads times their width", ge=1)]
    vocab: Annotated[int, note("tokens in the vocabulary", ge=1)]
    context: Annotated[int, note("positions of a text", ge=1)]


@dataclass(frozen=True)
class Engine:
    """The matrix-vector unit."""

    columns: Annotated[int, note("weights multiplied per cycle", ge=1)]
    slot_bits: Annotated[int, note("bits of a logical ROM row per column", "bit", ge=1)]
    group_steps: Annotated[
        bool,
        note("whether the partial sum of a group of inputs can be scaled: more than one factor per output"),
    ]


@dataclass(frozen=True)
class Floorplan:
    """Where things are, from the lower left corner of the die."""

    die: Annotated[Point, note("width and height")]
    banks: Annotated[
        tuple[Point, ...],
        note("origin of each bank's cell, unrotated; the lowest first, banks of one height from the left"),
    ]

    def die_nm(self) -> tuple[int, int]:
        return _nm(self.die)

    def banks_nm(self) -> tuple[tuple[int, int], ...]:
        return tuple(_nm(p) for p in self.banks)


@dataclass(frozen=True)
class Hardening:
    """How a base is placed and routed."""

    core: Annotated[
        tuple[Point, Point],
        note("lower left and upper right corner of the cell rows, from the lower left corner of the die"),
    ]
    density: Annotated[float, note("target of global placement, padding of cells included", gt=0, le=1)]
    target_ns: Annotated[Ns, note("clock period that place and route works for")]
    signoff_ns: Annotated[
        Mapping[str, Ns], note("clock period of timing signoff, by process corner", length=1)
    ]


@dataclass(frozen=True)
class BaseConfig:
    """A base chip: what it holds, and on which layers a model is programmed."""

    name: Annotated[Name, note("name of the base, as of its file")]
    pdk: Annotated[Name, note("process, a folder of base_chip/pdk")]
    program_layers: Annotated[
        tuple[Layer, ...], note("GDS layer and datatype of the layers that differ between models", length=1)
    ]
    limits: Annotated[Limits, note("the largest decoder")]
    engine: Annotated[Engine, note("the matrix-vector unit")]
    rom: Annotated[RomGeometry, note("the ROM")]
    floorplan: Annotated[Floorplan, note("die and places of the banks")]
    hardening: Annotated[Hardening, note("settings of place and route")]

    def core(self) -> CoreConfig:
        """The smallest core that runs every decoder within the limits."""
        limits = self.limits
        width = max(limits.dim, limits.vocab)
        return CoreConfig(
            name=self.name,
            columns=self.engine.columns,
            activations=max(width + 2 * limits.dim + limits.kv_dim, width + limits.hidden),
            residual=width,
            cache=2 * limits.layers * limits.context << (limits.kv_dim - 1).bit_length(),
            context=limits.context,
            vocab=limits.vocab,
            inputs=max(limits.dim, limits.hidden),
            rom=self.rom,
        )

    def digest(self) -> str:
        """SHA-256 over every field; changes when the base does, not when the YAML is reformatted."""
        return digest(self)


def known_bases() -> list[str]:
    """Names that `load_base` takes, sorted."""
    return sorted(p.name[: -len(".yaml")] for p in _configs().iterdir() if p.name.endswith(".yaml"))


def load_base(name: str) -> BaseConfig:
    """The base config of that name.

    Raises:
        FlowError: There is no such base (USAGE), or its file does not hold what it should (BAD_INPUT).
    """
    if name not in known_bases():
        raise FlowError(
            f"unknown base {name!r}; known: {', '.join(known_bases())}",
            hint="Pass one of the known names to --base.",
            code=ExitCode.USAGE,
        )
    file = f"{name}.yaml"
    config = parse_base(_configs().joinpath(file).read_text("utf-8"), where=file)
    if config.name != name:
        raise bad(file, "name", config.name, f"{name!r}, as the file is called")
    return config


def fitting_bases(shape: Shape) -> list[str]:
    """Bases within whose limits a decoder lies; whether its weights fit shows when they are placed."""
    out = []
    for name in known_bases():
        limits = load_base(name).limits
        if all(getattr(shape, f.name) <= getattr(limits, f.name) for f in fields(Limits)):
            out.append(name)
    return out


def parse_base(content: str, *, where: str) -> BaseConfig:
    """Read a base config from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    config = parse(content, BaseConfig, where)
    _check_sense(where, config)
    return config


def _check_sense(where: str, c: BaseConfig) -> None:
    (x0, y0), (x1, y1) = c.hardening.core
    width, height = c.floorplan.die
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise bad(
            where, "hardening.core", [[x0, y0], [x1, y1]], f"a box inside the die, {width} x {height} um"
        )
    slots = c.engine.columns * c.engine.slot_bits
    if c.rom.bits != slots:
        raise bad(where, "rom.bits", c.rom.bits, f"engine.columns * engine.slot_bits = {slots}")
    if len(c.floorplan.banks) != c.rom.banks:
        raise bad(where, "floorplan.banks", f"{len(c.floorplan.banks)} origins", f"rom.banks = {c.rom.banks}")
    if list(c.floorplan.banks) != sorted(c.floorplan.banks, key=lambda p: (p[1], p[0])):
        # Read-back numbers banks by their place, as a layout tells nothing else about their order.
        found = list(c.floorplan.banks)
        raise bad(where, "floorplan.banks", found, "the lowest bank first, those of one height from the left")


def _configs() -> Any:
    return files("base_chip.configs")


def _nm(p: Point) -> tuple[int, int]:
    return round(p[0] * 1000), round(p[1] * 1000)
