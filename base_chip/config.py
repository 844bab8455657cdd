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
from typing import Any

from base_chip.fields import bad, digest, mapping, section, text, whole
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
class Hardening:
    """How a base is placed and routed.

    Attributes:
        core: Lower left and upper right corner of the rows, um from the lower left corner of the die.
        density: Target of global placement, 0 to 1, the padding of cells counted in.
        target_ns: Clock period that place and route works for.
        signoff_ns: Clock period by corner of the process that timing is signed off at.
    """

    core: tuple[Point, Point]
    density: float
    target_ns: float
    signoff_ns: Mapping[str, float]


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
    hardening: Hardening

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
    top = section(where, "", mapping(content, where), BaseConfig)
    plan = section(where, "floorplan", top["floorplan"], Floorplan)
    hard = section(where, "hardening", top["hardening"], Hardening)
    corners = _pairs(where, "hardening.core", hard["core"])
    if len(corners) != 2:
        raise bad(where, "hardening.core", corners, "two corners")
    config = BaseConfig(
        name=text(where, "name", top["name"]),
        pdk=text(where, "pdk", top["pdk"]),
        program_layers=tuple(
            (
                whole(where, f"program_layers[{i}][0]", a),
                whole(where, f"program_layers[{i}][1]", b, least=0),
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
        hardening=Hardening(
            core=(
                _point(where, "hardening.core[0]", corners[0]),
                _point(where, "hardening.core[1]", corners[1]),
            ),
            density=_positive(where, "hardening.density", hard["density"], most=1),
            target_ns=_positive(where, "hardening.target_ns", hard["target_ns"]),
            signoff_ns=_periods(where, hard["signoff_ns"]),
        ),
    )
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


def _numbers(where: str, name: str, data: Any, kind: type) -> Any:
    values = section(where, name, data, kind)
    return kind(**{k: whole(where, f"{name}.{k}", v) for k, v in values.items()})


def _engine(where: str, data: Any) -> Engine:
    values = section(where, "engine", data, Engine)
    flag = values["group_steps"]
    if not isinstance(flag, bool):
        raise bad(where, "engine.group_steps", flag, "true or false")
    numbers = {k: whole(where, f"engine.{k}", v) for k, v in values.items() if k != "group_steps"}
    return Engine(**numbers, group_steps=flag)


def _positive(where: str, field: str, v: Any, *, most: float = float("inf")) -> float:
    if isinstance(v, bool) or not isinstance(v, int | float) or not 0 < v <= most:
        raise bad(
            where, field, v, "a number above 0" + (f", at most {most:g}" if most < float("inf") else "")
        )
    return float(v)


def _periods(where: str, v: Any) -> dict[str, float]:
    if not isinstance(v, dict) or not v:
        raise bad(where, "hardening.signoff_ns", v, "a clock period for each corner")
    return {str(k): _positive(where, f"hardening.signoff_ns.{k}", x) for k, x in v.items()}


def _pairs(where: str, field: str, v: Any) -> list[Any]:
    if not isinstance(v, list) or not v or not all(isinstance(p, list) and len(p) == 2 for p in v):
        raise bad(where, field, v, "a list of pairs")
    return v


def _point(where: str, field: str, v: Any) -> Point:
    ok = isinstance(v, list) and len(v) == 2
    ok = ok and all(isinstance(a, int | float) and not isinstance(a, bool) and a >= 0 for a in v)
    # Layout coordinates snap to the 5 nm manufacturing grid; anything finer would be moved silently.
    if not ok or any(abs(a * 200 - round(a * 200)) > 1e-6 for a in v):
        raise bad(where, field, v, "two numbers of um, not negative, on the 0.005 um grid")
    return float(v[0]), float(v[1])
