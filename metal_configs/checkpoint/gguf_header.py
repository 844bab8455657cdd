"""The header of a GGUF file that may be damaged: every count is checked against what is left of the file."""

__all__ = ["MAGIC", "GgufHeader", "GgufTensor", "parts_of", "read_header"]

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from metal_configs.checkpoint.stand_in import START, refuse_stand_in
from rtl_gen.errors import FlowError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
KINDS = [k.value for k in GGMLQuantizationType]
MOST_TENSORS = 1 << 20
MOST_VALUES = 1 << 16  # keys of the header
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
COUNT = "split.count"
AGAIN = "The file is cut short, damaged or no GGUF file; fetch it again."


@dataclass(frozen=True)
class GgufTensor:
    """One tensor: `shape` as NumPy has it (rows first), `begin` and `size` in bytes of `file`."""

    file: Path
    kind: GGMLQuantizationType
    shape: tuple[int, ...]
    begin: int
    size: int


@dataclass(frozen=True)
class GgufHeader:
    """What a file says about itself; for a split model, the first file, with the tensors of all."""

    path: Path
    values: dict[str, Any]
    tensors: dict[str, GgufTensor]


class _Reader:
    """Takes values from the file, never more than it has."""

    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self.file, self.where, self.left, self.size = file, str(path), size, size

    def fail(self, what: str) -> FlowError:
        return FlowError(f"{what} at byte {self.size - self.left}", where=self.where, hint=AGAIN)

    def take(self, count: int, what: str) -> bytes:
        data = self.file.read(count) if count <= self.left else b""
        if len(data) != count:
            raise self.fail(f"{what} claims {count} bytes, the file has {self.left} left")
        self.left -= count
        return data

    def number(self, code: str, what: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code), what))[0]

    def count(self, code: str, what: str, each: int, most: int | None = None) -> int:
        """A number of things of at least `each` bytes."""
        n: int = self.number(code, what)
        if n * each > self.left or (most is not None and n > most):
            raise self.fail(f"{what} claims {n} entries, the file has {self.left} bytes left")
        return n

    def string(self, what: str) -> str:
        return self.take(self.count("Q", what, 1), what).decode("utf-8", "replace")

    def value(self, kind: int, what: str) -> Any:
        if kind in SCALARS:
            return self.number(SCALARS[kind], what)
        if kind == STRING:
            return self.string(what)
        if kind != ARRAY:
            raise self.fail(f"{what} has type {kind}, expected 0 to 12")
        inner = self.number("I", what)
        if inner == STRING:
            return [self.string(what) for _ in range(self.count("Q", what, 8))]
        if inner not in SCALARS:
            raise self.fail(f"{what} is an array of type {inner}, expected numbers or strings")
        code = SCALARS[inner]
        n = self.count("Q", what, struct.calcsize("<" + code))
        return list(struct.unpack(f"<{n}{code}", self.take(n * struct.calcsize("<" + code), what)))


PART = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
MOST_PARTS = 10_000


def parts_of(path: Path) -> list[Path]:
    """All files of a split model by the name of any of them, there or not; of another model, its file."""
    match = PART.fullmatch(path.name)
    count = int(match[3]) if match else 1
    if match is None or not 1 <= int(match[2]) <= count <= MOST_PARTS:
        return [path]
    return [path.with_name(f"{match[1]}-{n:05}-of-{match[3]}.gguf") for n in range(1, count + 1)]


def read_header(path: Path) -> GgufHeader:
    """Read and check a header, of a split model those of all its files; no weight is read.

    Raises:
        FlowError: The file cannot be read, is no GGUF file of version 2 or 3, or contradicts itself or
            its size, or a file of a split model is missing.
    """
    parts = parts_of(path)
    first = _one_header(parts[0], parts)
    told = first.values.get(COUNT, 1)
    if told != len(parts):
        raise FlowError(
            f"is one of {told!r:.40} files of a split model by its header, of {len(parts)} by its name",
            where=str(parts[0]),
            hint="The files are called <name>-00001-of-00003.gguf and so on; give them their names back.",
        )  # fmt: skip
    tensors = dict(first.tensors)
    for part in parts[1:]:
        for name, tensor in _one_header(part, parts).tensors.items():
            if name in tensors:
                raise FlowError(f"tensor {name} comes twice", where=str(part))
            tensors[name] = tensor
    return GgufHeader(parts[0], first.values, tensors)


def _one_header(path: Path, parts: Sequence[Path]) -> GgufHeader:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _parse(_Reader(file, path, size), path)
    except FileNotFoundError as e:
        missing = [p.name for p in parts if not p.exists()]
        raise FlowError(
            f"no such file, {len(missing)} of the {len(parts)} files of a split model are missing"
            if len(parts) > 1 else "no such file", where=str(path),
            hint=f"Put all into one folder; missing: {', '.join(missing[:5])}" if len(parts) > 1 else "",
        ) from e  # fmt: skip
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(path)) from e


def _parse(r: _Reader, path: Path) -> GgufHeader:
    start = r.file.read(START)
    refuse_stand_in(start, r.where)
    r.file.seek(0)
    if r.take(4, "the magic number") != MAGIC:
        raise r.fail("no GGUF magic number")
    version = r.number("I", "the version")
    if version not in VERSIONS:
        raise r.fail(f"GGUF version {version}, expected 2 or 3 (little-endian)")
    tensors = r.count("Q", "the number of tensors", 32, MOST_TENSORS)
    keys = r.count("Q", "the number of keys", 13, MOST_VALUES)
    values: dict[str, Any] = {}
    for _ in range(keys):
        name = r.string("a key")
        values[name] = r.value(r.number("I", name), name)
    raw = [_tensor(r) for _ in range(tensors)]
    alignment = values.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise r.fail(f"general.alignment is {alignment!r:.40}, expected a power of two")
    base = -(-(r.size - r.left) // alignment) * alignment
    out: dict[str, GgufTensor] = {}
    for name, kind, shape, offset in raw:
        per, size = GGML_QUANT_SIZES[kind]
        if shape[-1] % per:
            raise r.fail(
                f"tensor {name} has rows of {shape[-1]}, expected a multiple of {per} for {kind.name}"
            )
        length = prod(shape) // per * size
        if base + offset + length > r.size:
            raise FlowError(
                f"tensor {name} ends at byte {base + offset + length}, but the file has {r.size}",
                where=str(path), hint=AGAIN,
            )  # fmt: skip
        if name in out:
            raise r.fail(f"tensor {name} comes twice")
        out[name] = GgufTensor(path, kind, shape, base + offset, length)
    return GgufHeader(path, values, out)


def _tensor(r: _Reader) -> tuple[str, GGMLQuantizationType, tuple[int, ...], int]:
    name = r.string("a tensor's name")
    what = f"tensor {name:.60}"
    dims = r.number("I", what)
    if not 1 <= dims <= 4:
        raise r.fail(f"{what} has {dims} dimensions, expected 1 to 4")
    shape = tuple(r.number("Q", what) for _ in range(dims))
    if not all(0 < n < 1 << 40 for n in shape):
        raise r.fail(f"{what} has shape {shape[::-1]}, expected positive sizes")
    kind = r.number("I", what)
    try:
        known = GGMLQuantizationType(kind)
    except ValueError:
        raise r.fail(
            f"{what} has quantisation type {kind}, expected one of GGUF's, {min(KINDS)} to {max(KINDS)}"
        ) from None
    return name, known, shape[::-1], r.number("Q", what)
