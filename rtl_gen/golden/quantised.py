"""The quantised model: integer codes and scales, in one self-describing file."""

__all__ = ["LANE_BITS", "QuantMatrix", "QuantModel"]

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rtl_gen.errors import FlowError
from rtl_gen.golden.arith import LANE_EXPONENT_BITS, LANE_MANTISSA_BITS
from rtl_gen.golden.shape import Shape

FORMAT = "sc-flow-quantised-4"
LANE_BITS = LANE_MANTISSA_BITS + LANE_EXPONENT_BITS


@dataclass(frozen=True)
class QuantMatrix:
    """One matrix: weight[o, i] is about codes[o, i] * scale[o].

    Attributes:
        bits: 3 .. 8; codes lie in [-2**(bits-1), 2**(bits-1) - 1].
        codes: int8 [outputs, inputs].
        scale: float64 [outputs], positive.
    """

    bits: int
    codes: np.ndarray
    scale: np.ndarray

    def __post_init__(self) -> None:
        limit = 1 << (self.bits - 1)
        if self.codes.ndim != 2 or self.scale.shape != self.codes.shape[:1]:
            raise ValueError(f"codes {self.codes.shape} and scale {self.scale.shape} do not belong together")
        if self.codes.size and not (-limit <= self.codes.min() and self.codes.max() < limit):
            raise ValueError(f"codes leave the range of {self.bits} bits")

    def dequantised(self, dtype: DTypeLike = np.float64) -> np.ndarray:
        """Float [outputs, inputs]."""
        result: np.ndarray = self.codes.astype(dtype) * self.scale[:, None].astype(dtype)
        return result

    def rom_bits(self) -> int:
        """Bits of ROM: codes, and a factor of `LANE_BITS` an output."""
        return self.codes.size * self.bits + self.scale.size * LANE_BITS


@dataclass(frozen=True)
class QuantModel:
    """A decoder after quantisation, before its activations are calibrated.

    Norm weights are folded into the matrices that follow them, so norms have no weights left; the one
    exception is the final norm of a tied model, whose head must stay the embedding. Rows of `q` and `k` are
    in interleaved RoPE order: elements 2i and 2i+1 of a head rotate together.

    Attributes:
        matrices: Those of the shape; of a tied model that is rotated besides "final" [dim, dim], which stands
            between the final norm and the head.
        final_norm: float64 [dim]: weights of the final norm; ones where they are in a matrix.
        ends: Tokens that end a text; without any it ends with the context.
        hadamard: Order of the Hadamard blocks at the input of down; 1 for none.
    """

    name: str
    shape: Shape
    matrices: dict[str, QuantMatrix]
    final_norm: np.ndarray
    ends: tuple[int, ...] = ()
    hadamard: int = 1

    def digest(self) -> str:
        """SHA-256 of every code and scale: what an adapter is bound to."""
        found = hashlib.sha256()
        for name, m in self.matrices.items():
            found.update(f"{name} {m.bits} {m.codes.shape}".encode())
            found.update(np.ascontiguousarray(m.codes, np.int8).tobytes())
            found.update(np.ascontiguousarray(m.scale, np.float64).tobytes())
        return found.hexdigest()

    def save(self, path: Path) -> None:
        """Write one safetensors file; the same model gives the same bytes."""
        tensors = {"final_norm": np.ascontiguousarray(self.final_norm, np.float64)}
        for name, m in self.matrices.items():
            tensors[f"{name}.codes"] = np.ascontiguousarray(m.codes, np.int8)
            tensors[f"{name}.scale"] = np.ascontiguousarray(m.scale, np.float64)
        meta = {
            "format": FORMAT,
            "name": self.name,
            "ends": json.dumps(self.ends),
            "shape": json.dumps(self.shape.to_dict(), sort_keys=True),
            "bits": json.dumps({n: m.bits for n, m in self.matrices.items()}, sort_keys=True),
            "hadamard": self.hadamard,
        }
        # One metadata value: the library orders several keys by a hash that differs from run to run.
        save_file(tensors, str(path), metadata={"sc-flow": json.dumps(meta, sort_keys=True)})

    @classmethod
    def load(cls, path: Path) -> "QuantModel":
        """Read what `save` wrote; raises FlowError when the file is not one, or is damaged."""
        try:
            with safe_open(str(path), framework="np") as f:
                meta = json.loads((f.metadata() or {})["sc-flow"])
                if meta["format"] != FORMAT:
                    raise KeyError("format")
                tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
            shape = Shape(**json.loads(meta["shape"]))
            bits = json.loads(meta["bits"])
            names = [*shape.matrices(), *(["final"] if "final" in bits else [])]
            matrices = {n: QuantMatrix(bits[n], tensors[f"{n}.codes"], tensors[f"{n}.scale"]) for n in names}
            ends = tuple(json.loads(meta["ends"]))
            if not all(type(n) is int and 0 <= n < shape.vocab for n in ends):
                raise ValueError(f"tokens {ends} end a text, the vocabulary has {shape.vocab}")
            return cls(meta["name"], shape, matrices, tensors["final_norm"], ends, meta["hadamard"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as e:
            raise FlowError(
                f"not a quantised model, or damaged ({e})",
                where=str(path),
                hint="Run the quantise step again.",
            ) from e
