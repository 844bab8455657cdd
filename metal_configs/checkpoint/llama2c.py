"""Files of llama2.c, version 0: seven integers, then float32 tensors in a fixed order."""

__all__ = ["ORDER", "accepts", "load", "sizes"]

import struct
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import LIMITS
from metal_configs.checkpoint.tokens import SPACE, sentencepiece
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

HEADER = struct.Struct("<7i")
FIELDS = {
    "dim": "hidden_size", "hidden_dim": "intermediate_size", "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads", "n_kv_heads": "num_key_value_heads", "vocab_size": "vocab_size",
    "seq_len": "max_position_embeddings",
}  # fmt: skip
NEWER = 0x616B3432  # first word of versions 1 and 2
# Each stands for one tensor a layer. Rows of q and k are in interleaved RoPE order already. Between
# final_norm and head lie tables of cosines and sines, which follow from the shape.
ORDER = ("embed", "norm_attn", "q", "k", "v", "o", "norm_mlp", "gate", "down", "up", "final_norm", "head")
UNKNOWN, BEGIN, END = 0, 1, 2
TOKENS = "tokenizer.bin"


def accepts(path: Path) -> bool:
    """Whether this reader is the one to try: a file that ends in .bin."""
    return path.is_file() and path.suffix == ".bin"


def sizes(shape: Shape) -> tuple[dict[str, int], int]:
    """Byte offset of every tensor by canonical name, and the size of the file."""
    shapes, out, at = tensor_shapes(shape), {}, HEADER.size
    for kind in ORDER:
        if kind == "head":
            at += 4 * shape.context * shape.head_dim  # cosines and sines
        names = [kind] if kind in shapes else [f"layers.{n}.{kind}" for n in range(shape.layers)]
        for name in names:
            if name in shapes:
                out[name] = at
                at += 4 * prod(shapes[name])
    return out, at


def load(path: Path, name: str) -> Checkpoint:
    """Open a file; see `metal_configs.checkpoint.load`."""
    where = str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as f:
            raw = f.read(HEADER.size)
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=where) from e
    if len(raw) < HEADER.size:
        raise FlowError(f"has {size} bytes, expected a header of {HEADER.size}", where=where)
    numbers = dict(zip(FIELDS, HEADER.unpack(raw), strict=True))
    if numbers["dim"] == NEWER:
        raise FlowError(
            "is of version 1 or 2 of the format, expected 0", where=where,
            hint="Export the model again with --version 0, or as a Hugging Face folder.",
        )  # fmt: skip
    shared = numbers["vocab_size"] > 0
    numbers["vocab_size"] = abs(numbers["vocab_size"])
    for field, limit in FIELDS.items():
        if not 1 <= numbers[field] <= LIMITS[limit]:
            raise FlowError(
                f"{field} is {numbers[field]}, expected a whole number from 1 to {LIMITS[limit]}",
                where=where,
                hint="The file is damaged, or no file of llama2.c (version 0).",
            )  # fmt: skip
    dim, heads, kv_heads = numbers["dim"], numbers["n_heads"], numbers["n_kv_heads"]
    if dim % heads or heads % kv_heads or dim // heads % 2:
        raise FlowError(
            f"dim {dim}, n_heads {heads}, n_kv_heads {kv_heads}: expected whole, even heads in equal groups",
            where=where,
        )
    shape = Shape(
        dim=dim, layers=numbers["n_layers"], heads=heads, kv_heads=kv_heads, head_dim=dim // heads,
        hidden=numbers["hidden_dim"], vocab=numbers["vocab_size"], context=numbers["seq_len"], tied=shared,
    )  # fmt: skip
    offsets, expected = sizes(shape)
    if size != expected:
        raise FlowError(
            f"has {size} bytes, expected {expected} from its header", where=where,
            hint="The file is cut short or damaged; fetch it again.",
        )  # fmt: skip
    shapes = tensor_shapes(shape)

    def read(tensor: str) -> np.ndarray:
        try:
            a = np.fromfile(path, "<f4", prod(shapes[tensor]), offset=offsets[tensor])
        except OSError as e:
            raise FlowError(f"cannot be read ({e.strerror or e})", where=where) from e
        if a.size != prod(shapes[tensor]):
            raise FlowError(
                f"tensor {tensor} has {a.size} values, expected {prod(shapes[tensor])}", where=where
            )
        return a.reshape(shapes[tensor])

    return Checkpoint(name, shape, path, read, _tokenizer(path, shape.vocab), BEGIN, END)


def _tokenizer(path: Path, vocab: int) -> Callable[[], Tokenizer] | None:
    """From tokenizer.bin beside the weights, or tok<vocabulary>.bin, as llama2.c's own training names it."""
    files = [path.parent / TOKENS, path.parent / f"tok{vocab}.bin"]
    file = next((f for f in files if f.is_file()), None)
    return None if file is None else lambda: _read_tokenizer(file, vocab)


def _read_tokenizer(file: Path, vocab: int) -> Tokenizer:
    try:
        data = file.read_bytes()
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(file)) from e
    at = 4
    pieces: list[str] = []
    scores: list[float] = []
    while at < len(data):
        end = at + 8
        score, length = struct.unpack_from("<fi", data, at) if end <= len(data) else (0.0, -1)
        if not 0 <= length <= len(data) - end or not np.isfinite(score):
            raise FlowError(f"token {len(pieces)} is cut short or damaged, at byte {at}", where=str(file))
        pieces.append(data[end : end + length].decode("utf-8", "replace"))
        scores.append(score)
        at = end + length
    if len(pieces) != vocab:
        raise FlowError(f"holds {len(pieces)} tokens, expected {vocab}, the model's", where=str(file))
    if vocab > END:
        # llama2.c prints these two on lines of their own.
        pieces[BEGIN], pieces[END] = pieces[BEGIN].strip("\n"), pieces[END].strip("\n")
    special = [i for i in (UNKNOWN, BEGIN, END) if i < vocab]
    return sentencepiece([p.replace(" ", SPACE) for p in pieces], scores, special, str(file))
