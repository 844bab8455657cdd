"""The constants of a PDK that plans rest on, each with its unit and source."""

__all__ = ["Constant", "constants", "values"]

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated

from base_chip.schema import Name, note, parse
from rtl_gen.errors import FlowError


@dataclass(frozen=True)
class Constant:
    """A number that plans rest on."""

    value: Annotated[int | float, note("the number, in its unit")]
    unit: Annotated[str, note("such as um2; empty for a plain number")]
    source: Annotated[Name, note("where it comes from; `assumption:` and `measured:` say which kind")]


@functools.cache
def constants(pdk: str, table: str = "plan") -> Mapping[str, Constant]:
    """A table of a PDK: by name, value, unit and source.

    Args:
        pdk: Name of the process.
        table: "plan" for masks and wafers, "fabric" for tiles.

    Raises:
        FlowError: There is no table for this PDK.
    """
    path = resources.files("base_chip.pdk").joinpath(pdk, f"{table}.yaml")
    if not path.is_file():
        raise FlowError(f"no constants to plan with on {pdk}", hint="Plans exist for sky130.")
    return parse(path.read_text("utf-8"), dict[str, Constant], f"base_chip/pdk/{pdk}/{table}.yaml")


def values(pdk: str, table: str = "plan") -> dict[str, float]:
    """The constants by name, without units and sources."""
    return {k: v.value for k, v in constants(pdk, table).items()}
