"""The file of waivers that a build is given."""

__all__ = ["load_waivers"]

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rtl_gen.errors import ExitCode, FlowError
from rtl_gen.untrusted import read_file
from signoff.waivers import WAIVABLE, Waiver, expired

LARGEST = 1 << 20  # bytes
Um = Annotated[float, Field(allow_inf_nan=False)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Entry(BaseModel):
    """The fields of `signoff.waivers.Waiver`, as people write them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: Literal[WAIVABLE]  # type: ignore[valid-type]
    rule: Words
    region: tuple[Um, Um, Um, Um]
    reason: Words
    expires: date
    cell: str = ""

    @pydantic.field_validator("region")
    @classmethod
    def _holds_something(cls, region: tuple[float, ...]) -> tuple[float, ...]:
        left, bottom, right, top = region
        if left > right or bottom > top:
            raise ValueError("left is right of right, or bottom above top")
        return region


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    waivers: Annotated[list[_Entry], Field(min_length=1)]


def load_waivers(path: Path, today: date | None = None) -> tuple[Waiver, ...]:
    """Read a YAML file of waivers: a list under `waivers`, each with the fields of `Waiver`.

    Args:
        path: The file.
        today: The day on which they must hold; by default this one.

    Raises:
        FlowError: It cannot be read, a field is not as it should be, or a waiver has expired.
    """
    try:
        data = yaml.safe_load(read_file(path, LARGEST))
        entries = _File.model_validate(data).waivers
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise _bad(path, f"not YAML ({' '.join(str(e).split())})") from e
    except pydantic.ValidationError as e:
        told = [f"{_name(error['loc'])}: {error['msg'].lower()}" for error in e.errors()]
        raise _bad(path, "; ".join(told[:3])) from e
    waivers = tuple(Waiver(**entry.model_dump()) for entry in entries)
    if late := expired(waivers, today or date.today()):
        raise FlowError(
            f"expired: {'; '.join(f'{w} on {w.expires}' for w in late)}", where=str(path),
            hint="Look at the fault again; remove the waiver, or give it a new date.", code=ExitCode.USAGE,
        )  # fmt: skip
    return waivers


def _name(loc: tuple[str | int, ...]) -> str:
    """Where in the file: `waivers[0].region`."""
    words = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in loc)
    return words.lstrip(".") or "the file"


def _bad(path: Path, what: str) -> FlowError:
    return FlowError(
        what, where=str(path), code=ExitCode.USAGE,
        hint="docs/chip_checks.md shows a file of waivers.",
    )  # fmt: skip
