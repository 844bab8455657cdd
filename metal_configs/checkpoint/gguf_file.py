"""GGUF files (versions 2 and 3) of Llama models, dequantised by rows."""

__all__ = ["READABLE", "accepts", "gguf_name", "load"]

import math
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf.quants import dequantize

from metal_configs.checkpoint.checkpoint import Checkpoint, tensor_shapes
from metal_configs.checkpoint.config import LIMITS, linear_factors
from metal_configs.checkpoint.gguf_header import MAGIC, GgufHeader, read_header
from metal_configs.checkpoint.gguf_texts import read_texts
from rtl_gen.errors import FlowError
from rtl_gen.golden.shape import Shape

READABLE = (Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q4_K, Kind.Q6_K)
BLOCK = 1 << 22  # weights dequantised at a time
NAMES = {"embed": "token_embd", "final_norm": "output_norm", "head": "output"}
# A converter to GGUF has already put the rows of q and k into interleaved RoPE order, which is ours.
KINDS = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down", "norm_attn": "attn_norm", "norm_mlp": "ffn_norm",
}  # fmt: skip
ROPE = "rope_freqs.weight"
SPARE = ".attn_rot_embd.weight"  # a table that follows from the shape


def accepts(path: Path) -> bool:
    """Whether this reader is the one to try: a file that ends in .gguf or begins as one."""
    if not path.is_file():
        return False
    if path.suffix == ".gguf":
        return True
    try:
        with path.open("rb") as f:
            return f.read(4) == MAGIC
    except OSError:
        return False


def gguf_name(name: str) -> str:
    """The GGUF name of a canonical one: "layers.3.q" is "blk.3.attn_q.weight"."""
    if name in NAMES:
        return NAMES[name] + ".weight"
    _, layer, kind = name.split(".")
    return f"blk.{layer}.{KINDS[kind]}.weight"


def load(path: Path, name: str) -> Checkpoint:
    """Open a file; see `metal_configs.checkpoint.load`."""
    header = read_header(path)
    shape = _shape(header)
    for tensor, want in tensor_shapes(shape).items():
        _check(header, gguf_name(tensor), want)
    known = {ROPE, *map(gguf_name, tensor_shapes(shape))}
    for tensor in header.tensors:
        if tensor not in known and not tensor.endswith(SPARE):
            what = "is a bias" if tensor.endswith(".bias") else "is no part of a Llama decoder"
            raise FlowError(
                f"tensor {tensor} {what}, expected none", where=str(path),
                hint="It would be left out of the chip; only plain Llama decoders can be hardwired.",
            )  # fmt: skip
    texts = read_texts(header.values, f"{path} (tokenizer)", shape.vocab)
    return Checkpoint(
        name, shape, path, lambda tensor: _read(header, gguf_name(tensor)),
        texts.read_tokenizer, texts.begin, texts.ends, texts.opens,
        formats=tuple(sorted({t.kind.name for t in header.tensors.values()})),
        read_rows=lambda tensor, first, count: _read_rows(header, gguf_name(tensor), first, count),
        locate=lambda tensor: (header.tensors[gguf_name(tensor)].file, gguf_name(tensor)),
    )  # fmt: skip


def _check(header: GgufHeader, name: str, want: tuple[int, ...]) -> None:
    t = header.tensors.get(name)
    where = str(t.file if t else header.path)
    if t is None:
        raise FlowError(f"no tensor {name}, expected one of shape {want}", where=where)
    if t.shape != want:
        raise FlowError(f"tensor {name} has shape {t.shape}, expected {want} from the header", where=where)
    if t.kind not in READABLE:
        raise FlowError(
            f"tensor {name} has type {t.kind.name}, expected {', '.join(k.name for k in READABLE)}",
            where=where, hint="Give a file in one of these types; F16 or Q8_0 lose least.",
        )  # fmt: skip


def _read(header: GgufHeader, name: str) -> np.ndarray:
    """A whole tensor; some rows at a time, for dequantising takes several times the memory of its result."""
    shape = header.tensors[name].shape
    out = np.empty((math.prod(shape[:-1]), shape[-1]), np.float32)
    step = max(1, BLOCK // shape[-1])
    for first in range(0, len(out), step):
        count = min(step, len(out) - first)
        out[first : first + count] = _read_rows(header, name, first, count)
    return out.reshape(shape)


def _read_rows(header: GgufHeader, name: str, first: int, count: int) -> np.ndarray:
    """float32 [count, inputs]."""
    t = header.tensors[name]
    each = t.size // math.prod(t.shape[:-1])  # blocks of quantised numbers never span two rows
    try:
        raw = np.fromfile(t.file, np.uint8, count * each, offset=t.begin + first * each)
    except OSError as e:
        raise FlowError(f"cannot be read ({e.strerror or e})", where=str(t.file)) from e
    if raw.size != count * each:
        raise FlowError(f"tensor {name} has {raw.size} bytes, expected {count * each}", where=str(t.file))
    with np.errstate(all="ignore"):  # NaN and infinity are reported by `Checkpoint.tensor`
        return dequantize(raw.reshape(count, each), t.kind).astype(np.float32, copy=False)


def _shape(header: GgufHeader) -> Shape:
    where, values = str(header.path), header.values

    def bad(key: str, expected: str, hint: str = "") -> FlowError:
        found = f"{values[key]!r:.80}" if key in values else "nothing"
        return FlowError(f"{key} is {found}, expected {expected}", where=where, hint=hint)

    def integer(key: str, limit: str, default: int | None = None) -> int:
        value = values.get(f"llama.{key}", default)
        if type(value) is not int or not 1 <= value <= LIMITS[limit]:
            raise bad(f"llama.{key}", f"a whole number from 1 to {LIMITS[limit]}")
        return value

    def number(key: str, default: float, low: float, high: float) -> float:
        value: Any = values.get(f"llama.{key}", default)
        if type(value) not in (int, float) or not low <= value <= high:
            raise bad(f"llama.{key}", f"a number from {low:g} to {high:g}")
        # GGUF holds float32: 1e-5 must come back as the 1e-5 that the other formats state.
        return float(f"{value:.7g}")

    def scale() -> float:
        """What divides every frequency; as in llama.cpp, a factor without a type is a linear one."""
        kind = values.get("llama.rope.scaling.type") or "linear"
        if kind not in ("none", "linear"):
            raise bad(
                "llama.rope.scaling.type", "'none' or 'linear'",
                "Of scaled RoPE, linear scaling and that of Llama 3.1 are supported.",
            )  # fmt: skip
        if number("rope.scaling.attn_factor", 1.0, 0.0, 1e9) != 1:
            raise bad("llama.rope.scaling.attn_factor", "1", "It belongs to scalings that are not supported.")
        for key in ("rope.scaling.factor", "rope.scale_linear"):  # the second is the older name
            if kind == "linear" and f"llama.{key}" in values:
                return number(key, 1.0, 0.0, 1e9) or 1.0
        return 1.0

    if values.get("general.architecture") != "llama":
        raise bad("general.architecture", "'llama'", "Only Llama decoders can be hardwired.")
    dim = integer("embedding_length", "hidden_size")
    heads = integer("attention.head_count", "num_attention_heads")
    kv_heads = integer("attention.head_count_kv", "num_key_value_heads", heads)
    if heads % kv_heads:
        raise bad("llama.attention.head_count_kv", f"a divisor of llama.attention.head_count, {heads}")
    head_dim = integer("attention.key_length", "head_dim", max(dim // heads, 1))
    if "llama.attention.key_length" not in values and dim % heads:
        raise bad("llama.attention.head_count", f"a divisor of llama.embedding_length, {dim}")
    if head_dim % 2:
        raise FlowError(f"a head has {head_dim} elements, expected an even number for RoPE", where=where)
    for key in ("llama.attention.value_length", "llama.rope.dimension_count"):
        if values.get(key, head_dim) != head_dim:
            raise bad(key, f"the elements of a head, {head_dim}")
    if values.get("llama.expert_count", 0):
        raise bad("llama.expert_count", "none", "Mixtures of experts are not supported.")
    embed = header.tensors.get(gguf_name("embed"))
    if embed is None or len(embed.shape) != 2:
        raise FlowError("no tensor token_embd.weight, expected a matrix", where=where)
    factors = linear_factors(head_dim, scale())
    if ROPE in header.tensors:
        _check(header, ROPE, (head_dim // 2,))
        own = tuple(float(x) for x in _read(header, ROPE))
        if not all(math.isfinite(x) and x > 0 for x in own):
            raise FlowError(f"tensor {ROPE} holds {min(own)}, expected positive numbers", where=where)
        factors = tuple(a * b for a, b in zip(own, factors or (1.0,) * len(own), strict=True))
    return Shape(
        dim=dim, layers=integer("block_count", "num_hidden_layers"), heads=heads, kv_heads=kv_heads,
        head_dim=head_dim, hidden=integer("feed_forward_length", "intermediate_size"), vocab=embed.shape[0],
        context=integer("context_length", "max_position_embeddings"),
        rope_theta=number("rope.freq_base", 10000.0, 1.0, 1e12),
        norm_eps=number("attention.layer_norm_rms_epsilon", 1e-5, 0.0, 1.0),
        tied=gguf_name("head") not in header.tensors, rope_factors=factors,
    )  # fmt: skip
