"""Where weights come from, some rows at a time, so that memory does not grow with the model."""

__all__ = ["CheckpointSource", "Coded", "QuantisedSource", "Source", "SyntheticSource"]

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open

from metal_configs.checkpoint import Checkpoint
from metal_configs.compile.place import DIAGONAL
from metal_configs.quantise.fold import norm_before
from metal_configs.quantise.policy import Format
from metal_configs.quantise.stream import round_rows
from rtl_gen.errors import FlowError
from rtl_gen.golden.quantised import FORMAT, QuantMatrix
from rtl_gen.golden.shape import Shape
from rtl_gen.untrusted import checked_file

MOST, MOST_LAYERS = 1 << 24, 1 << 12
BLOCK = 16  # rows drawn from one generator
LEAST = 1e-9  # of the magnitude of a final norm's weight: a factor of 0 has no shift


@dataclass(frozen=True, eq=False)
class Coded:
    """Consecutive outputs of a matrix, quantised.

    Attributes:
        codes: int8 [outputs, inputs].
        scale: float64 [outputs], positive.
    """

    codes: np.ndarray
    scale: np.ndarray


class Source(Protocol):
    """Weights of one model, with the norms folded in."""

    @property
    def shape(self) -> Shape:
        """Of the model."""
        ...

    @property
    def hadamard(self) -> int:
        """Order of the Hadamard blocks at the input of down; 1 for none."""
        ...

    def coded(self, name: str, bits: int, first: int, count: int) -> Coded:
        """Consecutive outputs of a matrix in codes of `bits` bits."""
        ...


def _diagonal(gain: np.ndarray, first: int, count: int) -> Coded:
    """Rows of `final` where it is the final norm's weights: a code of 1 or -1 an output."""
    codes = np.zeros((count, len(gain)), np.int8)
    part = gain[first : first + count].astype(np.float64)
    codes[np.arange(count), np.arange(first, first + count)] = np.where(part < 0, -1, 1)
    return Coded(codes, np.maximum(np.abs(part), LEAST))


class CheckpointSource:
    """Weights of a checkpoint; of formats that cannot read rows, the matrix read last is kept."""

    hadamard = 1

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.shape = checkpoint.shape
        self._checkpoint = checkpoint
        self._whole = functools.lru_cache(1)(checkpoint.tensor)
        self._norm = functools.lru_cache(4)(checkpoint.tensor)

    def coded(self, name: str, bits: int, first: int, count: int) -> Coded:
        """See `Source`; to nearest."""
        if name == "final":
            return _diagonal(self._norm("final_norm"), first, count)
        return Coded(*round_rows(self.rows(name, first, count), bits))

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """float32 [count, inputs]: consecutive rows of a matrix."""
        if self._checkpoint.read_rows is None:
            w = self._whole(name)[first : first + count]
        else:
            w = self._checkpoint.rows(name, first, count)
        norm = norm_before(name)
        return w * self._norm(norm) if norm else w


@dataclass(frozen=True)
class SyntheticSource:
    """Gaussian weights with variance 1 / inputs, of a model whose weights are not here.

    The same seed and shape give the same weights, whatever is asked for in which order; across versions of
    NumPy's generators they may differ.
    """

    shape: Shape
    seed: int

    @property
    def hadamard(self) -> int:
        """See `Source`."""
        return 1

    def coded(self, name: str, bits: int, first: int, count: int) -> Coded:
        """See `Source`; to nearest."""
        if name == "final":
            return _diagonal(np.ones(self.shape.dim), first, count)
        return Coded(*round_rows(self.rows(name, first, count), bits))

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """float32 [count, inputs]: consecutive rows of a matrix."""
        _, inputs = self.shape.matrices()[name]
        start, stop = first // BLOCK, -(-(first + count) // BLOCK)
        out = np.empty((stop - start, BLOCK, inputs), np.float32)
        for block in range(start, stop):
            key = hashlib.sha256(json.dumps([self.seed, name, block]).encode()).digest()
            bits = np.random.SFC64(np.frombuffer(key, np.uint32))
            np.random.Generator(bits).standard_normal(dtype=np.float32, out=out[block - start])
        w = out.reshape(-1, inputs)[first - start * BLOCK :][:count]
        return np.multiply(w, np.float32(inputs**-0.5), out=w)


class QuantisedSource:
    """What `sc-flow quantise` wrote (`QuantModel.save`): its codes and scales, read by rows.

    Attributes:
        name, shape, hadamard: Of the model.
        forms: How each matrix is stored.
    """

    def __init__(self, path: Path) -> None:
        """Read the header alone.

        Raises:
            FlowError: It is no quantised model, or damaged.
        """
        self._path = path
        checked_file(path)
        try:
            self._file = safe_open(str(path), framework="np")
            meta = json.loads((self._file.metadata() or {})["sc-flow"])
            if meta["format"] != FORMAT:
                raise ValueError(f"format is {meta['format']!r:.40}, expected {FORMAT!r}")
            self.name = str(meta["name"])
            self.shape = _shape(json.loads(meta["shape"]))
            self.hadamard = int(meta["hadamard"])
            bits = json.loads(meta["bits"])
            whole = {*self.shape.matrices()} | ({"final"} & {*bits} if self.shape.tied else set())
            self.forms = {n: Format(b) for n, b in bits.items() if n in whole}
            for name in whole:
                self._check(name)
        except (OSError, SafetensorError, LookupError, TypeError, ValueError, RecursionError) as e:
            raise self._bad(e) from e

    def _bad(self, e: Exception) -> FlowError:
        return FlowError(
            f"not a quantised model, or damaged ({e})", where=str(self._path),
            hint="Make it with `sc-flow quantise`.",
        )  # fmt: skip

    def _check(self, name: str) -> None:
        self.forms[name]
        sizes = self.shape.matrices() | {"final": (self.shape.dim, self.shape.dim)}
        outputs, inputs = sizes[name]
        for part, shape in {"codes": [outputs, inputs], "scale": [outputs]}.items():
            found = self._file.get_slice(f"{name}.{part}").get_shape()
            if found != shape:
                raise ValueError(f"{name}.{part} has shape {found}, expected {shape}")

    def coded(self, name: str, bits: int, first: int, count: int) -> Coded:
        """See `Source`.

        Raises:
            FlowError: What the file holds is out of range.
        """
        at = slice(first, first + count)
        held = self.forms.get(name, Format(DIAGONAL))
        if Format(bits) != held:
            raise ValueError(f"{name} is placed as codes of {bits} bits, the file has {held.bits}")
        if name not in self.forms:
            return _diagonal(self._final_norm(), first, count)
        try:
            codes, scale = (
                np.ascontiguousarray(self._file.get_slice(f"{name}.{part}")[at])
                for part in ("codes", "scale")
            )
            QuantMatrix(bits, codes, scale)  # refuses what is out of range
            if not (np.isfinite(scale).all() and (scale > 0).all()):
                raise ValueError(f"{name}.scale is not positive")
        except (OSError, SafetensorError, ValueError) as e:
            raise self._bad(e) from e
        return Coded(codes, scale)

    def _final_norm(self) -> np.ndarray:
        try:
            found: np.ndarray = self._file.get_tensor("final_norm")
            if found.shape != (self.shape.dim,) or not np.isfinite(found).all():
                raise ValueError(f"final_norm is not {self.shape.dim} numbers")
        except (SafetensorError, ValueError) as e:
            raise self._bad(e) from e
        return found


def _shape(told: dict[str, Any]) -> Shape:
    """A shape from a file, whose sizes are looked at before anything is made of them."""
    sizes = ("dim", "layers", "heads", "kv_heads", "head_dim", "hidden", "vocab", "context")
    for name in sizes:
        most = MOST_LAYERS if name == "layers" else MOST
        if type(told[name]) is not int or not 1 <= told[name] <= most:
            raise ValueError(f"{name} is {told[name]!r:.40}, expected a whole number from 1 to {most}")
    return Shape(**told)
