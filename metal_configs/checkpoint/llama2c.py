"""Files of llama2.c, version 0: seven integers, then float32 tensors in a fixed order."""

__all__ = ["ORDER", "accepts", "load", "sizes"]

import struct
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import LIMITS
from metal_configs.checkpoint.stand_in import refuse_stand_in
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
UNKNOWN, BEGIN, SPARE = 0, 1, 2
TOKENS = "tokenizer.bin"
PYTORCH = (b"PK\x03\x04", b"\x80\x02")  # how files of PyTorch begin, which end in .bin too


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
    if raw.startswith(PYTORCH):
        raise FlowError(
            "is a file of PyTorch, expected one of llama2.c", where=where,
            hint="Give the folder of the model with its weights as safetensors, or a GGUF file.",
        )  # fmt: skip
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
        last = max((at, n) for n, at in offsets.items() if at <= max(size, HEADER.size))[1]
        ends = f" and ends in tensor {last}" if size < expected else ""
        raise FlowError(
            f"has {size} bytes{ends}, expected {expected} from its header", where=where,
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

    # Its training texts follow one another with the opening token between them, and none that closes.
    return Checkpoint(name, shape, path, read, _tokenizer(path, shape.vocab), BEGIN, (BEGIN,))


def _tokenizer(path: Path, vocab: int) -> Callable[[], Tokenizer] | None:
    """From the file beside the weights that has as many tokens as the model.

    llama2.c calls it tokenizer.bin, and tok<vocabulary>.bin where it was trained for the model; both may lie
    beside models that they do not belong to.
    """
    own, given = path.parent / f"tok{vocab}.bin", path.parent / TOKENS
    rest = sorted(set(path.parent.glob("tok*.bin")) - {own, given, path})
    files = [f for f in (own, given, *rest) if f.is_file()]
    return (lambda: _choose_tokenizer(files, vocab)) if files else None


def _choose_tokenizer(files: Sequence[Path], vocab: int) -> Tokenizer:
    found: list[str] = []
    for file in files:
        try:
            pieces, scores = _pieces(file)
        except FlowError as e:
            if len(files) == 1:
                raise
            found.append(f"{file.name}, damaged ({e.what})")
            continue
        if len(pieces) == vocab:
            return _build_tokenizer(file, pieces, scores)
        if len(files) == 1:
            raise FlowError(f"holds {len(pieces)} tokens, expected {vocab}, the model's", where=str(file))
        found.append(f"{file.name} with {len(pieces)}")
    raise FlowError(
        f"no tokenizer of {vocab} tokens, the model's, lies beside it; there is {', '.join(found)}",
        where=str(files[0].parent), hint=f"Put the model's own there, as tok{vocab}.bin or {TOKENS}.",
    )  # fmt: skip


def _pieces(file: Path) -> tuple[list[str], list[float]]:
    try:
        data = file.read_bytes()
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(file)) from e
    refuse_stand_in(data, str(file))
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
    return pieces, scores


def _build_tokenizer(file: Path, pieces: list[str], scores: list[float]) -> Tokenizer:
    # llama2.c prints these two on lines of their own.
    for n in (BEGIN, SPARE):
        if n < len(pieces):
            pieces[n] = pieces[n].strip("\n")
    special = [n for n in (UNKNOWN, BEGIN, SPARE) if n < len(pieces)]
    return sentencepiece([p.replace(" ", SPACE) for p in pieces], scores, special, str(file))
