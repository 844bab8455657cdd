"""YAML files as frozen dataclasses: their fields say what is allowed, and a fault is named by file and field.

A field is `Annotated[float, note("what it is", "ns", gt=0)]`. docs/reference/configs.md is made from these.
"""

__all__ = [
    "Layer",
    "Name",
    "Ns",
    "Point",
    "Um",
    "bad",
    "digest",
    "field_types",
    "note",
    "parse",
    "plain",
    "words",
]

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import yaml
from msgspec import Meta

from rtl_gen.errors import FlowError

T = TypeVar("T")
NOTHING = Meta()
MAPPINGS = (Mapping, dict)
NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false", date: "a date"}
LIMITS = ("gt", "ge", "le", "min_length", "pattern", "description")


def note(
    description: str = "",
    unit: str = "",
    *,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    length: int | None = None,
    grid: float | None = None,
) -> Meta:
    """What a field is, its unit, and its limits.

    Args:
        gt, ge, le: A number is above, at least, at most this.
        length: A list, mapping or text has at least so many entries.
        grid: A number is a multiple of this.
    """
    limits: dict[str, Any] = {"gt": gt, "ge": ge, "le": le, "min_length": length}
    return Meta(**limits, description=description or None, extra={"unit": unit, "grid": grid})


Name = Annotated[str, Meta(pattern=r"\S")]  # not blank
Layer = tuple[Annotated[int, note(ge=1)], Annotated[int, note(ge=0)]]  # GDS layer, datatype
Um = Annotated[float, note(unit="um", ge=0, grid=0.005)]  # a layout would snap what is finer, silently
Point = tuple[Um, Um]
Ns = Annotated[float, note(unit="ns", gt=0)]


def digest(config: Any) -> str:
    """SHA-256 over every field of a config; changes when it does, not when the YAML is reformatted."""
    return hashlib.sha256(json.dumps(dataclasses.asdict(config), sort_keys=True).encode()).hexdigest()


def bad(where: str, field: str, found: object, expected: str) -> FlowError:
    """A field that is not as expected."""
    return FlowError(
        f"{field} is {found!r}, expected {expected}",
        where=where,
        hint="Correct the file; docs/reference/configs.md lists its fields.",
    )


def parse(content: str | bytes, kind: type[T], where: str) -> T:
    """Read a dataclass from YAML text; `where` names the file in messages.

    Raises:
        FlowError: Naming the field, what was found and what was expected.
    """
    try:
        data = yaml.safe_load(content)
        _check(data, kind, where, "")
    except yaml.YAMLError as e:
        raise FlowError(f"not YAML ({' '.join(str(e).split())})", where=where) from e
    except RecursionError as e:
        raise FlowError("nested too deeply, or in itself", where=where) from e
    return msgspec.convert(data, kind)


def _check(data: Any, kind: Any, where: str, path: str) -> None:
    """Raise for the innermost value that is not of its type."""
    base, meta = plain(kind)
    args = get_args(base)
    if isinstance(data, dict) and dataclasses.is_dataclass(base):
        dot, types = f"{path}." if path else "", field_types(base)  # type: ignore[arg-type]
        for key, value in data.items():
            if key not in types:
                raise bad(where, f"field {dot}{key}", value, f"no such field; known: {', '.join(types)}")
            _check(value, types[key], where, f"{dot}{key}")
        for field in dataclasses.fields(base):
            if field.name not in data and field.default is dataclasses.MISSING:
                raise bad(where, f"{dot}{field.name}", None, "a value (the field is missing)")
    elif isinstance(data, dict) and get_origin(base) in MAPPINGS:
        for key, value in data.items():
            _check(value, args[1], where, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list) and args:
        each = args * len(data) if len(args) == 1 or args[1] is ... else args
        for n, (value, one) in enumerate(zip(data, [a for a in each if a is not ...], strict=False)):
            _check(value, one, where, f"{path}[{n}]")
    grid = (meta.extra or {}).get("grid")
    if isinstance(data, float) and not (math.isfinite(data) and (not grid or _multiple(data, grid))):
        raise bad(where, path, data, words(kind))
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as e:
        raise bad(where, path or "the file", data, words(kind)) from e


def _multiple(value: float, of: float) -> bool:
    return abs(value / of - round(value / of)) < 1e-6


def plain(kind: Any) -> tuple[Any, Meta]:
    """A type without its note, and the note."""
    if get_origin(kind) is not Annotated:
        return kind, NOTHING
    base, *notes = get_args(kind)  # those of an alias first
    merged: dict[str, Any] = {a: getattr(n, a) for n in notes for a in LIMITS if getattr(n, a) is not None}
    extra = {k: v for n in notes for k, v in (n.extra or {}).items() if v}
    return base, Meta(**merged, extra=extra)


@functools.cache
def field_types(kind: Any) -> dict[str, Any]:
    """Types of a dataclass' fields, with their notes."""
    hints = get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def words(kind: Any) -> str:
    """A type in words, such as "a number above 0 (ns)"."""
    base, meta = plain(kind)
    origin, args = get_origin(base), get_args(base)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in MAPPINGS:
        text = f"a mapping, each value {words(args[1])}"
    elif origin is tuple and ... not in args:
        same = len(set(map(words, args))) == 1
        each = f", each {words(args[0])}" if same else f": {', '.join(map(words, args))}"
        text = f"a list of {len(args)}{each}"
    elif origin is UnionType:
        text = "a number"
    elif origin:
        text = f"a list, each {words(args[0])}"
    else:
        text = NAMES.get(base, "a mapping")
    limits = {" above": meta.gt, " of at least": meta.ge, ", at most": meta.le}
    text += "".join(f"{word} {limit:g}" for word, limit in limits.items() if limit is not None)
    extra = meta.extra or {}
    if extra.get("grid"):
        text += f", a multiple of {extra['grid']:g}"
    if meta.min_length or meta.pattern:
        text += ", not empty"
    return text + (f" ({extra['unit']})" if extra.get("unit") else "")
