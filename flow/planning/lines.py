"""One number of a plan, and the constants of a PDK that numbers rest on."""

__all__ = ["Line", "constants", "values"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class Line:
    """One number: `formula` in words and numbers, `uses` the constants whose sources it rests on."""

    group: str
    name: str
    value: float
    unit: str
    formula: str
    uses: tuple[str, ...] = ()


@functools.cache
def constants(pdk: str, table: str = "plan") -> Mapping[str, dict[str, Any]]:
    """A table of a PDK: by name, value, unit and source.

    Args:
        pdk: Name of the process.
        table: "plan" for planned bases of banks, "fabric" for tiles.

    Raises:
        FlowError: There is no table for this PDK.
    """
    path = resources.files("base_chip.pdk").joinpath(pdk, f"{table}.yaml")
    if not path.is_file():
        raise FlowError(f"no constants to plan with on {pdk}", hint="Plans exist for sky130.")
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))
    return found


def values(pdk: str, table: str = "plan") -> dict[str, float]:
    """The constants by name, without units and sources."""
    return {k: v["value"] for k, v in constants(pdk, table).items()}
