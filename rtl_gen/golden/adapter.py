"""A low-rank adapter in integers, beside the matrices of a model: y = W x + B (A x), in `ram` tiles.

All of it counts in the exponent of x. A's sums become mantissas of 8 bits by a fixed factor, no exponent is
looked for, and B's codes are in units of W's own sums: B's tile stands in W's columns, its sums join the
chain, and W's factor serves both.
"""

__all__ = ["LARGEST_RANK", "Adapter", "Pair"]

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rtl_gen.errors import FlowError
from rtl_gen.golden.arith import saturate
from rtl_gen.golden.factors import Factors
from rtl_gen.golden.formats import ACTIVATION, ADAPTER, SUM
from rtl_gen.golden.matrix import Matrix
from rtl_gen.golden.model import Model
from rtl_gen.golden.quantised import QuantModel
from rtl_gen.golden.vector import rescale

FORMAT = "sc-flow-adapter-1"
LARGEST_RANK = 16


@dataclass(frozen=True, eq=False)
class Pair:
    """What is added to the sums of one matrix.

    Attributes:
        a: [rank, inputs] of 8 bits; its factors give mantissas of 8 bits.
        b: int8 [outputs, rank], in units of the matrix's sums.

    Raises:
        ValueError: The two do not belong together, or some input would overflow a sum.
    """

    a: Matrix
    b: np.ndarray

    def __post_init__(self) -> None:
        rank = len(self.a.codes)
        if not 1 <= rank <= LARGEST_RANK:
            raise ValueError(f"rank {rank}, expected 1 to {LARGEST_RANK}")
        if self.a.bits != ADAPTER or self.b.dtype != np.int8 or self.b.shape[1:] != (rank,):
            raise ValueError(f"a of {rank} rows and {self.a.bits} bits, b {self.b.dtype} {self.b.shape}")

    def inner(self, sums: np.ndarray) -> np.ndarray:
        """Mantissas int64 [n, rank] that B multiplies, from A's sums."""
        f = self.a.factors
        return saturate(rescale(sums * f.mantissa, f.shift + f.exponent), ACTIVATION)

    def sums(self, inner: np.ndarray) -> np.ndarray:
        """Exact sums int64 [n, outputs] that join those of the matrix."""
        return inner @ self.b.T.astype(np.int64)

    def check(self, matrix: Matrix) -> None:
        """Raise ValueError when it is not for a matrix of this shape, or both together overflow a sum."""
        found = len(self.b), self.a.codes.shape[1]
        if found != matrix.codes.shape:
            raise ValueError(f"it adapts a matrix of {found}, the model's is {matrix.codes.shape}")
        most = int(np.abs(self.b.astype(np.int64)).sum(1).max(initial=0)) << (ACTIVATION - 1)
        if (worst := matrix.largest_sum + most) >= 1 << (SUM - 1):
            raise ValueError(f"a sum can reach {worst} with it, which does not fit {SUM} bits")


@dataclass(frozen=True)
class Adapter:
    """An adapter of one quantised model.

    Attributes:
        name: What it is called.
        model: `QuantModel.digest` of the model, in whose units B's codes are.
        pairs: By the name of the matrix, such as "layers.0.q".
    """

    name: str
    model: str
    pairs: dict[str, Pair]

    @property
    def ram_bytes(self) -> int:
        """Bytes of SRAM that its codes take."""
        return sum(p.a.codes.size + p.b.size for p in self.pairs.values())

    def check(self, model: Model) -> None:
        """Whether a model of integers can run with it.

        Raises:
            FlowError: The model has not such a matrix, or a sum would overflow.
        """
        known = model.shape.matrices()
        for name, pair in self.pairs.items():
            try:
                if name not in known or "." not in name:
                    raise ValueError("the model has no such matrix in a layer")
                _, n, kind = name.split(".")
                pair.check(getattr(model.layers[int(n)], kind))
            except ValueError as e:
                raise FlowError(
                    f"{name}: {e}", where=f"adapter {self.name}",
                    hint=f"It is not for {model.name}: quantise it again, with this model.",
                ) from e  # fmt: skip

    def save(self, path: Path) -> None:
        """Write one safetensors file; the same adapter gives the same bytes."""
        tensors: dict[str, np.ndarray] = {}
        for name, p in self.pairs.items():
            tensors[f"{name}.a.codes"] = np.ascontiguousarray(p.a.codes, np.int8)
            tensors[f"{name}.a.mantissa"] = np.ascontiguousarray(p.a.factors.mantissa, np.int16)
            tensors[f"{name}.a.exponent"] = np.ascontiguousarray(p.a.factors.exponent, np.int8)
            tensors[f"{name}.b.codes"] = np.ascontiguousarray(p.b, np.int8)
        shifts = {n: p.a.factors.shift for n, p in self.pairs.items()}
        meta = {"format": FORMAT, "name": self.name, "model": self.model, "shifts": shifts}
        save_file(tensors, str(path), metadata={"sc-flow": json.dumps(meta, sort_keys=True)})

    @classmethod
    def load(cls, path: Path, model: QuantModel) -> "Adapter":
        """Read what `save` wrote for a quantised model.

        Raises:
            FlowError: The file is not one or is damaged, or the adapter is for other codes.
        """
        try:
            with safe_open(str(path), framework="np") as f:
                meta = json.loads((f.metadata() or {})["sc-flow"])
                if meta["format"] != FORMAT:
                    raise KeyError("format")
                tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
            pairs = {name: _pair(tensors, name, shift) for name, shift in meta["shifts"].items()}
            found = cls(meta["name"], meta["model"], pairs)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError) as e:
            raise FlowError(
                f"not a quantised adapter, or damaged ({e})", where=str(path),
                hint="Write it again: sc-flow quantise --model MODEL --adapter FOLDER.",
            ) from e  # fmt: skip
        if found.model != model.digest():
            raise FlowError(
                f"made for codes {found.model:.12}, {model.name} has {model.digest():.12}", where=str(path),
                hint="Its numbers are in units of those codes: quantise model and adapter together again.",
            )  # fmt: skip
        return found


def _pair(tensors: dict[str, np.ndarray], name: str, shift: int) -> Pair:
    codes, mantissa, exponent, b = (
        tensors[f"{name}.{k}"] for k in ("a.codes", "a.mantissa", "a.exponent", "b.codes")
    )
    factors = Factors(mantissa.astype(np.int64), exponent.astype(np.int64), shift)
    return Pair(Matrix(ADAPTER, codes, factors), b)
