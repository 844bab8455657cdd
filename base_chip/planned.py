"""Planned bases: dies of many banks for models that no single die holds.

They are configs and numbers, not chips: metal configs for them are written and read back bit by bit, and
their banks are proved one at a time, but no such die has been placed and routed.
"""

__all__ = ["Grid", "PlannedBase", "known_planned", "load_planned", "parse_planned"]

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from base_chip.fields import bad, digest, mapping, section, text, whole
from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.golden.rom import RomGeometry

SLOT_BITS = 4
STATUS = "planned, not hardened"
Pair = tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """Banks in rows and columns; lengths in um, bank n in column n % columns of row n // columns."""

    columns: int
    rows: int
    pitch: Pair
    origin: Pair
    word_lines: int
    bits: int
    mux: int


@dataclass(frozen=True)
class PlannedBase:
    """A die of many banks; fields as the YAML files explain them."""

    name: str
    pdk: str
    program_layers: tuple[tuple[int, int], ...]
    die: Pair
    edge: float
    banks: Grid
    engines: int
    engine_columns: int
    kv_bits: int
    activation_bits: int
    attention_lanes: int
    link_bytes: int
    context: int

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
    top = section(where, "", mapping(content, where), PlannedBase)
    grid = section(where, "banks", top["banks"], Grid)
    layers = top["program_layers"]
    if not isinstance(layers, list) or not all(_is_pair(p, int) for p in layers) or len(layers) != 1:
        raise bad(where, "program_layers", layers, "a list of one pair of GDS layer and datatype")
    base = PlannedBase(
        program_layers=tuple((int(a), int(b)) for a, b in layers),
        die=_pair(where, "die", top["die"]),
        edge=_length(where, "edge", top["edge"]),
        banks=Grid(
            pitch=_pair(where, "banks.pitch", grid["pitch"]),
            origin=_pair(where, "banks.origin", grid["origin"]),
            **{
                k: whole(where, f"banks.{k}", grid[k])
                for k in ("columns", "rows", "word_lines", "bits", "mux")
            },
        ),
        name=text(where, "name", top["name"]),
        pdk=text(where, "pdk", top["pdk"]),
        engines=whole(where, "engines", top["engines"]),
        engine_columns=whole(where, "engine_columns", top["engine_columns"]),
        kv_bits=whole(where, "kv_bits", top["kv_bits"]),
        activation_bits=whole(where, "activation_bits", top["activation_bits"]),
        attention_lanes=whole(where, "attention_lanes", top["attention_lanes"]),
        link_bytes=whole(where, "link_bytes", top["link_bytes"]),
        context=whole(where, "context", top["context"]),
    )
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


def _length(where: str, field: str, v: Any) -> float:
    # Layout coordinates snap to the 5 nm manufacturing grid; anything finer would be moved silently.
    ok = isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v < 1e6
    if not ok or abs(v * 200 - round(v * 200)) > 1e-6:
        raise bad(where, field, v, "a length in um on the 0.005 um grid")
    return float(v)


def _is_pair(v: Any, kind: type) -> bool:
    return isinstance(v, list) and len(v) == 2 and all(isinstance(a, kind) for a in v)


def _pair(where: str, field: str, v: Any) -> Pair:
    if not isinstance(v, list) or len(v) != 2:
        raise bad(where, field, v, "two lengths in um")
    return _length(where, field, v[0]), _length(where, field, v[1])
