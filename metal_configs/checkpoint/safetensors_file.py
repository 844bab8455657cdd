"""Read safetensors files that may be damaged: float32, float16 and bfloat16, one tensor at a time.

The library's NumPy face has no bfloat16. This reader holds the header and the one tensor asked for.
"""

__all__ = ["Entry", "SafetensorsFile", "json_file"]

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from metal_configs.checkpoint.stand_in import START, refuse_stand_in
from rtl_gen.errors import FlowError
from rtl_gen.untrusted import read_file

MAX_JSON = 100 << 20  # bytes, the format's own limit of a header
SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
READABLE = "F32, F16 or BF16"


def json_file(path: Path) -> dict[str, Any]:
    """The JSON object of a file, or a FlowError."""
    return _object(read_file(path, MAX_JSON), str(path))


def _object(raw: bytes, where: str) -> dict[str, Any]:
    refuse_stand_in(raw, where)
    try:
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as e:
        raise FlowError(f"not valid JSON ({e})", where=where) from e
    if not isinstance(value, dict):
        raise FlowError(f"holds a JSON {type(value).__name__}, expected an object", where=where)
    return value


def _sizes(value: object, least: int, most: int) -> bool:
    """Whether `value` is a list of `least` to `most` plausible sizes."""
    ok = isinstance(value, list) and least <= len(value) <= most
    return ok and all(type(x) is int and 0 <= x < 1 << 48 for x in value)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Entry:
    """One tensor of the header; `begin` and `end` are byte offsets in the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class SafetensorsFile:
    """The header of one file, checked against the file's size.

    Raises:
        FlowError: The file is missing or cut short, or its header contradicts itself or the file's size.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as f:
                start = f.read(START)
                refuse_stand_in(start, str(path))
                start = start[:8]
                f.seek(8)
                length = int.from_bytes(start, "little")
                if len(start) < 8 or length > min(size - 8, MAX_JSON):
                    raise FlowError(
                        f"safetensors header claims {length} bytes, the file has {size}", where=str(path),
                        hint="The file is cut short or is no safetensors file; fetch it again.",
                    )  # fmt: skip
                header = _object(f.read(length), f"{path} (header)")
        except OSError as e:
            raise FlowError(f"cannot be read ({e.strerror or e})", where=str(path)) from e
        header.pop("__metadata__", None)
        self.entries = {name: self._entry(name, e, 8 + length, size) for name, e in header.items()}
        at = 8 + length
        for name, entry in sorted(self.entries.items(), key=lambda e: (e[1].begin, e[1].end)):
            if entry.begin < at:
                raise FlowError(f"tensor {name} overlaps the one before it", where=str(path))
            at = entry.end

    def _entry(self, name: str, raw: Any, base: int, size: int) -> Entry:
        where = str(self.path)
        fields: dict[str, Any] = raw if isinstance(raw, dict) else {}
        dtype, shape, span = [fields.get(k, ()) for k in ("dtype", "shape", "data_offsets")]
        if not isinstance(dtype, str) or dtype not in SIZES:
            raise FlowError(f"tensor {name} has dtype {dtype!r:.40}, expected {READABLE}", where=where)
        if not _sizes(shape, 0, 8) or not _sizes(span, 2, 2):
            raise FlowError(
                f"tensor {name} has shape {shape!r:.60} and data_offsets {span!r:.60},"
                " expected a list of sizes and a pair of them", where=where,
            )  # fmt: skip
        begin, end = span
        if end - begin != prod(shape) * SIZES[dtype]:
            raise FlowError(
                f"tensor {name} has {end - begin} bytes, expected {prod(shape) * SIZES[dtype]}"
                f" for {dtype} {tuple(shape)}", where=where,
            )  # fmt: skip
        if base + end > size:
            raise FlowError(
                f"tensor {name} ends at byte {base + end}, but the file has {size}", where=where,
                hint="The file is cut short; fetch it again.",
            )  # fmt: skip
        return Entry(dtype, tuple(shape), base + begin, base + end)

    def check(self, name: str) -> None:
        """FlowError when a tensor's type is not float32, float16 or bfloat16; KeyError when there is none."""
        if (dtype := self.entries[name].dtype) not in KINDS:
            raise FlowError(
                f"tensor {name} has dtype {dtype}, expected {READABLE}", where=str(self.path),
                hint="Save the model again in one of these types.",
            )  # fmt: skip

    def read(self, name: str, rows: tuple[int, int] | None = None) -> np.ndarray:
        """One tensor as float32; with `rows`, only `count` rows of a matrix from `first` on.

        Raises:
            KeyError: The file has no such tensor.
            FlowError: Its type is not float32, float16 or bfloat16, or the file has changed since.
        """
        e = self.entries[name]
        self.check(name)
        first, shape = (0, e.shape) if rows is None else (rows[0], (rows[1], *e.shape[1:]))
        count, offset = prod(shape), e.begin + first * prod(e.shape[1:]) * SIZES[e.dtype]
        try:
            flat = np.fromfile(self.path, KINDS[e.dtype], count, offset=offset)
        except OSError as err:
            raise FlowError(f"cannot be read ({err.strerror or err})", where=str(self.path)) from err
        if flat.size != count:
            raise FlowError(f"tensor {name} has {flat.size} values, expected {count}", where=str(self.path))
        if e.dtype == "BF16":
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        return flat.astype(np.float32, copy=False).reshape(shape)
