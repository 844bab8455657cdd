"""Planned bases: dies of many banks for models that no single die holds.

They are configs and numbers, not chips: metal configs for them are written and read back bit by bit, and
their banks are proved one at a time, but no such die has been placed and routed.
"""

__all__ = ["Grid", "PlannedBase", "known_planned", "load_planned", "parse_planned"]

from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any

import numpy as np

from base_chip.config import Point, Um
from base_chip.schema import Layer, Name, bad, digest, note, parse
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry

SLOT_BITS = 4
STATUS = "planned, not hardened"


@dataclass(frozen=True)
class Grid:
    """Banks in rows and columns: bank n is in column n % columns of row n // columns."""

    columns: Annotated[int, note("columns of banks", ge=1)]
    rows: Annotated[int, note("rows of banks", ge=1)]
    pitch: Annotated[Point, note("from one bank to the next, in x and y")]
    origin: Annotated[Point, note("lower left corner of bank 0")]
    word_lines: Annotated[int, note("word lines per bank", ge=1)]
    bits: Annotated[int, note("bits per logical row", ge=1)]
    mux: Annotated[int, note("logical rows per word line", ge=1)]


@dataclass(frozen=True)
class PlannedBase:
    """A die of many banks."""

    name: Annotated[Name, note("name of the base, as of its file")]
    pdk: Annotated[Name, note("process, a folder of base_chip/pdk")]
    program_layers: Annotated[
        tuple[Layer], note("GDS layer and datatype of the one layer that differs between models")
    ]
    die: Annotated[Point, note("width and height")]
    edge: Annotated[Um, note("margin on each side: seal ring, pads, power ring")]
    banks: Annotated[Grid, note("the banks")]
    engines: Annotated[int, note("engines, one below each column of banks; each takes a row per cycle", ge=1)]
    engine_columns: Annotated[int, note("weights that an engine multiplies per cycle", ge=1)]
    kv_bits: Annotated[int, note("key/value memory", "bit", ge=1)]
    activation_bits: Annotated[int, note("memory for the vectors of the layer at work", "bit", ge=1)]
    attention_lanes: Annotated[int, note("products of attention per cycle", ge=1)]
    link_bytes: Annotated[int, note("width of the link to the next die", "byte per cycle", ge=1)]
    context: Annotated[int, note("positions that a plan assumes by default", ge=1)]

    @property
    def rom(self) -> RomGeometry:
        """Rows and bits of one die."""
        b = self.banks
        return RomGeometry(b.columns * b.rows, b.word_lines, b.bits, b.mux)

    @property
    def sites(self) -> int:
        """Programmable places on one die."""
        return self.rom.rows * self.rom.bits

    def origins(self) -> np.ndarray:
        """Lower left corner of each bank in nm, int64 [banks, 2]."""
        b = self.banks
        n = np.arange(b.columns * b.rows)
        at = np.stack([n % b.columns, n // b.columns], axis=1)
        return at * [_nm(p) for p in b.pitch] + [_nm(p) for p in b.origin]

    def digest(self) -> str:
        """SHA-256 over every field."""
        return digest(self)


def known_planned() -> list[str]:
    """Names that `load_planned` takes, sorted."""
    return sorted(p.name[: -len(".yaml")] for p in _folder().iterdir() if p.name.endswith(".yaml"))


def load_planned(name: str) -> PlannedBase:
    """The planned base of that name.

    Raises:
        FlowError: There is none (USAGE), or its file does not hold what it should.
    """
    if name not in known_planned():
        raise FlowError(
            f"unknown base {name!r} for a model on several dies; known: {', '.join(known_planned())}",
            hint="Pass one of the known names to --base.",
            code=ExitCode.USAGE,
        )
    base = parse_planned(_folder().joinpath(f"{name}.yaml").read_text("utf-8"), where=f"{name}.yaml")
    if base.name != name:
        raise bad(f"{name}.yaml", "name", base.name, f"{name!r}, as the file is called")
    return base


def parse_planned(content: str, *, where: str) -> PlannedBase:
    """Read a planned base from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    base = parse(content, PlannedBase, where)
    _check_sense(where, base)
    return base


def _check_sense(where: str, base: PlannedBase) -> None:
    b = base.banks
    if b.bits != base.engine_columns * SLOT_BITS:
        raise bad(where, "banks.bits", b.bits, f"engine_columns * {SLOT_BITS} = {base.engine_columns * 4}")
    if base.engines != b.columns:
        raise bad(where, "engines", base.engines, f"one a column of banks: {b.columns}")
    for axis, name, count in ((0, "width", b.columns), (1, "height", b.rows)):
        end = b.origin[axis] + count * b.pitch[axis]
        if b.origin[axis] < base.edge or end > base.die[axis] - base.edge:
            raise bad(where, f"die {name}", base.die[axis], f"at least {end + base.edge:g} um for the banks")


def _folder() -> Any:
    return files("base_chip.configs").joinpath("planned")


def _nm(um: float) -> int:
    return round(um * 1000)
