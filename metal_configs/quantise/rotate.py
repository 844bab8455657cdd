"""Rotations of a decoder that change none of its results, and spread the outliers of what its matrices read.

The residual x becomes R1' x, which RMSNorm without weights does not notice; the values of a head v become
R2' v; the input of `down` becomes H D h with signs D and a Hadamard matrix H on each block of inputs. All but
H is multiplied into the weights; H is computed while the model runs, by additions alone.

The head of a tied model stays the embedding E' = E R1: the weights g of the final norm become the matrix
R1' diag(g) R1 ("final") between that norm and the head.
"""

__all__ = ["LARGEST_BLOCK", "Folded", "Rotation"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from metal_configs.checkpoint import Checkpoint
from metal_configs.quantise.fold import final_gain, fold_matrix
from metal_configs.quantise.hadamard import orthogonal, sylvester
from rtl_gen.golden.shape import Shape

LARGEST_BLOCK = 64  # inputs of `down` that are mixed: more need more additions and gain nothing measurable


@dataclass(frozen=True)
class Rotation:
    """The rotations of one model.

    Attributes:
        residual: float64 [dim, dim], R1.
        head: float64 [head_dim, head_dim], R2.
        signs: float64 [hidden] of 1 and -1, D.
        block: Order of H: the largest power of two that divides `hidden`, up to 64; 1 if that is odd.
    """

    residual: np.ndarray
    head: np.ndarray
    signs: np.ndarray
    block: int

    @classmethod
    def of(cls, shape: Shape, seed: int = 0) -> "Rotation":
        """The same shape and seed give the same rotations."""
        rng = np.random.default_rng([seed, shape.dim, shape.head_dim, shape.hidden])
        block = min(shape.hidden & -shape.hidden, LARGEST_BLOCK)
        return cls(
            residual=orthogonal(shape.dim, rng),
            head=orthogonal(shape.head_dim, rng),
            signs=rng.choice([-1.0, 1.0], shape.hidden),
            block=block,
        )

    def matrix(self, kind: str, w: np.ndarray) -> np.ndarray:
        """A matrix [outputs, inputs] of this kind, its norm folded in, in the rotated model."""
        return self.outputs(kind, self.inputs(kind, w))

    def inputs(self, kind: str, w: np.ndarray) -> np.ndarray:
        """Rows [n, inputs] that multiply what a matrix of this kind does: the same on the rotated input."""
        shape = w.shape
        if kind == "o":
            w = w.reshape(len(w), -1, len(self.head)) @ self.head
        elif kind == "down":
            h = sylvester(self.block) / self.block
            w = (w * self.signs).reshape(len(w), -1, self.block) @ h
        else:
            w = w @ self.residual
        return w.reshape(shape)

    def outputs(self, kind: str, w: np.ndarray) -> np.ndarray:
        """Columns [outputs, n] that add to what a matrix of this kind gives, in the rotated model."""
        shape = w.shape
        if kind in ("o", "down"):
            w = self.residual.T @ w
        elif kind == "v":
            w = self.head.T @ w.reshape(-1, len(self.head), w.shape[1])
        elif kind == "up":
            w = w * self.signs[:, None]
        return w.reshape(shape)


class Folded(Mapping[str, np.ndarray]):
    """Float64 weights of a checkpoint with the norms folded in, rotated or not, each made when it is read.

    They are the matrices by canonical name, and what the reference takes besides: "final_norm" [dim] or, of a
    tied model that is rotated, "final" [dim, dim]; and "hadamard", the order of H.
    """

    def __init__(self, checkpoint: Checkpoint, rotation: Rotation | None) -> None:
        self.checkpoint, self.rotation = checkpoint, rotation
        self.shape = checkpoint.shape
        extra = ["final_norm"] if rotation is None else ["hadamard", *["final"] * self.shape.tied]
        self._names = dict.fromkeys([*self.shape.matrices(), *extra])

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(name)
        r = self.rotation
        if name == "final_norm":
            return final_gain(self.checkpoint)
        if r is None:
            return fold_matrix(self.checkpoint, name)
        if name == "hadamard":
            return np.array(r.block)
        if name == "final":
            result: np.ndarray = (r.residual.T * final_gain(self.checkpoint)) @ r.residual
            return result
        return r.matrix(name.rpartition(".")[2], fold_matrix(self.checkpoint, name))

    def matrices(self) -> dict[str, tuple[int, int]]:
        """(outputs, inputs) of everything that is stored as codes."""
        out = self.shape.matrices()
        return out | {"final": (self.shape.dim, self.shape.dim)} if "final" in self else out

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
