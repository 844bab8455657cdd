"""Checked reading of the YAML files that describe bases; each message names field, found and expected."""

__all__ = ["bad", "digest", "mapping", "section", "text", "whole"]

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any

import yaml

from rtl_gen.errors import FlowError


def mapping(content: str, where: str) -> Any:
    """What YAML text holds; `where` names the file in messages."""
    try:
        return yaml.safe_load(content)
    except yaml.YAMLError as e:
        raise FlowError(f"not YAML ({' '.join(str(e).split())})", where=where) from e


def digest(config: Any) -> str:
    """SHA-256 over every field of a config; changes when it does, not when the YAML is reformatted."""
    return hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode()).hexdigest()


def bad(where: str, field: str, found: object, expected: str) -> FlowError:
    """A field that is not as expected."""
    return FlowError(
        f"{field} is {found!r}, expected {expected}", where=where, hint="Correct the base config."
    )


def section(where: str, name: str, data: Any, kind: type) -> dict[str, Any]:
    """A mapping with exactly the fields of `kind`."""
    if not isinstance(data, dict):
        raise bad(where, name or "the file", data, "a mapping")
    names = [f.name for f in fields(kind)]
    dot = f"{name}." if name else ""
    for key in data:
        if key not in names:
            raise bad(where, f"field {dot}{key}", data[key], f"no such field; known: {', '.join(names)}")
    for key in names:
        if key not in data:
            raise bad(where, f"{dot}{key}", None, "a value (the field is missing)")
    return data


def whole(where: str, field: str, v: Any, *, least: int = 1) -> int:
    """A whole number."""
    if isinstance(v, bool) or not isinstance(v, int) or v < least:
        raise bad(where, field, v, f"a whole number of at least {least}")
    return v


def text(where: str, field: str, v: Any) -> str:
    """A string that is not empty."""
    if not isinstance(v, str) or not v:
        raise bad(where, field, v, "a name")
    return v
