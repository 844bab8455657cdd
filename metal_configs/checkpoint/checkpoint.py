"""What every reader of checkpoints gives: a shape, and float32 tensors by canonical name."""

__all__ = ["Checkpoint", "tensor_shapes"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape


def tensor_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every tensor of a decoder by canonical name: the matrices, then the norm weights."""
    out: dict[str, tuple[int, ...]] = dict(shape.matrices())
    for n in range(shape.layers):
        out[f"layers.{n}.norm_attn"] = (shape.dim,)
        out[f"layers.{n}.norm_mlp"] = (shape.dim,)
    out["final_norm"] = (shape.dim,)
    return out


@dataclass(frozen=True)
class Checkpoint:
    """A model before quantisation.

    Canonical names are "embed", "layers.0.q" (k, v, o, gate, up, down, norm_attn, norm_mlp), "final_norm" and
    "head" (when untied). Matrices are [outputs, inputs]; rows of q and k are in interleaved RoPE order
    (elements 2i and 2i+1 of a head rotate together).

    Attributes:
        name: What to call the model.
        shape: Its dimensions.
        source: Where it came from, for messages.
        read: Reads one tensor; use `tensor`, which checks what it gives.
        read_rows: Reads consecutive rows (first, count) of one matrix, where a format can; use `rows`.
        locate: The file that holds a tensor and what it is called there, for messages; the source and its
            canonical name by default.
        read_tokenizer: Makes the tokenizer, if the checkpoint has one; use `tokenizer`, which checks it.
        begin: Token that opens a text, if one is named.
        ends: Tokens that end a text, whichever comes; the first closes the texts of a file.
        opens: Whether the model is used to `begin` before a text.
        formats: Types of numbers in the files, sorted.
    """

    name: str
    shape: Shape
    source: Path
    read: Callable[[str], np.ndarray]
    read_tokenizer: Callable[[], Tokenizer] | None = None
    begin: int | None = None
    ends: tuple[int, ...] = ()
    opens: bool = True
    formats: tuple[str, ...] = ()
    read_rows: Callable[[str, int, int], np.ndarray] | None = None
    locate: Callable[[str], tuple[Path, str]] | None = None

    @property
    def end(self) -> int | None:
        """The token that closes a text, if one is named."""
        return self.ends[0] if self.ends else None

    def names(self) -> list[str]:
        """Canonical names of all tensors."""
        return list(tensor_shapes(self.shape))

    def tensor(self, name: str) -> np.ndarray:
        """One tensor as float32, read from the file anew; only this one is held in memory.

        Raises:
            KeyError: The model has no tensor of this name.
            FlowError: The tensor cannot be read, or holds NaN or infinity.
        """
        return self._checked(name, self.read(name), tensor_shapes(self.shape)[name])

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """Consecutive rows of one matrix as float32 [count, inputs], held alone where the format allows it.

        Raises:
            KeyError, FlowError: As `tensor`.
        """
        _, inputs = self.shape.matrices()[name]
        if self.read_rows is None:
            return self.tensor(name)[first : first + count]
        return self._checked(name, self.read_rows(name, first, count), (count, inputs))

    def _checked(self, name: str, a: np.ndarray, expected: tuple[int, ...]) -> np.ndarray:
        file, called = (self.source, name) if self.locate is None else self.locate(name)
        if a.shape != expected:
            raise FlowError(f"tensor {called} has shape {a.shape}, expected {expected}", where=str(file))
        bad = a.size - int(np.count_nonzero(np.isfinite(a)))
        if bad:
            raise FlowError(
                f"tensor {called} holds {bad} NaN or infinite values of {a.size}, expected finite numbers",
                where=str(file),
                hint="The checkpoint is damaged, or its training diverged; fetch it again.",
            )  # fmt: skip
        return a

    def weights(self) -> dict[str, np.ndarray]:
        """All tensors at once, for models that fit in memory."""
        return {name: self.tensor(name) for name in self.names()}

    def tensors(self) -> Mapping[str, np.ndarray]:
        """All tensors by name, each read when it is asked for and not kept."""
        return _Tensors(self)

    def tokenizer(self) -> Tokenizer:
        """The tokenizer.

        Raises:
            FlowError: There is none, it is damaged, or it has more tokens than the embedding has rows.
        """
        if self.read_tokenizer is None:
            raise FlowError(
                "no tokenizer with the weights", where=str(self.source),
                hint="Put tokenizer.json (Hugging Face) or tokenizer.bin (llama2.c) beside them.",
            )  # fmt: skip
        tok = self.read_tokenizer()
        top = max(tok.get_vocab(with_added_tokens=True).values(), default=-1)
        if top >= self.shape.vocab:
            raise FlowError(
                f"token {top} has no row in the embedding, which has {self.shape.vocab}",
                where=str(self.source),
            )
        return tok


class _Tensors(Mapping[str, np.ndarray]):
    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint, self._names = checkpoint, dict.fromkeys(checkpoint.names())

    def __getitem__(self, name: str) -> np.ndarray:
        return self._checkpoint.tensor(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
