"""Base configs: the YAML files that say what a base chip is, read and checked."""

__all__ = [
    "BaseConfig",
    "Engine",
    "Floorplan",
    "Limits",
    "fitting_bases",
    "known_bases",
    "load_base",
    "parse_base",
]

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from typing import Any

import yaml

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.core import CoreConfig
from rtl_gen.golden.rom import RomGeometry
from rtl_gen.golden.shape import Shape

Point = tuple[float, float]


@dataclass(frozen=True)
class Limits:
    """The largest decoder that a base runs; names as in `rtl_gen.golden.shape.Shape`."""

    dim: int
    hidden: int
    layers: int
    heads: int
    kv_dim: int
    vocab: int
    context: int


@dataclass(frozen=True)
class Engine:
    """The matrix-vector unit: `columns` weights a cycle, `slot_bits` bits of a logical row for each.

    Attributes:
        group_steps: Whether it can multiply the partial sum of a group of inputs, so that a matrix may have
            more than one scale an output.
    """

    columns: int
    slot_bits: int
    group_steps: bool = False


@dataclass(frozen=True)
class Floorplan:
    """Where things are, in um from the lower left corner of the die.

    Attributes:
        die: Width and height.
        banks: Origin of each bank's cell, unrotated.
    """

    die: Point
    banks: tuple[Point, ...]

    def die_nm(self) -> tuple[int, int]:
        return _nm(self.die)

    def banks_nm(self) -> tuple[tuple[int, int], ...]:
        return tuple(_nm(p) for p in self.banks)


@dataclass(frozen=True)
class BaseConfig:
    """A base chip: what it holds, and on which layers (GDS layer, datatype) a model is programmed."""

    name: str
    pdk: str
    program_layers: tuple[tuple[int, int], ...]
    limits: Limits
    engine: Engine
    rom: RomGeometry
    floorplan: Floorplan

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
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


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
        raise _bad(file, "name", config.name, f"{name!r}, as the file is called")
    return config


def fitting_bases(shape: Shape) -> list[str]:
    """Bases within whose limits a decoder lies; whether its weights fit shows when they are placed."""
    out = []
    for name in known_bases():
        limits = load_base(name).limits
        if all(getattr(shape, f.name) <= getattr(limits, f.name) for f in fields(Limits)):
            out.append(name)
    return out


def parse_base(text: str, *, where: str) -> BaseConfig:
    """Read a base config from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise FlowError(f"not YAML ({' '.join(str(e).split())})", where=where) from e
    top = _section(where, "", data, BaseConfig)
    plan = _section(where, "floorplan", top["floorplan"], Floorplan)
    config = BaseConfig(
        name=_text(where, "name", top["name"]),
        pdk=_text(where, "pdk", top["pdk"]),
        program_layers=tuple(
            (
                _whole(where, f"program_layers[{i}][0]", a),
                _whole(where, f"program_layers[{i}][1]", b, least=0),
            )
            for i, (a, b) in enumerate(_pairs(where, "program_layers", top["program_layers"]))
        ),
        limits=_numbers(where, "limits", top["limits"], Limits),
        engine=_engine(where, top["engine"]),
        rom=_numbers(where, "rom", top["rom"], RomGeometry),
        floorplan=Floorplan(
            die=_point(where, "floorplan.die", plan["die"]),
            banks=tuple(
                _point(where, f"floorplan.banks[{i}]", p)
                for i, p in enumerate(_pairs(where, "floorplan.banks", plan["banks"]))
            ),
        ),
    )
    _check_sense(where, config)
    return config


def _check_sense(where: str, c: BaseConfig) -> None:
    width = c.engine.columns * c.engine.slot_bits
    if c.rom.bits != width:
        raise _bad(where, "rom.bits", c.rom.bits, f"engine.columns * engine.slot_bits = {width}")
    if len(c.floorplan.banks) != c.rom.banks:
        raise _bad(
            where, "floorplan.banks", f"{len(c.floorplan.banks)} origins", f"rom.banks = {c.rom.banks}"
        )
    if list(c.floorplan.banks) != sorted(c.floorplan.banks, key=lambda p: (p[1], p[0])):
        # Read-back numbers banks by their place, as a layout tells nothing else about their order.
        found = list(c.floorplan.banks)
        raise _bad(
            where, "floorplan.banks", found, "the lowest bank first, those of one height from the left"
        )


def _configs() -> Any:
    return files("base_chip").joinpath("configs")


def _nm(p: Point) -> tuple[int, int]:
    return round(p[0] * 1000), round(p[1] * 1000)


def _bad(where: str, field: str, found: object, expected: str) -> FlowError:
    return FlowError(
        f"{field} is {found!r}, expected {expected}", where=where, hint="Correct the base config."
    )


def _section(where: str, name: str, data: Any, kind: type) -> dict[str, Any]:
    """A mapping with exactly the fields of `kind`."""
    if not isinstance(data, dict):
        raise _bad(where, name or "the file", data, "a mapping")
    names = [f.name for f in fields(kind)]
    dot = f"{name}." if name else ""
    for key in data:
        if key not in names:
            raise _bad(where, f"field {dot}{key}", data[key], f"no such field; known: {', '.join(names)}")
    for key in names:
        if key not in data:
            raise _bad(where, f"{dot}{key}", None, "a value (the field is missing)")
    return data


def _numbers(where: str, name: str, data: Any, kind: type) -> Any:
    values = _section(where, name, data, kind)
    return kind(**{k: _whole(where, f"{name}.{k}", v) for k, v in values.items()})


def _engine(where: str, data: Any) -> Engine:
    values = _section(where, "engine", data, Engine)
    flag = values["group_steps"]
    if not isinstance(flag, bool):
        raise _bad(where, "engine.group_steps", flag, "true or false")
    numbers = {k: _whole(where, f"engine.{k}", v) for k, v in values.items() if k != "group_steps"}
    return Engine(**numbers, group_steps=flag)


def _whole(where: str, field: str, v: Any, *, least: int = 1) -> int:
    if isinstance(v, bool) or not isinstance(v, int) or v < least:
        raise _bad(where, field, v, f"a whole number of at least {least}")
    return v


def _text(where: str, field: str, v: Any) -> str:
    if not isinstance(v, str) or not v:
        raise _bad(where, field, v, "a name")
    return v


def _pairs(where: str, field: str, v: Any) -> list[Any]:
    if not isinstance(v, list) or not v or not all(isinstance(p, list) and len(p) == 2 for p in v):
        raise _bad(where, field, v, "a list of pairs")
    return v


def _point(where: str, field: str, v: Any) -> Point:
    ok = isinstance(v, list) and len(v) == 2
    ok = ok and all(isinstance(a, int | float) and not isinstance(a, bool) and a >= 0 for a in v)
    # Layout coordinates snap to the 5 nm manufacturing grid; anything finer would be moved silently.
    if not ok or any(abs(a * 200 - round(a * 200)) > 1e-6 for a in v):
        raise _bad(where, field, v, "two numbers of um, not negative, on the 0.005 um grid")
    return float(v[0]), float(v[1])
